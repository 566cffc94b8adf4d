//! What a report is about, and the users and roles that it covers.

use std::collections::HashSet;

use bailiwick_api::iam as pb;
use bailiwick_model::{AccountId, Arn, ErrorCode, IamError, Result, UniqueId};
use bailiwick_operation::{Check, Cx};
use bailiwick_policy_lang::Document;
use bailiwick_storage::{
    AccessSubject, Group, HolderFilter, Identity, IdentityKind, Noun, Policy, Role, Tx, Usage, User,
};

use crate::address::{Addressed, IdentityRecord, PolicyArn, check_stored};
use crate::policies::granting_access;

/// A user, group, role or managed policy.
pub(super) enum Reported {
    User(Box<User>),
    Group(Box<Group>),
    Role(Box<Role>),
    Policy(Box<Policy>),
}

/// What an ARN names, if it exists.
pub struct Named {
    pub(super) stored: Option<Reported>,
    missing: IamError,
}

/// A user or role that a report covers.
pub(super) struct Entity {
    pub(super) id: UniqueId,
    pub(super) info: pb::EntityInfo,
}

impl Named {
    /// Looks up an ARN, and names the check of an action on it.
    ///
    /// # Errors
    /// `InvalidInput` for an ARN of something else.
    pub(super) async fn look_up(cx: &Cx, tx: &mut Tx, text: &str, action: &'static str) -> Result<(Self, Check)> {
        let unclear = || IamError::new(ErrorCode::InvalidInput, format!("ARN {text} is not valid."));
        let arn = Arn::parse(text).map_err(|_| unclear())?;
        let is_own = arn.service() == "iam" && arn.region().is_empty() && arn.partition() == cx.partition().as_str();
        let (kind, _, name) = arn.typed_resource().filter(|_| is_own).ok_or_else(unclear)?;
        if kind == "policy" {
            let address = PolicyArn::parse(cx, text).map_err(|_| unclear())?;
            let policy = Policy::find(cx, tx, &address).await?;
            // The report is the account's own, also about a policy that the deployment manages.
            let mut check = Policy::check(cx, &address, policy.as_ref(), action).displayed_as(arn.as_str());
            if arn.account_id().is_none() {
                check = check.owned_by(cx.account());
            }
            let check = check.displayed_as(arn.as_str());
            let stored = policy.map(|policy| Reported::Policy(Box::new(policy)));
            return Ok((Named { stored, missing: Policy::no_such(&address) }, check));
        }
        if arn.account_id().is_none() {
            return Err(unclear());
        }
        let (stored, check) = match kind {
            "user" => {
                found::<User>(cx, tx, &arn, name, action).await?.map(|(user, check)| (Reported::User(user), check))
            }
            "role" => {
                found::<Role>(cx, tx, &arn, name, action).await?.map(|(role, check)| (Reported::Role(role), check))
            }
            "group" => {
                found::<Group>(cx, tx, &arn, name, action).await?.map(|(group, check)| (Reported::Group(group), check))
            }
            _ => return Err(unclear()),
        }
        .unzip();
        let check = check.unwrap_or_else(|| Check::new(action, &arn));
        Ok((Named { stored, missing: IamError::no_such(kind, name) }, check))
    }

    /// What the ARN names.
    ///
    /// # Errors
    /// `NoSuchEntity`.
    pub(super) fn get(self) -> Result<Reported> {
        self.stored.ok_or(self.missing)
    }
}

async fn found<I: IdentityRecord>(
    cx: &Cx,
    tx: &mut Tx,
    arn: &Arn,
    name: &str,
    action: &'static str,
) -> Result<Option<(Box<I>, Check)>> {
    let stored = granting_access::find::<I>(cx, tx, arn, name).await?;
    Ok(stored.map(|stored| {
        let check = check_stored(cx, &stored, action).displayed_as(arn.as_str());
        (Box::new(stored), check)
    }))
}

impl Reported {
    /// The subject of a job about it.
    pub(super) fn subject(&self, actions: bool) -> AccessSubject {
        let id = match self {
            Reported::User(user) => user.id,
            Reported::Group(group) => group.id,
            Reported::Role(role) => role.id,
            Reported::Policy(policy) => return AccessSubject::Policy { policy: policy.reference(), actions },
        };
        AccessSubject::Identity { id, actions }
    }

