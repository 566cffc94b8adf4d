//! Finds events in the segments.
//!
//! Only what the recorder reported as durable is read. [`Indexes`] name the lines; a segment without an index is read
//! as a whole. Files are read on threads for blocking work, a few look-ups at a time, for which principals take turns.
//! Memory is bounded by the page and the index of one segment.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bailiwick_model::{AccountId, ErrorCode, IamError, Result};
use bailiwick_operation::{FairQueue, FairQueueLimits, Overloaded, Permit};
use jiff::Timestamp;
use tokio::sync::{Notify, Semaphore, watch};

use crate::checkpoint::Checkpoint;
use crate::query::{Attribute, Found, Page, Query};
use crate::segments::LineObserver;

mod indexes;
mod live;
mod scan;
mod search;
mod tail;
#[cfg(test)]
pub(crate) mod tests;
mod unreadable;

use indexes::{Index, Indexes, open};
use live::LiveIndex;
pub use tail::Tail;
pub(crate) use unreadable::UnreadableSegments;

/// Look-ups that read at the same time; others wait, and the principals that ask take turns.
const TURNS: FairQueueLimits = FairQueueLimits {
    at_once: 4,
    at_once_of_one: 2,
    waiting_of_one: 256,
    waiting: 4 * 1024,
    patience: Duration::from_secs(20),
};
/// When a look-up that was refused because too many wait may be repeated.
const RETRY_AFTER: Duration = Duration::from_secs(1);
/// Calls that wait for an event at the same time; others do not wait.
const WAITS: usize = 64;
/// A page ends when its events have this many bytes, so that every answer fits into a message.
const PAGE_BYTES: usize = 2 * 1024 * 1024;

/// Reads the trail. Cheap to clone; from [`Recorder::look_up`](crate::Recorder::look_up).
#[derive(Clone)]
pub struct LookUp(Arc<Inner>);

struct Inner {
    folder: PathBuf,
    /// The end of what is durable.
    end: watch::Receiver<Checkpoint>,
    turns: FairQueue,
    /// Bounds the calls that wait for an event.
    waits: Semaphore,
    /// Whether calls have stopped waiting.
    is_stopping: watch::Sender<bool>,
    indexes: Arc<Indexes>,
    unreadable: Arc<UnreadableSegments>,
    /// Calls the task that builds indexes.
    is_missing: Notify,
}

impl LookUp {
    pub(crate) fn new(folder: PathBuf, end: watch::Receiver<Checkpoint>) -> Self {
        let unreadable = Arc::<UnreadableSegments>::default();
        let indexes = Arc::new(Indexes::new(folder.clone(), Arc::clone(&unreadable)));
        let (turns, waits) = (FairQueue::new(TURNS), Semaphore::new(WAITS));
        let (is_stopping, is_missing) = (watch::Sender::new(false), Notify::new());
        LookUp(Arc::new(Inner { folder, end, turns, waits, is_stopping, indexes, unreadable, is_missing }))
    }

    /// The folder of the trail, and the end of what is durable in it.
    pub(crate) fn trail(&self) -> (PathBuf, watch::Receiver<Checkpoint>) {
        (self.0.folder.clone(), self.0.end.clone())
    }

    /// The segments that cannot be read, as far as it is known.
    pub(crate) fn unreadable(&self) -> Arc<UnreadableSegments> {
        Arc::clone(&self.0.unreadable)
    }

    /// Indexes the lines that the writer shows it.
    pub(crate) fn live_index(&self) -> Box<dyn LineObserver> {
        Box::new(LiveIndex::new(Arc::clone(&self.0.indexes)))
    }

    /// How many segments are known that cannot be read. Look-ups do not find their records.
    pub fn unreadable_segments(&self) -> usize {
        self.0.unreadable.count()
    }

    /// How many indexes were found to be damaged or wrong. They are built again.
    pub fn wrong_indexes(&self) -> u64 {
        self.0.indexes.wrong()
    }

