//! Keeps a session renewed: one attempt at a time, before the session ends, with growing pauses after failures.

use std::sync::Arc;
use std::time::Duration;

use bailiwick_operation::Clock;
use tokio::sync::{Notify, watch};
use tokio::time::Instant;

use super::Session;
use crate::failure::Failure;

/// Pauses after failures: each is twice the one before.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// The longest time without a look at the clock, which jumps when the machine sleeps.
const LONGEST_SLEEP: Duration = Duration::from_secs(30);
/// The time that a request waits for an attempt. SDKs give up after one second.
const PATIENCE: Duration = Duration::from_millis(800);

/// Obtains sessions.
pub(crate) trait Obtain: Send {
    /// Obtains a new session.
    fn obtain(&mut self) -> impl Future<Output = Result<Session, Failure>> + Send;
}

/// The newest session, and the result of the newest attempt.
#[derive(Clone, Default)]
struct State {
    session: Option<Arc<Session>>,
    /// Why the newest attempt failed.
    failure: Option<Arc<str>>,
}

/// What requests read.
#[derive(Clone)]
pub(crate) struct Sessions {
    state: watch::Receiver<State>,
    wake: Arc<Notify>,
    at_once: Arc<Notify>,
    clock: Arc<dyn Clock>,
}

/// What renews.
pub(crate) struct Renewal<O> {
    obtain: O,
    state: watch::Sender<State>,
    wake: Arc<Notify>,
    at_once: Arc<Notify>,
    clock: Arc<dyn Clock>,
    /// When the next attempt may begin after a failure, and the pause that led to it.
    pause: Option<(Instant, Duration)>,
}

impl<O: Obtain> Renewal<O> {
    /// Returns both ends, without a session.
    pub(crate) fn new(obtain: O, clock: Arc<dyn Clock>) -> (Self, Sessions) {
        let (sender, receiver) = watch::channel(State::default());
        let (wake, at_once) = (Arc::<Notify>::default(), Arc::<Notify>::default());
        let sessions = Sessions {
            state: receiver,
            wake: Arc::clone(&wake),
            at_once: Arc::clone(&at_once),
            clock: Arc::clone(&clock),
        };
        (Renewal { obtain, state: sender, wake, at_once, clock, pause: None }, sessions)
    }

    /// Obtains the first session.
    ///
    /// # Errors
    /// When another attempt would not help. If the server is away, it may come later, so the result is not an error.
    pub(crate) async fn begin(&mut self) -> Result<(), Failure> {
        match self.attempt().await {
            Err(failure) if !failure.is_temporary() => Err(failure),
            _ => Ok(()),
        }
    }

    /// Renews the session for ever.
    pub(crate) async fn run(mut self) {
        loop {
            let wait = self.wait();
            if wait.is_zero() {
                // The failure is logged and shown to clients.
                let _ = self.attempt().await;
                continue;
            }
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = self.wake.notified() => self.hurry(),
                () = self.at_once.notified() => drop(self.attempt().await),
            }
        }
    }

    /// The time until the next attempt, or until the next look at the clock.
    fn wait(&self) -> Duration {
        let now = self.clock.now();
        let state = self.state.borrow();
        // After a failure, only its pause counts.
        let due = state.session.as_ref().filter(|_| state.failure.is_none()).map(|session| session.due());
        let until_due = due.map(|due| Duration::try_from(due.duration_since(now)).unwrap_or_default());
        let pause = self.pause.map(|(until, _)| until.saturating_duration_since(Instant::now()));
        until_due.unwrap_or_default().max(pause.unwrap_or_default()).min(LONGEST_SLEEP)
    }

    /// A request needs a session now: a longer pause is cut to the shortest one.
    fn hurry(&mut self) {
        if let Some((until, pause)) = &mut self.pause {
            *until = (*until).min(Instant::now() + FIRST_PAUSE);
            *pause = FIRST_PAUSE;
        }
    }

    async fn attempt(&mut self) -> Result<(), Failure> {
        let outcome = self.obtain.obtain().await;
        match outcome {
            Ok(session) => {
                tracing::info!(
                    arn = session.arn, access_key_id = session.keys.access_key_id, expiration = %session.expiration,
                    "credentials obtained"
                );
                // A server with another clock must not cause a loop.
                let is_short = session.due() <= self.clock.now();
                self.pause = is_short.then(|| (Instant::now() + FIRST_PAUSE, FIRST_PAUSE));
                self.state.send_replace(State { session: Some(Arc::new(session)), failure: None });
                Ok(())
            }
            Err(failure) => {
                let pause = self.pause.map_or(FIRST_PAUSE, |(_, pause)| (pause * 2).min(LONGEST_PAUSE));
                self.pause = Some((Instant::now() + pause, pause));
                let until = self.state.borrow().session.as_ref().map(|session| session.expiration);
                let until = until.filter(|until| self.clock.now() < *until).map(|until| until.to_string());
                tracing::warn!(
                    error = %failure, retry_seconds = pause.as_secs(), valid_until = until,
                    "credentials could not be obtained"
                );
                self.state.send_modify(|state| state.failure = Some(failure.to_string().into()));
                Err(failure)
            }
        }
    }
}

impl Sessions {
    /// Returns a session that is valid now. Without one, waits a moment for the attempt in progress or the next one.
    ///
    /// # Errors
    /// Why there is none.
    pub(crate) async fn current(&self) -> Result<Arc<Session>, Arc<str>> {
        if let Some(session) = self.valid() {
            return Ok(session);
        }
        let mut state = self.state.clone();
        state.mark_unchanged();
        self.wake.notify_one();
        // Without a change in time, the newest state says why.
        let _ = tokio::time::timeout(PATIENCE, state.changed()).await;
        self.valid().ok_or_else(|| {
            let failure = self.state.borrow().failure.clone();
            failure.unwrap_or_else(|| "the credentials are being obtained: try again".into())
        })
    }

    /// Has the session renewed now.
    pub(crate) fn renew(&self) {
        self.at_once.notify_one();
    }

    fn valid(&self) -> Option<Arc<Session>> {
        self.state.borrow().session.as_ref().filter(|session| session.is_valid(self.clock.now())).map(Arc::clone)
    }
}

#[cfg(test)]
mod tests;