    /// The subject of a job, if it still exists.
    pub(super) async fn of(tx: &mut Tx, account: AccountId, subject: &AccessSubject) -> Result<Option<Self>> {
        Ok(match subject {
            AccessSubject::Policy { policy, .. } => {
                tx.find_policy(*policy).await?.map(|policy| Reported::Policy(Box::new(policy)))
            }
            AccessSubject::Identity { id, .. } => match IdentityKind::of(id) {
                Some(IdentityKind::User) => tx.find_by_id(account, id).await?.map(|u| Reported::User(Box::new(u))),
                Some(IdentityKind::Group) => tx.find_by_id(account, id).await?.map(|g| Reported::Group(Box::new(g))),
                Some(IdentityKind::Role) => tx.find_by_id(account, id).await?.map(|r| Reported::Role(Box::new(r))),
                None => None,
            },
            AccessSubject::Organization { .. } => None,
        })
    }

    /// The policies that give it access.
    pub(super) async fn documents(&self, cx: &Cx, tx: &mut Tx) -> Result<Vec<Document>> {
        let held = match self {
            Reported::User(user) => granting_access::policies_of_user(cx, tx, user).await?,
            Reported::Group(group) => granting_access::policies_of(cx, tx, &Identity::from(&**group)).await?,
            Reported::Role(role) => granting_access::policies_of(cx, tx, &Identity::from(&**role)).await?,
            Reported::Policy(policy) => {
                return Ok(vec![granting_access::read(&tx.default_version(policy).await?.document)?]);
            }
        };
        Ok(held.into_iter().map(|(document, _)| document).collect())
    }

    /// The users and roles that it covers: the members of a group, those with a policy, and the members of groups with it.
    pub(super) async fn entities(&self, cx: &Cx, tx: &mut Tx) -> Result<Vec<Entity>> {
        Ok(match self {
            Reported::User(user) => vec![entity(cx, &**user)],
            Reported::Role(role) => vec![entity(cx, &**role)],
            Reported::Group(group) => members(cx, tx, group).await?,
            Reported::Policy(policy) => {
                let filter = HolderFilter { kind: None, usage: Some(Usage::Attached), path_prefix: "" };
                let holders = tx.list_holders(cx.account(), policy.reference(), filter, None, usize::MAX).await?;
                let mut all = Vec::new();
                for holder in holders.items {
                    match holder.kind {
                        IdentityKind::User => all.extend(by_id::<User>(cx, tx, &holder.id).await?),
                        IdentityKind::Role => all.extend(by_id::<Role>(cx, tx, &holder.id).await?),
                        IdentityKind::Group => {
                            if let Some(group) = tx.find_by_id::<Group>(cx.account(), &holder.id).await? {
                                all.extend(members(cx, tx, &group).await?);
                            }
                        }
                    }
                }
                let mut known = HashSet::new();
                all.retain(|entity| known.insert(entity.id));
                all
            }
        })
    }
}

async fn members(cx: &Cx, tx: &Tx, group: &Group) -> Result<Vec<Entity>> {
    let members = tx.list_members(group, None, usize::MAX).await?.items;
    Ok(members.iter().map(|user| entity(cx, user)).collect())
}

async fn by_id<I: IdentityRecord>(cx: &Cx, tx: &mut Tx, id: &UniqueId) -> Result<Option<Entity>> {
    Ok(tx.find_by_id::<I>(cx.account(), id).await?.map(|stored| entity(cx, &stored)))
}

fn entity<I: IdentityRecord + Noun>(cx: &Cx, stored: &I) -> Entity {
    let info = pb::EntityInfo {
        arn: Some(stored.arn(cx.partition()).to_string()),
        name: Some(stored.name().to_string()),
        r#type: Some(I::TYPE.to_ascii_uppercase()),
        id: Some(stored.id().to_string()),
        path: Some(stored.path().to_string()),
    };
    Entity { id: *stored.id(), info }
}
