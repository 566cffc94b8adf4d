//! The limit on the work of one request, and yielding to other tasks in between.

use std::future::poll_fn;
use std::task::Poll;

use bailiwick_evaluator::{Budget, Decision, Policies, Request, decide_within};
use bailiwick_model::{ErrorCode, IamError, Result};

/// The maximum number of the evaluator's steps, a few nanoseconds each, of one decision or explanation. They block the
/// thread.
pub(crate) const DECISION_STEPS: u64 = 10_000_000;

/// The maximum number of steps of one request: all its questions, and the checks of the asking service.
pub(crate) const REQUEST_STEPS: u64 = 50_000_000;

/// The number of steps after which the task yields.
const YIELD_COST: u64 = 250_000;

/// The work that one request may still do.
pub(crate) struct WorkBudget {
    left: u64,
    since_yield: u64,
}

impl WorkBudget {
    pub(crate) fn new() -> Self {
        WorkBudget { left: REQUEST_STEPS, since_yield: 0 }
    }

    /// Calls the evaluator with a budget of what is left.
    ///
    /// # Errors
    /// `LimitExceeded` if that does not suffice. There is no decision then.
    pub(crate) fn spend<T>(&mut self, evaluate: impl FnOnce(&mut Budget) -> Option<T>) -> Result<T> {
        let mut budget = Budget::new(self.left.min(DECISION_STEPS));
        let answer = evaluate(&mut budget);
        self.left = self.left.saturating_sub(budget.taken());
        self.since_yield = self.since_yield.saturating_add(budget.taken());
        answer.ok_or_else(|| match self.left {
            0 => IamError::new(
                ErrorCode::LimitExceeded,
                format!("The questions of one request may take {REQUEST_STEPS} steps together: ask fewer at once, or send fewer and shorter context values."),
            ),
            _ => IamError::new(
                ErrorCode::LimitExceeded,
                format!("A decision may take {DECISION_STEPS} steps: send fewer and shorter context values, or have fewer patterns with wildcards compared with them."),
            ),
        })
    }

    /// Decides a request with a budget of what is left.
    ///
    /// # Errors
    /// As [`WorkBudget::spend`].
    pub(crate) fn decide(&mut self, request: &Request<'_>, policies: &Policies<'_>) -> Result<Decision> {
        self.spend(|budget| decide_within(request, policies, budget))
    }

    /// Whether this many decisions may each take all steps that one may.
    pub(crate) fn suffices_for(&self, decisions: u64) -> bool {
        self.left >= decisions.saturating_mul(DECISION_STEPS)
    }

    /// Counts work other than the evaluator's: bytes that are read and checked.
    pub(crate) fn add_bytes(&mut self, bytes: usize) {
        self.since_yield = self.since_yield.saturating_add(20 * bytes as u64);
    }

    /// Yields if enough work was done since the last time.
    pub(crate) async fn yield_if_due(&mut self) {
        if self.since_yield >= YIELD_COST {
            self.since_yield = 0;
            yield_now().await;
        }
    }
}

/// Yields to the other tasks of the thread.
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
