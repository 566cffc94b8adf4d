//! Identities: what users, groups and roles have in common.

use bailiwick_model::{AccountId, IamError, UniqueId};

use crate::{keys, reference::IdentityKind};

/// An identity without what it holds: enough to attach to it and to name it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Its account.
    pub account: AccountId,
    /// What it is.
    pub kind: IdentityKind,
    /// Its unique id.
    pub id: UniqueId,
    /// Its name, in the case it was made with.
    pub name: String,
}

impl Identity {
    pub(crate) fn folded_name(&self) -> String {
        self.name.to_ascii_lowercase()
    }

    pub(crate) fn missing(&self) -> IamError {
        IamError::no_such(self.kind.as_str(), &self.name)
    }

    /// The key of the record: whoever gives the identity something, or takes it away, depends on it.
    pub(crate) fn key(&self) -> bytes::Bytes {
        keys::identity(self.account, self.kind, &self.id)
    }
}
