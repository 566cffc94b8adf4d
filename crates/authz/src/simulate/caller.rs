//! The simulated caller.

use std::sync::Arc;

use bailiwick_evaluator::{self as evaluator, CallerAccount, Principal};
use bailiwick_model::{Arn, Result};
use bailiwick_snapshot::{Entity, Snapshot};

use super::invalid;
use super::source::Source;

/// The simulated caller.
pub(super) struct Caller {
    pub(super) account: CallerAccount,
    /// None when nobody said who calls: then nothing but an account is known of him.
    pub(super) identity: Option<CallerIdentity>,
}

/// A caller of whom is known who he is.
pub(super) struct CallerIdentity {
    pub(super) arn: String,
    pub(super) name: String,
    pub(super) account: String,
    pub(super) is_role: bool,
    /// The stored one, if it is he whose policies are simulated: of others no tags and ids are told.
    pub(super) entity: Option<Arc<Entity>>,
}

impl Caller {
    pub(super) fn read(snapshot: &Snapshot, source: &Source, arn: Option<&str>) -> Result<Self> {
        let account = |id| CallerAccount { id, is_management: id == snapshot.management_account() };
        let source_identity = |entity: &Arc<Entity>| CallerIdentity {
            arn: entity.arn(snapshot.partition()).as_str().to_owned(),
            name: entity.name.to_string(),
            account: entity.account.to_string(),
            is_role: entity.is_role(),
            entity: Some(entity.clone()),
        };
        let Some(text) = arn else {
            return Ok(Caller {
                account: account(source.account),
                identity: source.entity.as_ref().map(source_identity),
            });
        };
        let not_a_user =
            || invalid("CallerArn", format!("Invalid CallerArn `{text}`: it must be the ARN of an IAM user"));
        let arn = Arn::parse(text).map_err(|_| not_a_user())?;
        let id = arn.account_id().filter(|_| arn.service() == "iam").ok_or_else(not_a_user)?;
        let name = match arn.typed_resource() {
            Some(("user", _, name)) if !name.is_empty() => name.to_owned(),
            _ => return Err(not_a_user()),
        };
        if let Some(identity) = source.entity.as_ref().map(source_identity).filter(|identity| identity.arn == text) {
            return Ok(Caller { account: account(id), identity: Some(identity) });
        }
        let identity =
            CallerIdentity { arn: text.to_owned(), name, account: id.to_string(), is_role: false, entity: None };
        Ok(Caller { account: account(id), identity: Some(identity) })
    }

    pub(super) fn principal(&self) -> Principal<'_> {
        let account = self.account;
        let Some(identity) = &self.identity else {
            return Principal::User { account, user: evaluator::Entity { arn: "", unique_id: None } };
        };
        let stored = identity.entity.as_deref();
        let entity = evaluator::Entity { arn: &identity.arn, unique_id: stored.map(|stored| stored.id.as_str()) };
        if !identity.is_role {
            return Principal::User { account, user: entity };
        }
        let role = stored.and_then(|stored| stored.role.as_ref());
        let service_linked = role.is_some_and(|role| role.linked_service.is_some());
        Principal::RoleSession { account, arn: &identity.arn, role: entity, provider: None, service_linked }
    }
}
