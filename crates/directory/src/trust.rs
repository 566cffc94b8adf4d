//! Trust policies: who they name is bound to unique ids when they are saved, and shown by name when they are read.
//!
//! A grant is to the user or role that existed when it was made. One of the same name, made later, has another id.

use std::collections::HashMap;

use bailiwick_model::{AccountId, Arn, ErrorCode, IamError, IdKind, Partition, Path, Result, RoleName, UniqueId};
use bailiwick_operation::Cx;
use bailiwick_policy_lang::{PolicyKind, PrincipalKind, PrincipalName, parse, rewrite_principals};
use bailiwick_storage::{AccountState, Role, TrustPolicy, Tx, User};

use crate::address::Subject;
use crate::document;

/// Reads a trust policy for a role of an account, and binds who it names.
///
/// # Errors
/// `MalformedPolicyDocument`, also for a principal that does not exist; `LimitExceeded` when it is too large.
pub(crate) async fn bind(cx: &Cx, tx: &mut Tx, text: &str, owner: AccountId) -> Result<TrustPolicy> {
    let parsed = document::trust(cx, text)?;
    let mut ids = HashMap::new();
    for (kind, name) in parsed.principals() {
        let refused = || {
            let message = format!("Invalid principal in policy: \"{}\":\"{}\"", kind.name(), &**name);
            IamError::new(ErrorCode::MalformedPolicyDocument, message)
                .field("PolicyDocument", format!("{}: no such principal", name.span.start))
        };
        match resolve(cx.partition(), tx, kind, name, owner).await? {
            Found::Nobody => return Err(refused()),
            Found::Unbound => {}
            Found::Bound(id) => {
                ids.insert(name.to_string(), id.to_string());
            }
        }
    }
    let bound = rewrite_principals(text, PolicyKind::Trust, |kind, name| {
        if kind == PrincipalKind::Aws { ids.get(name).cloned() } else { None }
    });
    Ok(TrustPolicy { text: text.to_owned(), bound: bound.map_err(document::malformed)? })
}

/// A role's trust policy as it is shown: ARNs of those who live, the ids of those who don't.
pub(crate) async fn shown(cx: &Cx, tx: &mut Tx, role: &Role) -> Result<String> {
    let TrustPolicy { text, bound } = &role.trust_policy;
    let (given, saved) = (parse(text, PolicyKind::Trust), parse(bound, PolicyKind::Trust));
    let (given, saved) = (given.map_err(IamError::internal)?, saved.map_err(IamError::internal)?);
    let mut arns = HashMap::new();
    for ((_, given), (_, saved)) in given.principals().zip(saved.principals()) {
        if let Ok(id) = UniqueId::parse(saved) {
            let account = Arn::parse(given).ok().and_then(|arn| arn.account_id()).unwrap_or(role.account);
            if let Some(arn) = entity_arn(cx.partition(), tx, account, &id).await? {
                arns.insert(id.to_string(), arn.to_string());
            }
        }
    }
    rewrite_principals(bound, PolicyKind::Trust, |_, name| arns.get(name).cloned()).map_err(IamError::internal)
}

enum Found {
    /// It does not exist.
    Nobody,
    /// It exists, and has no unique id.
    Unbound,
    /// It exists and has this id.
    Bound(UniqueId),
}

async fn resolve(here: Partition, tx: &mut Tx, kind: PrincipalKind, name: &str, owner: AccountId) -> Result<Found> {
    let in_partition = |partition: &str| partition == here.as_str();
    Ok(match PrincipalName::parse(kind, name) {
        Some(PrincipalName::Everyone | PrincipalName::Service(_) | PrincipalName::FederatedDomain(_)) => Found::Unbound,
        Some(PrincipalName::Account { account, partition }) if partition.is_none_or(in_partition) => {
            unbound(account_exists(tx, account).await?)
        }
        Some(PrincipalName::User { partition, account, path_and_name }) if in_partition(partition) => {
            entity::<User>(tx, account, path_and_name).await?
        }
        Some(PrincipalName::Role { partition, account, path_and_name }) if in_partition(partition) => {
            entity::<Role>(tx, account, path_and_name).await?
        }
        Some(PrincipalName::AssumedRole { partition, account, role, .. }) if in_partition(partition) => {
            unbound(role_of_that_name(tx, account, role).await?)
        }
        Some(PrincipalName::FederatedUser { partition, account, .. }) if in_partition(partition) => {
            unbound(account_exists(tx, account).await?)
        }
        Some(PrincipalName::UniqueId(id)) => match UniqueId::parse(id) {
            Ok(id) if entity_arn(here, tx, owner, &id).await?.is_some() => Found::Bound(id),
            _ => Found::Nobody,
        },
        // Identity providers are not kept yet, so that none exists.
        _ => Found::Nobody,
    })
}

fn unbound(exists: bool) -> Found {
    if exists { Found::Unbound } else { Found::Nobody }
}

/// Whether the deployment has the account; a closed one is gone.
async fn account_exists(tx: &mut Tx, account: &str) -> Result<bool> {
    let Ok(account) = AccountId::parse(account) else { return Ok(false) };
    Ok(tx.find_account(account).await?.is_some_and(|account| account.state != AccountState::Closed))
}

/// The user or role with exactly this path and name, in the case it was made with.
async fn entity<S: Subject>(tx: &mut Tx, account: &str, path_and_name: &str) -> Result<Found> {
    let at = path_and_name.rfind('/').map_or(0, |slash| slash + 1);
    let (path, name) = path_and_name.split_at(at);
    let (Ok(account), Ok(path), Ok(name)) = (AccountId::parse(account), Path::parse(path), S::parse_name(name)) else {
        return Ok(Found::Nobody);
    };
    let found = tx.find::<S>(account, &name).await?;
    let same = |found: &S| *found.path() == path && found.name().to_string() == name.to_string();
    Ok(found.filter(same).map_or(Found::Nobody, |found| Found::Bound(*found.id())))
}

async fn role_of_that_name(tx: &mut Tx, account: &str, role: &str) -> Result<bool> {
    let (Ok(account), Ok(name)) = (AccountId::parse(account), RoleName::parse(role)) else { return Ok(false) };
    Ok(tx.find::<Role>(account, &name).await?.is_some_and(|found| found.name.as_str() == role))
}

/// The ARN of the user or role with that id, if it lives.
async fn entity_arn(partition: Partition, tx: &mut Tx, account: AccountId, id: &UniqueId) -> Result<Option<Arn>> {
    Ok(match id.kind() {
        IdKind::User => tx.find_by_id::<User>(account, id).await?.map(|user| user.arn(partition)),
        IdKind::Role => tx.find_by_id::<Role>(account, id).await?.map(|role| role.arn(partition)),
        _ => None,
    })
}

#[cfg(test)]
mod tests;
