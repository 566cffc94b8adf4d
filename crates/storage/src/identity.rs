//! The properties that users, groups and roles share.

use bailiwick_model::{AccountId, IamError, UniqueId};

use crate::{keys, reference::IdentityKind};

/// A reference to an identity, with its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Its account.
    pub account: AccountId,
    /// Whether it is a user, group or role.
    pub kind: IdentityKind,
    /// Its unique id.
    pub id: UniqueId,
    /// The name, with the case that it was created with.
    pub name: String,
}

impl Identity {
    pub(crate) fn folded_name(&self) -> String {
        self.name.to_ascii_lowercase()
    }

    pub(crate) fn missing(&self) -> IamError {
        IamError::no_such(self.kind.as_str(), &self.name)
    }

    /// The key of the record. Every transaction that changes what the identity holds depends on it.
    pub(crate) fn key(&self) -> bytes::Bytes {
        keys::identity(self.account, self.kind, &self.id)
    }
}
