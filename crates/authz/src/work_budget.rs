//! How much work one request may cause, and others' turns in between.

use std::future::poll_fn;
use std::task::Poll;

use bailiwick_evaluator::Budget;
use bailiwick_model::{ErrorCode, IamError, Result};

/// The steps of the evaluator, a few nanoseconds each, that one decision or explanation may take. Nobody else has a
/// turn on its thread meanwhile.
pub(crate) const DECISION_STEPS: u64 = 10_000_000;

/// The steps that one request may take, over all its questions and the checks of who asks them.
pub(crate) const REQUEST_STEPS: u64 = 50_000_000;

/// After this much others have their turn.
const YIELD_COST: u64 = 250_000;

/// The work of one request so far.
pub(crate) struct WorkBudget {
    left: u64,
    since_yield: u64,
}

impl WorkBudget {
    pub(crate) fn new() -> Self {
        WorkBudget { left: REQUEST_STEPS, since_yield: 0 }
    }

    /// Asks the evaluator within what is left.
    ///
    /// # Errors
    /// `LimitExceeded` when that does not suffice: then nothing was decided.
    pub(crate) fn spend<T>(&mut self, evaluate: impl FnOnce(&mut Budget) -> Option<T>) -> Result<T> {
        let mut budget = Budget::new(self.left.min(DECISION_STEPS));
        let answer = evaluate(&mut budget);
        self.left = self.left.saturating_sub(budget.taken());
        self.since_yield = self.since_yield.saturating_add(budget.taken());
        answer.ok_or_else(|| match self.left {
            0 => IamError::new(
                ErrorCode::LimitExceeded,
                format!("The questions of one request may take {REQUEST_STEPS} steps together: ask fewer at once, or bring fewer and shorter context values."),
            ),
            _ => IamError::new(
                ErrorCode::LimitExceeded,
                format!("A decision may take {DECISION_STEPS} steps: bring fewer and shorter context values, or have fewer patterns with wildcards compared with them."),
            ),
        })
    }

    /// Counts work other than the evaluator's: so many bytes read and checked.
    pub(crate) fn add_bytes(&mut self, bytes: usize) {
        self.since_yield = self.since_yield.saturating_add(20 * bytes as u64);
    }

    /// Lets others have their turn if it is time.
    pub(crate) async fn yield_if_due(&mut self) {
        if self.since_yield >= YIELD_COST {
            self.since_yield = 0;
            yield_now().await;
        }
    }
}

/// Lets whatever else is waiting go on first.
pub(crate) async fn yield_now() {
    let mut waited = false;
    poll_fn(|cx| {
        if std::mem::replace(&mut waited, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}
