//! Roles.

use bailiwick_model::{AccountId, IamError, KeyCase, Path, PolicyRef, Result, RoleName, Tags, UniqueId};
use jiff::Timestamp;

use crate::{
    codec::{self, AsMessage, Malformed, pb},
    keys::{self, CounterKind, Kind},
    noun::{Noun, NounSpec},
    tx::Tx,
};

/// A role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Role {
    /// Its account.
    pub account: AccountId,
    /// Its unique id, `AROA…`.
    pub id: UniqueId,
    /// Its name.
    pub name: RoleName,
    /// The path.
    pub path: Path,
    /// When the role was created.
    pub created: Timestamp,
    /// Its tags.
    pub tags: Tags,
    /// Its permissions boundary.
    pub boundary: Option<PolicyRef>,
    /// The description.
    pub description: Option<String>,
    /// The trust policy: which principals can assume the role.
    pub trust_policy: TrustPolicy,
    /// The maximum session duration, in seconds.
    pub max_session_seconds: u32,
    /// The maximum session duration for users who sign in, in seconds; `None` if it was never set.
    pub max_signin_session_seconds: Option<u32>,
    /// Sessions issued before this time are revoked.
    pub sessions_valid_after: Option<Timestamp>,
    /// The service that the role is linked to, as in `elasticbeanstalk.amazonaws.com`.
    pub linked_service: Option<String>,
}

/// A trust policy in its two forms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrustPolicy {
    /// The document as the caller sent it.
    pub text: String,
    /// The document with the users and roles that it names bound to their unique ids. Decisions use this form.
    pub bound: String,
}

/// When and where a role was last used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoleLastUsed {
    /// The moment.
    pub time: Timestamp,
    /// The region of the request.
    pub region: String,
}

impl Tx {
    /// When a role was last used, if it was; no reason for a conflict.
    ///
    /// # Errors
    /// `ServiceFailure` when the store fails.
    pub async fn role_last_used(&self, role: &Role) -> Result<Option<RoleLastUsed>> {
        self.peek(&keys::role_last_used(role.account, &role.id)).await
    }

    /// Records a use of a role, unless the role was deleted.
    ///
    /// # Errors
    /// `ServiceFailure` when the store fails.
    pub async fn put_role_last_used(&mut self, account: AccountId, role: &UniqueId, used: &RoleLastUsed) -> Result<()> {
        if self.find_by_id::<Role>(account, role).await?.is_some() {
            self.put_record(keys::role_last_used(account, role), used);
        }
        Ok(())
    }
}

impl Noun for Role {
    type Name = RoleName;
    const SPEC: NounSpec = NounSpec {
        record: Kind::Role,
        names: Kind::RoleName,
        label: "role",
        counter: CounterKind::Roles,
        quota_name: "RolesPerAccount",
        quota: |quotas| quotas.roles,
        already_exists: |name| IamError::already_exists("Role", name),
    };

    fn account(&self) -> AccountId {
        self.account
    }
    fn id(&self) -> &UniqueId {
        &self.id
    }
    fn name(&self) -> &RoleName {
        &self.name
    }
    fn path(&self) -> &Path {
        &self.path
    }
    fn boundary(&self) -> Option<PolicyRef> {
        self.boundary
    }
}

impl AsMessage for Role {
    type Message = pb::Role;
    const NAME: &'static str = "role";

    fn to_message(&self) -> pb::Role {
        pb::Role {
            account: codec::account_number(self.account),
            id: self.id.to_string(),
            name: self.name.to_string(),
            path: self.path.to_string(),
            created: self.created.as_microsecond(),
            tags: codec::tag_messages(&self.tags),
            boundary: self.boundary.map(codec::policy_message),
            description: self.description.clone(),
            trust_policy: self.trust_policy.text.clone(),
            bound_trust_policy: self.trust_policy.bound.clone(),
            max_session_seconds: self.max_session_seconds,
            max_signin_session_seconds: self.max_signin_session_seconds,
            sessions_valid_after: self.sessions_valid_after.map(Timestamp::as_microsecond),
            linked_service: self.linked_service.clone(),
        }
    }

    fn from_message(message: pb::Role) -> Result<Self, Malformed> {
        Ok(Role {
            account: codec::account(message.account)?,
            id: codec::id(&message.id)?,
            name: RoleName::parse(&message.name)?,
            path: codec::path(&message.path)?,
            created: codec::time(message.created)?,
            tags: codec::tags(KeyCase::Insensitive, &message.tags)?,
            boundary: message.boundary.map(codec::policy_ref).transpose()?,
            description: message.description,
            trust_policy: TrustPolicy { text: message.trust_policy, bound: message.bound_trust_policy },
            max_session_seconds: message.max_session_seconds,
            max_signin_session_seconds: message.max_signin_session_seconds,
            sessions_valid_after: codec::maybe_time(message.sessions_valid_after)?,
            linked_service: message.linked_service,
        })
    }
}

impl AsMessage for RoleLastUsed {
    type Message = pb::RoleLastUsed;
    const NAME: &'static str = "role last used";

    fn to_message(&self) -> pb::RoleLastUsed {
        pb::RoleLastUsed { time: self.time.as_microsecond(), region: self.region.clone() }
    }

    fn from_message(message: pb::RoleLastUsed) -> Result<Self, Malformed> {
        Ok(RoleLastUsed { time: codec::time(message.time)?, region: message.region })
    }
}
