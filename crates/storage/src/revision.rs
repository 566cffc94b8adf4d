//! Revisions: the numbers of committed batches.

/// The number of a committed batch; grows by at least one with each.
///
/// Zero is the empty store. What clients see is opaque and carries the store's identity as well.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Revision(u64);

impl Revision {
    /// The revision of a store in which nothing was ever written.
    pub const ZERO: Revision = Revision(0);

    /// The revision with this number.
    pub const fn new(number: u64) -> Self {
        Revision(number)
    }

    /// The bare number.
    pub const fn number(self) -> u64 {
        self.0
    }

    /// The revision after this one.
    pub const fn next(self) -> Self {
        Revision(self.0 + 1)
    }
}
