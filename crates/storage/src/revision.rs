//! Revisions: the numbers of committed batches.

/// The number of a committed batch; grows by at least one with each commit.
///
/// Zero is the empty store. Clients see an opaque form that also contains the identity of the store.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Revision(u64);

impl Revision {
    /// The revision of an empty store.
    pub const ZERO: Revision = Revision(0);

    /// The revision with this number.
    pub const fn new(number: u64) -> Self {
        Revision(number)
    }

    /// The bare number.
    pub const fn number(self) -> u64 {
        self.0
    }

    /// The next revision.
    pub const fn next(self) -> Self {
        Revision(self.0 + 1)
    }
}
