//! Filters: a few bits of each statement that exclude most non-matching statements without a branch.

use crate::action::ActionSet;
use crate::bits::{ALL_NAMES, RequestBits, head_bit, name_bit};
use crate::resource::ResourceSet;

/// The bits that a request must have to match a statement.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Filter {
    /// Bits of the first two characters of actions (the low half), and of whole actions (the high one).
    actions: u64,
    /// Eight bytes of the resource, and their offset.
    word: u64,
    at: u32,
    /// All of its bits or none.
    mask: i32,
}

impl Filter {
    /// Creates the filter of a set of actions.
    pub(crate) fn of_actions(actions: &ActionSet) -> Self {
        let any_resource = Self { actions: 0, word: 0, at: 0, mask: 0 };
        if actions.negated || actions.everything {
            return Self { actions: u64::MAX, ..any_resource };
        }
        let exact = actions.exact.iter().map(|(hash, name)| head_bit(name.as_bytes()) | name_bit(*hash));
        let wild = actions.wild.iter().map(|pattern| match pattern.head().as_bytes() {
            head @ [_, _, ..] => head_bit(head) | ALL_NAMES,
            _ => u64::MAX,
        });
        Self { actions: exact.chain(wild).fold(0, |all, bits| all | bits), ..any_resource }
    }

    /// Adds the last eight bytes of the literal prefix of a single resource pattern.
    pub(crate) fn and_resources(mut self, resources: Option<&ResourceSet>) -> Self {
        if let Some(set) = resources
            && let [pattern] = &*set.patterns
            && !set.negated
            && let Some(word) = pattern.head().as_bytes().last_chunk::<8>()
        {
            self.word = u64::from_le_bytes(*word);
            self.mask = -1;
            self.at = pattern.head().len() as u32 - 8;
        }
        self
    }

    #[inline]
    pub(crate) fn may_match(&self, marks: &RequestBits<'_>) -> bool {
        // An offset beyond the end of the resource is moved to its end. A false positive does no harm.
        let at = self.at.min(marks.last) as usize;
        let own = marks.resource.get(at..at + 8).and_then(|own| own.first_chunk::<8>());
        let own = own.map_or(0, |own| u64::from_le_bytes(*own));
        (self.actions & marks.action == marks.action) & ((own ^ self.word) & i64::from(self.mask) as u64 == 0)
    }
}
