//! Budgets of steps, which end decisions that would cost too much.
//!
//! The count of steps starts below [`SPENT`] by the size of the budget, so that long loops test a single bit. A result
//! after that point is discarded.

/// The number of steps after which decisions are aborted. Several decisions may share a budget.
#[derive(Clone, Debug)]
pub struct Budget {
    limit: u64,
    pub(crate) steps: u64,
}

/// No decision reaches this count from zero.
const SPENT: u64 = 1 << 63;

impl Budget {
    /// Creates a budget of this many steps.
    #[must_use]
    pub fn new(limit: u64) -> Self {
        let limit = limit.min(SPENT - 1);
        Self { limit, steps: SPENT - 1 - limit }
    }

    /// The steps taken, including those beyond the budget.
    #[must_use]
    pub fn taken(&self) -> u64 {
        (self.steps + self.limit).saturating_sub(SPENT - 1)
    }

    /// The remaining steps.
    #[must_use]
    pub fn left(&self) -> u64 {
        self.limit.saturating_sub(self.taken())
    }

    /// Returns the result, or `None` if the budget was exceeded.
    pub(crate) fn unless_spent<T>(&self, found: T) -> Option<T> {
        (!is_spent(self.steps)).then_some(found)
    }
}

/// Whether the count of steps exceeds the budget.
#[inline]
pub(crate) fn is_spent(steps: u64) -> bool {
    steps >= SPENT
}
