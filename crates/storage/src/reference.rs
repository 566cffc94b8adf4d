//! The kinds of identity, as keys and records contain them.

use bailiwick_model::{IdKind, UniqueId};

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

    /// The kind of the identity with this unique id; none for the id of something else.
    pub fn of(id: &UniqueId) -> Option<Self> {
        match id.kind() {
            IdKind::Group => Some(IdentityKind::Group),
            IdKind::User => Some(IdentityKind::User),
            IdKind::Role => Some(IdentityKind::Role),
            _ => None,
        }
    }
}
