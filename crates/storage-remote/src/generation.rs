//! What followers of the change log read from: a feed that ends when the connection to the database was not confirmed in
//! time, and the next one after it.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use bailiwick_storage::{ChangeSet, Feed, OutageReason, Revision, StoreError, newer_than};

use crate::row_cache::RowCache;

/// How long a writer waits until its own commit is in the feed.
const PUBLISHED: Duration = Duration::from_secs(5);

/// The current feed.
#[derive(Debug)]
pub struct Generations {
    current: Mutex<Generation>,
    /// Rows as the current feed has changed them.
    rows: RowCache,
    recent: usize,
    recent_bytes: usize,
}

#[derive(Debug)]
struct Generation {
    number: u64,
    feed: Arc<Feed>,
    /// The newest revision in the feed.
    position: Revision,
    /// The newest change set that was published, in this feed or an earlier one, or after which the feed began.
    last: Option<Arc<ChangeSet>>,
    state: State,
    /// Why the change log could not be read, since the connection was last confirmed.
    failure: Option<OutageReason>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Live,
    /// Why nothing is read.
    Interrupted(OutageReason),
    Closed,
}

/// Why a call fails during which the feed ended and another one began.
pub(crate) fn interrupted() -> StoreError {
    StoreError::Unreachable(OutageReason::Interrupted.into())
}

impl Generations {
    /// Begins at a revision.
    pub fn new(position: Revision, recent: usize, recent_bytes: usize) -> Self {
        let feed = Arc::new(Feed::new(position, recent, recent_bytes));
        Generations {
            current: Mutex::new(Generation {
                number: 1,
                feed,
                position,
                last: None,
                state: State::Live,
                failure: None,
            }),
            rows: RowCache::new(1, position),
            recent,
            recent_bytes,
        }
    }

    /// Returns the feed and its newest revision.
    ///
    /// # Errors
    /// [`StoreError::Unreachable`] while the connection is not confirmed, [`StoreError::Closed`].
    pub fn live(&self) -> Result<(Arc<Feed>, Revision), StoreError> {
        let current = self.lock();
        match current.state {
            State::Live => Ok((current.feed.clone(), current.position)),
            State::Interrupted(OutageReason::Unconfirmed) => {
                Err(StoreError::Unreachable(current.failure.unwrap_or(OutageReason::Unconfirmed).into()))
            }
            State::Interrupted(why) => Err(StoreError::Unreachable(why.into())),
            State::Closed => Err(StoreError::Closed),
        }
    }

    /// The number of the feed; none if it has ended.
    pub fn number(&self) -> Option<u64> {
        let current = self.lock();
        (current.state == State::Live).then_some(current.number)
    }

    /// The newest revision that was published, even if the feed has ended.
    pub fn position(&self) -> Revision {
        self.lock().position
    }

    /// The newest change set that was published, or after which the feed began, even if it has ended.
    pub fn last(&self) -> Option<Arc<ChangeSet>> {
        self.lock().last.clone()
    }

    /// Keeps the change set after which the feed began, as if it had been published. One that is not the newest is left out.
    pub fn begun_after(&self, set: Arc<ChangeSet>) {
        let mut current = self.lock();
        if set.revision == current.position {
            current.last = Some(set);
        }
    }

    /// Adds change sets that follow each other, and leaves out those that are there. Returns whether the feed has them: not
    /// if one before them is missing, or the feed has ended.
    pub fn publish(&self, sets: &[Arc<ChangeSet>]) -> bool {
        let mut current = self.lock();
        let from = sets.partition_point(|set| set.revision <= current.position);
        let new = sets.get(from..).unwrap_or_default();
        if current.state != State::Live || new.first().is_some_and(|first| first.revision != current.position.next()) {
            return false;
        }
        if let Some(last) = new.last() {
            current.position = last.revision;
            current.last = Some(last.clone());
        }
        // Before followers, and callers that wait for these revisions, read the rows.
        self.rows.apply(new);
        current.feed.publish(new.iter().cloned());
        true
    }

    /// Rows as the current feed has changed them.
    pub(crate) fn rows(&self) -> &RowCache {
        &self.rows
    }

    /// Waits until the feed has a revision; for some seconds at most, or until it ends.
    pub async fn reached(&self, revision: Revision) {
        let Ok((feed, _)) = self.live() else { return };
        let mut news = feed.subscribe();
        let before = Revision::new(revision.number().saturating_sub(1));
        let _ = tokio::time::timeout(PUBLISHED, newer_than(&mut news, before)).await;
    }

    /// Waits until the feed ends, and returns why.
    pub async fn ended(&self) -> StoreError {
        match self.live() {
            Ok((feed, _)) => {
                // No revision is greater, so the wait ends with the feed.
                let _ = newer_than(&mut feed.subscribe(), Revision::new(u64::MAX)).await;
                self.live().err().unwrap_or_else(interrupted)
            }
            Err(error) => error,
        }
    }

    /// Ends the feed: what was read before may be out of date.
    pub fn interrupt(&self, why: OutageReason) {
        let mut current = self.lock();
        if current.state == State::Live {
            current.state = State::Interrupted(why);
            self.rows.end();
            current.feed.close();
        }
    }

    /// Keeps why the change log cannot be read, or that it can. It is why nothing is read once the connection is not confirmed.
    pub(crate) fn set_failure(&self, failure: Option<OutageReason>) {
        self.lock().failure = failure;
    }

    /// Begins the next feed at a revision.
    pub fn resume(&self, position: Revision) {
        let mut current = self.lock();
        if current.state != State::Closed {
            current.feed.close();
            let feed = Arc::new(Feed::new(position, self.recent, self.recent_bytes));
            *current = Generation {
                number: current.number + 1,
                feed,
                position,
                last: current.last.take(),
                state: State::Live,
                failure: None,
            };
            self.rows.begin(current.number, position);
        }
    }

    /// Ends for good.
    pub fn close(&self) {
        let mut current = self.lock();
        current.state = State::Closed;
        self.rows.end();
        current.feed.close();
    }

    fn lock(&self) -> MutexGuard<'_, Generation> {
        // The generation is consistent at every step.
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
