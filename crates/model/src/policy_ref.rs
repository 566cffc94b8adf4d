//! References to managed policies.

use crate::{AccountId, UniqueId};

/// A reference to a managed policy: its owner, [`AccountId::NONE`] for the deployment, and its unique id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PolicyRef {
    /// The account that owns the policy.
    pub account: AccountId,
    /// Its unique id, `ANPA…`.
    pub id: UniqueId,
}