    /// Reads the trail in a folder that no recorder writes to.
    pub fn of_folder(folder: impl Into<PathBuf>) -> Self {
        let whole = Checkpoint { sequence: u64::MAX, ..Checkpoint::default() };
        LookUp::new(folder.into(), watch::channel(whole).1)
    }

    /// Builds the missing indexes of complete segments, one after the other. Returns their number.
    ///
    /// # Errors
    /// `ServiceFailure` when the folder can't be read or an index can't be written.
    pub async fn build_indexes(&self) -> Result<usize> {
        let build = |inner: &Inner| {
            let missing = inner.indexes.missing(&inner.end.borrow().clone())?;
            missing.iter().try_for_each(|first| inner.indexes.write(*first))?;
            Ok(missing.len())
        };
        self.blocking(build).await.map_err(IamError::internal)
    }

    /// Finds a page of events, newest first by event time and sequence number. Segments that cannot be read are named.
    /// The principals whose look-ups wait take turns.
    ///
    /// # Errors
    /// `Throttling` if too many look-ups wait, or this one waits for too long.
    /// `ServiceFailure` when the folder can't be read.
    pub async fn page(&self, principal: &str, query: &Query) -> Result<Page> {
        let query = query.clone().normalized();
        let _permit = self.turn(principal).await?;
        self.blocking(move |inner| inner.page(&query)).await.map_err(IamError::internal)
    }

    /// Finds the event of this id, with or without its dashes. `account` is the account whose event it must be; none for
    /// any account or no account.
    ///
    /// # Errors
    /// `ServiceFailure` when the folder can't be read.
    pub async fn event(&self, principal: &str, account: Option<AccountId>, event_id: &str) -> Result<Option<Found>> {
        let filters = vec![(Attribute::EventId, event_id.to_owned())];
        let page = self.page(principal, &Query { account, filters, limit: 1, ..Query::default() }).await?;
        Ok(page.events.into_iter().next())
    }

    /// The event time of the first record that the trail has; none if it has none, or if that one is damaged.
    ///
    /// # Errors
    /// `ServiceFailure` when the folder can't be read.
    pub async fn begin(&self, principal: &str) -> Result<Option<Timestamp>> {
        let _permit = self.turn(principal).await?;
        self.blocking(Inner::begin).await.map_err(IamError::internal)
    }

    /// Waits for the turn of a principal, under the text that its calls are counted under.
    async fn turn(&self, principal: &str) -> Result<Permit> {
        let refused = |Overloaded| IamError::new(ErrorCode::Throttling, "Rate exceeded").retry_after(RETRY_AFTER);
        self.0.turns.enter(principal.to_owned()).await.map_err(refused)
    }

    /// Runs `work` on a thread for blocking work.
    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Inner) -> io::Result<T> + Send + 'static,
    ) -> io::Result<T> {
        let inner = Arc::clone(&self.0);
        tokio::task::spawn_blocking(move || work(&inner)).await.map_err(io::Error::other)?
    }

    /// Follows the segment being written and builds missing indexes, one at a time, until the writer has ended.
    pub(crate) async fn keep_indexes(self) {
        let mut end = self.0.end.clone();
        let (mut missing, mut listed) = (Vec::new(), None);
        loop {
            let now = end.borrow_and_update().clone();
            let first = now.first;
            let is_new = listed != Some(first);
            let done = self.blocking(move |inner| {
                inner.indexes.follow(&now)?;
                if is_new { inner.indexes.missing(&now).map(Some) } else { Ok(None) }
            });
            match done.await {
                Ok(found) => missing = found.unwrap_or(missing),
                Err(error) => tracing::warn!(%error, "the index of audit records cannot be kept; look-ups are slower"),
            }
            listed = Some(first);
            if let Some(first) = missing.pop() {
                if let Err(error) = self.blocking(move |inner| inner.indexes.write(first)).await {
                    tracing::warn!(%error, segment = first, "the index of audit records cannot be built; look-ups are slower");
                }
                if !missing.is_empty() && end.has_changed().is_ok() {
                    continue;
                }
            }
            tokio::select! {
                changed = end.changed() => if changed.is_err() { return },
                () = self.0.is_missing.notified() => listed = None,
            }
        }
    }
}
