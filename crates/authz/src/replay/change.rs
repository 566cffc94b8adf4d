//! The proposed change, read.

use bailiwick_api::audit::PolicyChange;
use bailiwick_api::audit::policy_change::Change as Proposed;
use bailiwick_evaluator::Policy;
use bailiwick_model::{AccountId, Arn, GroupName, IamError, Result, UniqueId};
use bailiwick_operation::{Cx, malformed};
use bailiwick_policy_lang::{PolicyKind, SaveRules, parse_strict};
use bailiwick_snapshot::Snapshot;
use bailiwick_storage::{Group, Identity, Role, Tx, User};

use super::invalid;

/// A change of policies.
pub(super) enum Change {
    PutInline { holder: UniqueId, name: String, policy: Policy },
    DeleteInline { holder: UniqueId, name: String },
    Attach { holder: UniqueId, arn: String, policy: Policy },
    Detach { holder: UniqueId, arn: String },
    NewVersion { arn: String, policy: Policy },
    PutBoundary { holder: UniqueId, policy: Policy },
    DeleteBoundary { holder: UniqueId },
}

/// Reads the changes of a request.
///
/// # Errors
/// `InvalidInput` for a change of another account's identity or policy, of a policy that AWS or the deployment manages, and
/// of a group's boundary; `MalformedPolicyDocument`; `NoSuchEntity` for an identity or policy that is not there.
pub(super) async fn read(cx: &Cx, tx: &mut Tx, snapshot: &Snapshot, changes: Vec<PolicyChange>) -> Result<Vec<Change>> {
    let mut read = Vec::with_capacity(changes.len());
    for (at, change) in changes.into_iter().enumerate() {
        let place = format!("changes.{}", at + 1);
        let Some(change) = change.change else {
            return Err(invalid(&place, format!("{place} does not say what to change")));
        };
        read.push(one(cx, tx, snapshot, change, &place).await?);
    }
    Ok(read)
}

async fn one(cx: &Cx, tx: &mut Tx, snapshot: &Snapshot, change: Proposed, place: &str) -> Result<Change> {
    Ok(match change {
        Proposed::PutInlinePolicy(put) => {
            let holder = identity(cx, tx, &put.identity_arn, place).await?.id;
            let policy = compile(cx, &put.policy_document, &put.policy_name)?;
            Change::PutInline { holder, name: put.policy_name, policy }
        }
        Proposed::DeleteInlinePolicy(delete) => {
            let identity = identity(cx, tx, &delete.identity_arn, place).await?;
            let inline = tx.list_inline_policies(&identity, None, usize::MAX).await?.items;
            let name = delete.policy_name;
            if !inline.iter().any(|policy| policy.name.as_str().eq_ignore_ascii_case(&name)) {
                return Err(IamError::no_such(&format!("{} policy", identity.kind.as_str()), &name));
            }
            Change::DeleteInline { holder: identity.id, name }
        }
        Proposed::AttachPolicy(of) => {
            let holder = identity(cx, tx, &of.identity_arn, place).await?.id;
            Change::Attach { holder, policy: managed(snapshot, &of.policy_arn)?, arn: of.policy_arn }
        }
        Proposed::DetachPolicy(of) => {
            let identity = identity(cx, tx, &of.identity_arn, place).await?;
            let attached = tx.list_attached(&identity, "/", None, usize::MAX).await?.items;
            let is_it = |policy: &Policy| policy.name() == Some(&*of.policy_arn);
            let is_attached = attached.iter().any(|attached| {
                snapshot.managed_policy_by_ref(attached.reference()).is_some_and(|managed| is_it(&managed.policy))
            });
            if !is_attached {
                return Err(IamError::no_such("attached policy", &of.policy_arn));
            }
            Change::Detach { holder: identity.id, arn: of.policy_arn }
        }
        Proposed::NewPolicyVersion(version) => {
            let is_own = Arn::parse(&version.policy_arn).is_ok_and(|arn| arn.account_id() == Some(cx.account()));
            if !is_own {
                let why = format!("`{}` is not a managed policy of the caller's account", version.policy_arn);
                return Err(invalid(place, why));
            }
            managed(snapshot, &version.policy_arn)?;
            let policy = compile(cx, &version.policy_document, &version.policy_arn)?;
            Change::NewVersion { arn: version.policy_arn, policy }
        }
        Proposed::PutPermissionsBoundary(of) => Change::PutBoundary {
            holder: bounded(identity(cx, tx, &of.identity_arn, place).await?, place)?,
            policy: managed(snapshot, &of.policy_arn)?,
        },
        Proposed::DeletePermissionsBoundary(of) => {
            Change::DeleteBoundary { holder: bounded(identity(cx, tx, &of.identity_arn, place).await?, place)? }
        }
    })
}

/// A user or role, which may have a boundary.
fn bounded(identity: Identity, place: &str) -> Result<UniqueId> {
    match identity.kind.as_str() {
        "group" => Err(invalid(place, "a group has no permissions boundary".to_owned())),
        _ => Ok(identity.id),
    }
}

fn compile(cx: &Cx, text: &str, name: &str) -> Result<Policy> {
    let rules = SaveRules { partition: Some(cx.partition().as_str()), ..SaveRules::default() };
    let document = parse_strict(text, PolicyKind::Identity, &rules).map_err(malformed)?;
    Ok(Policy::compile_named(&document, PolicyKind::Identity, Some(name)))
}

fn managed(snapshot: &Snapshot, text: &str) -> Result<Policy> {
    let found = Arn::parse(text).ok().and_then(|arn| snapshot.managed_policy(&arn).map(|found| found.policy.clone()));
    found.ok_or_else(|| IamError::no_such("policy", text))
}

/// A user, group or role of the caller's account.
async fn identity(cx: &Cx, tx: &mut Tx, text: &str, place: &str) -> Result<Identity> {
    let refused =
        || invalid(place, format!("`{text}` is not the ARN of a user, group or role of the caller's account"));
    let arn = Arn::parse(text).map_err(|_| refused())?;
    let account: AccountId = cx.account();
    let is_own = arn.service() == "iam" && arn.account_id() == Some(account);
    let (kind, path, name) = arn.typed_resource().filter(|_| is_own).ok_or_else(refused)?;
    let found = match kind {
        "user" => match bailiwick_model::UserName::parse(name) {
            Ok(name) => tx
                .find::<User>(account, &name)
                .await?
                .filter(|user| user.path.as_str() == path)
                .map(|user| Identity::from(&user)),
            Err(_) => None,
        },
        "role" => match bailiwick_model::RoleName::parse(name) {
            Ok(name) => tx
                .find::<Role>(account, &name)
                .await?
                .filter(|role| role.path.as_str() == path)
                .map(|role| Identity::from(&role)),
            Err(_) => None,
        },
        "group" => match GroupName::parse(name) {
            Ok(name) => tx
                .find::<Group>(account, &name)
                .await?
                .filter(|group| group.path.as_str() == path)
                .map(|group| Identity::from(&group)),
            Err(_) => None,
        },
        _ => return Err(refused()),
    };
    found.ok_or_else(|| IamError::no_such(kind, name))
}
