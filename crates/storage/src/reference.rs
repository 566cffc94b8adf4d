//! References to identities and managed policies, as keys and records contain them.

use bailiwick_model::{AccountId, UniqueId};

/// User, group or role; in the order in which AWS lists them together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum IdentityKind {
    /// A group.
    Group = 1,
    /// A user.
    User = 2,
    /// A role.
    Role = 3,
}

impl IdentityKind {
    /// The word for it within a sentence.
    pub const fn as_str(self) -> &'static str {
        match self {
            IdentityKind::Group => "group",
            IdentityKind::User => "user",
            IdentityKind::Role => "role",
        }
    }

    /// Returns the kind with this number in a key.
    pub(crate) const fn from_number(number: u8) -> Option<Self> {
        match number {
            1 => Some(IdentityKind::Group),
            2 => Some(IdentityKind::User),
            3 => Some(IdentityKind::Role),
            _ => None,
        }
    }
}

/// A reference to a managed policy: its owner, [`AccountId::NONE`] for the deployment, and its unique id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PolicyRef {
    /// The account that owns the policy.
    pub account: AccountId,
    /// Its unique id, `ANPA…`.
    pub id: UniqueId,
}
