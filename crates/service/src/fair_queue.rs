//! The order of calls when there are more than the processors can work on: fair queueing by principal.
//!
//! Only a limited number of calls is worked on at once; the others wait, without any use of the processors, and the
//! principals with waiting calls take turns. So a principal that floods the server with calls delays its own, and
//! decisions, which do not wait here, are answered as fast as without the flood. Beyond a number of waiting calls, of one
//! principal or of all, and after a time, the answer is `Throttling`.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;

/// The limits of a queue.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// How many calls are worked on at once.
    pub(crate) at_once: usize,
    /// How many calls of one principal wait.
    pub(crate) waiting_of_one: usize,
    /// How many calls wait.
    pub(crate) waiting: usize,
    /// How long a call waits.
    pub(crate) patience: Duration,
}

impl Limits {
    /// The limits for this many processors.
    pub(crate) fn of(processors: usize) -> Self {
        Limits {
            // Some calls wait for reads of the disk, so that more than one for each processor must have begun.
            at_once: 16 * processors.max(1),
            waiting_of_one: 4 * 1024,
            waiting: 32 * 1024,
            patience: Duration::from_secs(20),
        }
    }
}

/// Too many calls wait, or this one has waited for too long.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Overloaded;

/// The queue. Clones share the state.
#[derive(Clone)]
pub(crate) struct FairQueue {
    limits: Limits,
    state: Arc<Mutex<State>>,
}

struct State {
    /// How many more calls may begin. Zero if any call waits.
    free: usize,
    /// The principals with waiting calls, in the order of their turns.
    turns: VecDeque<Arc<str>>,
    /// The waiting calls of each principal, in the order of arrival.
    waiting: HashMap<Arc<str>, VecDeque<oneshot::Sender<Permit>>>,
    /// How many calls wait. Calls that have given up are counted until their turn.
    count: usize,
}

/// The permission to work on a call. Dropping it lets the next call begin.
pub(crate) struct Permit(Option<FairQueue>);

impl FairQueue {
    pub(crate) fn new(limits: Limits) -> Self {
        let state = State { free: limits.at_once, turns: VecDeque::new(), waiting: HashMap::new(), count: 0 };
        FairQueue { limits, state: Arc::new(Mutex::new(state)) }
    }

    /// Waits until a call of this principal may be worked on. `principal` is called only if it has to wait.
    ///
    /// # Errors
    /// [`Overloaded`] if too many calls wait, or after the patience of the limits.
    pub(crate) async fn enter(&self, principal: impl FnOnce() -> String) -> Result<Permit, Overloaded> {
        let turn = {
            let mut state = self.state();
            if state.free > 0 {
                state.free -= 1;
                return Ok(Permit(Some(self.clone())));
            }
            state.push(principal().into(), self.limits)?
        };
        tokio::time::timeout(self.limits.patience, turn).await.ok().and_then(Result::ok).ok_or(Overloaded)
    }

    /// How many calls wait.
    pub(crate) fn waiting(&self) -> usize {
        self.state().count
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives a permit to the next waiting call, if any still waits.
    fn leave(self) {
        let mut permit = Permit(Some(self.clone()));
        loop {
            let Some(next) = self.state().next() else {
                permit.0 = None;
                return;
            };
            match next.send(permit) {
                Ok(()) => return,
                // That call has given up.
                Err(unsent) => permit = unsent,
            }
        }
    }
}

impl State {
    fn push(&mut self, principal: Arc<str>, limits: Limits) -> Result<oneshot::Receiver<Permit>, Overloaded> {
        if self.count >= limits.waiting {
            return Err(Overloaded);
        }
        let calls = self.waiting.entry(Arc::clone(&principal)).or_default();
        if calls.len() >= limits.waiting_of_one {
            return Err(Overloaded);
        }
        if calls.is_empty() {
            self.turns.push_back(principal);
        }
        let (sender, turn) = oneshot::channel();
        calls.push_back(sender);
        self.count += 1;
        Ok(turn)
    }

    /// The oldest call of the principal whose turn it is. Frees a place if no call waits.
    fn next(&mut self) -> Option<oneshot::Sender<Permit>> {
        while let Some(principal) = self.turns.pop_front() {
            let Some(calls) = self.waiting.get_mut(&principal) else { continue };
            let next = calls.pop_front();
            if calls.is_empty() {
                self.waiting.remove(&principal);
            } else {
                self.turns.push_back(principal);
            }
            if next.is_some() {
                self.count -= 1;
                return next;
            }
        }
        self.free += 1;
        None
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if let Some(queue) = self.0.take() {
            queue.leave();
        }
    }
}

#[cfg(test)]
mod tests;
