//! The order of work when there is more than can be done at once: fair queueing by principal.
//!
//! Only a limited number of calls is worked on at once; the others wait, without any use of the processors, and the
//! principals with waiting calls take turns. One principal has half of the places at most, so that calls which wait in their
//! place, such as for a file, leave the other half to others. So a principal with a flood of calls delays its own. Beyond a
//! number of waiting calls, of one principal or of all, and after a time, a call is refused.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::oneshot;

/// How many calls of a principal may wait when too many calls of all wait, so that those who have many cannot refuse others.
const FEW: usize = 16;

/// The limits of a queue.
#[derive(Clone, Copy, Debug)]
pub struct FairQueueLimits {
    /// How many calls are worked on at once.
    pub at_once: usize,
    /// How many of them may be of one principal.
    pub at_once_of_one: usize,
    /// How many calls of one principal wait.
    pub waiting_of_one: usize,
    /// How many calls wait. Principals with few waiting calls may exceed it, to twice as many.
    pub waiting: usize,
    /// How long a call waits.
    pub patience: Duration,
}

/// Too many calls wait, or this one has waited for too long.
#[derive(Debug, PartialEq, Eq)]
pub struct Overloaded;

/// The queue. Clones share the state.
#[derive(Clone)]
pub struct FairQueue {
    limits: FairQueueLimits,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    /// How many calls have begun.
    begun: usize,
    /// How many calls of each principal have begun.
    begun_of: HashMap<Arc<str>, usize>,
    /// The principals with waiting calls, in the order of their turns.
    turns: VecDeque<Arc<str>>,
    /// The waiting calls of each principal, in the order of arrival.
    waiting: HashMap<Arc<str>, VecDeque<oneshot::Sender<Permit>>>,
    /// How many calls wait. Calls that have given up are counted until their turn.
    count: usize,
}

/// The permission to work on a call. Dropping it lets the next call begin.
#[must_use]
pub struct Permit(Option<(FairQueue, Arc<str>)>);

impl FairQueue {
    /// Makes an empty queue.
    pub fn new(limits: FairQueueLimits) -> Self {
        FairQueue { limits, state: Arc::default() }
    }

    /// Waits until a call of this principal may be worked on.
    ///
    /// # Errors
    /// [`Overloaded`] if too many calls wait, or after the patience of the limits.
    pub async fn enter(&self, principal: String) -> Result<Permit, Overloaded> {
        let principal: Arc<str> = principal.into();
        let turn = {
            let mut state = self.state();
            if state.may_begin(&principal, self.limits) {
                state.begin(&principal);
                return Ok(Permit(Some((self.clone(), principal))));
            }
            state.push(principal, self.limits)?
        };
        tokio::time::timeout(self.limits.patience, turn).await.ok().and_then(Result::ok).ok_or(Overloaded)
    }

    /// How many calls wait.
    pub fn waiting(&self) -> usize {
        self.state().count
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends a call, and lets waiting calls begin.
    fn leave(self, principal: &str) {
        self.state().end(principal);
        loop {
            let Some((principal, call)) = self.state().next(self.limits) else { return };
            if let Err(mut unsent) = call.send(Permit(Some((self.clone(), Arc::clone(&principal))))) {
                // That call has given up.
                unsent.0 = None;
                self.state().end(&principal);
            }
        }
    }
}

impl State {
    fn may_begin(&self, principal: &str, limits: FairQueueLimits) -> bool {
        let own = self.begun_of.get(principal).copied().unwrap_or(0);
        self.begun < limits.at_once && own < limits.at_once_of_one
    }

    fn begin(&mut self, principal: &Arc<str>) {
        self.begun += 1;
        *self.begun_of.entry(Arc::clone(principal)).or_default() += 1;
    }

    fn end(&mut self, principal: &str) {
        self.begun -= 1;
        if let Some(own) = self.begun_of.get_mut(principal) {
            *own -= 1;
            if *own == 0 {
                self.begun_of.remove(principal);
            }
        }
    }

    fn push(&mut self, principal: Arc<str>, limits: FairQueueLimits) -> Result<oneshot::Receiver<Permit>, Overloaded> {
        let own = self.waiting.get(&principal).map_or(0, VecDeque::len);
        let is_crowded = self.count >= limits.waiting && own >= FEW;
        if is_crowded || self.count >= 2 * limits.waiting || own >= limits.waiting_of_one {
            return Err(Overloaded);
        }
        if own == 0 {
            self.turns.push_back(Arc::clone(&principal));
        }
        let (sender, turn) = oneshot::channel();
        self.waiting.entry(principal).or_default().push_back(sender);
        self.count += 1;
        Ok(turn)
    }

    /// Begins the oldest call of the first principal that may begin one.
    fn next(&mut self, limits: FairQueueLimits) -> Option<(Arc<str>, oneshot::Sender<Permit>)> {
        // Few principals can have all the places that one may have, so that the search is short.
        let at = self.turns.iter().position(|principal| self.may_begin(principal, limits))?;
        let principal = self.turns.remove(at)?;
        let calls = self.waiting.get_mut(&principal)?;
        let call = calls.pop_front();
        if calls.is_empty() {
            self.waiting.remove(&principal);
        } else {
            self.turns.push_back(Arc::clone(&principal));
        }
        self.count -= 1;
        self.begin(&principal);
        // A principal that has a turn has a waiting call.
        call.map(|call| (principal, call))
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if let Some((queue, principal)) = self.0.take() {
            queue.leave(&principal);
        }
    }
}

#[cfg(test)]
mod tests;
