//! The filter of a policy: a few bits of all of its actions, which exclude most policies that do not concern a request.
//!
//! It is a part of the handle, so that a list of attached policies is passed over without a look at their memory.

use crate::action::ActionSet;
use crate::bits::{policy_head_bit, policy_name_bit};
use crate::prepared::PreparedRequest;

/// The bits of all actions of a policy.
#[derive(Clone, Copy, Default)]
pub(super) struct PolicyFilter {
    /// Bits of the first three characters, which most services have for themselves.
    heads: u64,
    /// Bits of whole actions.
    names: u64,
}

impl PolicyFilter {
    /// Creates the filter of a policy with these sets of actions.
    pub(super) fn of_actions(sets: &[ActionSet]) -> Self {
        sets.iter().map(Self::of_set).fold(Self::default(), Self::or)
    }

    fn of_set(set: &ActionSet) -> Self {
        if set.negated || set.everything {
            return Self { heads: u64::MAX, names: u64::MAX };
        }
        let exact = set
            .exact
            .iter()
            .map(|(hash, name)| Self { heads: policy_head_bit(name.as_bytes()), names: policy_name_bit(*hash) });
        let wild =
            set.wild.iter().map(|pattern| Self { heads: policy_head_bit(pattern.head().as_bytes()), names: u64::MAX });
        exact.chain(wild).fold(Self::default(), Self::or)
    }

    fn or(self, other: Self) -> Self {
        Self { heads: self.heads | other.heads, names: self.names | other.names }
    }

    /// Whether a statement of the policy may match the action of the request.
    #[inline]
    pub(super) fn may_match(self, request: &PreparedRequest<'_>) -> bool {
        (self.heads & request.marks.head != 0) & (self.names & request.marks.name != 0)
    }
}
