//! The bounds of one page.

use prost::Message;

use crate::work_budget::WorkBudget;

/// The maximum number of decisions that a page covers, whatever they are.
const MAX_EXAMINED: u32 = 1_000;
/// The size in bytes beyond which a page has no further entries.
const MAX_BYTES: usize = 1024 * 1024;
/// The decisions of one principal or action: the decision with what matched, and the explanation of a denial.
const DECISIONS: u64 = 2;

/// What a page has so far, and the work that it may still do.
pub(super) struct PageBudget {
    pub(super) work: WorkBudget,
    pub(super) examined: u32,
    limit: usize,
    entries: usize,
    bytes: usize,
}

impl PageBudget {
    /// The budget of a page with at most `limit` entries.
    pub(super) fn new(limit: usize) -> Self {
        PageBudget { work: WorkBudget::new(), examined: 0, limit, entries: 0, bytes: 0 }
    }

    /// Counts an entry of the page.
    pub(super) fn add(&mut self, entry: &impl Message) {
        self.entries += 1;
        self.bytes += entry.encoded_len();
    }

    /// Counts an entry that is a name.
    pub(super) fn add_name(&mut self, name: &str) {
        self.entries += 1;
        self.bytes += name.len();
    }

    /// Whether the page ends here. It does not end before it has covered anything.
    pub(super) fn is_spent(&self) -> bool {
        self.entries >= self.limit
            || self.examined >= MAX_EXAMINED
            || self.bytes > MAX_BYTES
            || !self.work.suffices_for(DECISIONS)
    }
}
