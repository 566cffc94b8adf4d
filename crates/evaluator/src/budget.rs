//! Ending what would cost too much.
//!
//! Steps are counted up from so far below [`SPENT`] as a budget reaches, so that the loops that could take long need
//! only look at one bit. Whatever is answered after that is thrown away.

/// How many steps decisions may take before they are given up; several decisions may share one.
#[derive(Clone, Debug)]
pub struct Budget {
    limit: u64,
    pub(crate) steps: u64,
}

/// No decision counts so far from zero.
const SPENT: u64 = 1 << 63;

impl Budget {
    /// A budget of so many steps.
    #[must_use]
    pub fn new(limit: u64) -> Self {
        let limit = limit.min(SPENT - 1);
        Self { limit, steps: SPENT - 1 - limit }
    }

    /// The steps that were taken, those included that turned out to be too many.
    #[must_use]
    pub fn taken(&self) -> u64 {
        (self.steps + self.limit).saturating_sub(SPENT - 1)
    }

    /// The steps that are left.
    #[must_use]
    pub fn left(&self) -> u64 {
        self.limit.saturating_sub(self.taken())
    }

    /// What was found out, unless the budget did not suffice for it.
    pub(crate) fn unless_spent<T>(&self, found: T) -> Option<T> {
        (!is_spent(self.steps)).then_some(found)
    }
}

/// Whether so many steps are more than there were.
#[inline]
pub(crate) fn is_spent(steps: u64) -> bool {
    steps >= SPENT
}
