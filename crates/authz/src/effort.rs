//! How much work one request may cause, and others' turns in between.

use std::future::poll_fn;
use std::task::Poll;

use bailiwick_evaluator::Budget;
use bailiwick_model::{ErrorCode, IamError, Result};

/// The steps of the evaluator, a few nanoseconds each, that one decision or explanation may take. Nobody else has a
/// turn on its thread meanwhile.
pub(crate) const QUESTION: u64 = 10_000_000;

/// The steps that one request may take, over all its questions and the checks of who asks them.
pub(crate) const REQUEST: u64 = 50_000_000;

/// After this much others have their turn.
const TURN: u64 = 250_000;

/// The work of one request so far.
pub(crate) struct Effort {
    left: u64,
    since_turn: u64,
}

impl Effort {
    pub(crate) fn new() -> Self {
        Effort { left: REQUEST, since_turn: 0 }
    }

    /// Asks the evaluator within what is left.
    ///
    /// # Errors
    /// `LimitExceeded` when that does not suffice: then nothing was decided.
    pub(crate) fn ask<T>(&mut self, ask: impl FnOnce(&mut Budget) -> Option<T>) -> Result<T> {
        let mut budget = Budget::new(self.left.min(QUESTION));
        let answer = ask(&mut budget);
        self.left = self.left.saturating_sub(budget.taken());
        self.since_turn = self.since_turn.saturating_add(budget.taken());
        answer.ok_or_else(|| match self.left {
            0 => IamError::new(
                ErrorCode::LimitExceeded,
                format!("The questions of one request may take {REQUEST} steps together: ask fewer at once, or bring fewer and shorter context values."),
            ),
            _ => IamError::new(
                ErrorCode::LimitExceeded,
                format!("A decision may take {QUESTION} steps: bring fewer and shorter context values, or have fewer patterns with wildcards compared with them."),
            ),
        })
    }

    /// Counts work other than the evaluator's: so many bytes read and checked.
    pub(crate) fn read(&mut self, bytes: usize) {
        self.since_turn = self.since_turn.saturating_add(20 * bytes as u64);
    }

    /// Lets others have their turn if it is time.
    pub(crate) async fn pause(&mut self) {
        if self.since_turn >= TURN {
            self.since_turn = 0;
            turn().await;
        }
    }
}

/// Lets whatever else is waiting go on first.
pub(crate) async fn turn() {
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
