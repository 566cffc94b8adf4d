//! Users.

use bailiwick_model::{AccountId, IamError, KeyCase, Path, PolicyRef, Tags, UniqueId, UserName};
use jiff::Timestamp;

use crate::{
    codec::{self, AsMessage, Malformed, pb},
    keys::{CounterKind, Kind},
    noun::{Noun, NounSpec},
};

/// A user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// Its account.
    pub account: AccountId,
    /// Its unique id, `AIDA…`.
    pub id: UniqueId,
    /// Its name.
    pub name: UserName,
    /// The path.
    pub path: Path,
    /// When the user was created.
    pub created: Timestamp,
    /// Its tags.
    pub tags: Tags,
    /// Its permissions boundary.
    pub boundary: Option<PolicyRef>,
    /// When the password was last used to sign in.
    pub password_last_used: Option<Timestamp>,
    /// Sessions issued before this time are revoked.
    pub sessions_valid_after: Option<Timestamp>,
}

impl Noun for User {
    type Name = UserName;
    const SPEC: NounSpec = NounSpec {
        record: Kind::User,
        names: Kind::UserName,
        label: "user",
        counter: CounterKind::Users,
        quota_name: "UsersPerAccount",
        quota: |quotas| quotas.users,
        already_exists: |name| IamError::already_exists("User", name),
    };

    fn account(&self) -> AccountId {
        self.account
    }
    fn id(&self) -> &UniqueId {
        &self.id
    }
    fn name(&self) -> &UserName {
        &self.name
    }
    fn path(&self) -> &Path {
        &self.path
    }
    fn boundary(&self) -> Option<PolicyRef> {
        self.boundary
    }
}

impl AsMessage for User {
    type Message = pb::User;
    const NAME: &'static str = "user";

    fn to_message(&self) -> pb::User {
        pb::User {
            account: codec::account_number(self.account),
            id: self.id.to_string(),
            name: self.name.to_string(),
            path: self.path.to_string(),
            created: self.created.as_microsecond(),
            tags: codec::tag_messages(&self.tags),
            boundary: self.boundary.map(codec::policy_message),
            password_last_used: self.password_last_used.map(Timestamp::as_microsecond),
            sessions_valid_after: self.sessions_valid_after.map(Timestamp::as_microsecond),
        }
    }

    fn from_message(message: pb::User) -> Result<Self, Malformed> {
        Ok(User {
            account: codec::account(message.account)?,
            id: codec::id(&message.id)?,
            name: UserName::parse(&message.name)?,
            path: codec::path(&message.path)?,
            created: codec::time(message.created)?,
            tags: codec::tags(KeyCase::Insensitive, &message.tags)?,
            boundary: message.boundary.map(codec::policy_ref).transpose()?,
            password_last_used: codec::maybe_time(message.password_last_used)?,
            sessions_valid_after: codec::maybe_time(message.sessions_valid_after)?,
        })
    }
}
