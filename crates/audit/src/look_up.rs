//! Finds events in the segments.
//!
//! Only what the recorder reported as durable is read. [`Indexes`] name the lines; a segment without an index is read
//! as a whole. Files are read on threads for blocking work, a few look-ups at a time, and memory is bounded by the page
//! and the index of one segment.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bailiwick_model::{AccountId, IamError, Result};
use jiff::Timestamp;
use tokio::sync::{Notify, Semaphore, watch};

use crate::RecordedCall;
use crate::append::TAIL;
use crate::checkpoint::Checkpoint;
use crate::index::{Key, key_sets};
use crate::query::{Attribute, EventLine, Found, Hit, Newest, Page, Position, Query};
use crate::segments::{SegmentText, segment_starts};

mod indexes;
mod scan;
mod tail;
#[cfg(test)]
pub(crate) mod tests;

use indexes::{Index, Indexes, lock_builder, open};
use scan::scan;
pub use tail::Tail;

/// Look-ups that read at the same time; others wait.
const AT_ONCE: usize = 4;
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
    permits: Semaphore,
    /// Bounds the calls that wait for an event.
    waits: Semaphore,
    /// Whether calls have stopped waiting.
    is_stopping: watch::Sender<bool>,
    indexes: Indexes,
    /// Calls the task that builds indexes.
    is_missing: Notify,
}

/// A segment in a look-up.
struct Segment {
    first: u64,
    /// How much of it is durable, if that is not all of it.
    bytes: Option<u64>,
    index: Option<Index>,
    /// The times of the first and the last event; unknown without an index.
    times: (i64, i64),
}

/// Lines that were read.
struct Lines {
    page: Page,
    /// Segments that have a line that is not as their index says.
    wrong: BTreeSet<u64>,
}

impl LookUp {
    pub(crate) fn new(folder: PathBuf, end: watch::Receiver<Checkpoint>) -> Self {
        let indexes = Indexes::new(folder.clone());
        let (permits, waits) = (Semaphore::new(AT_ONCE), Semaphore::new(WAITS));
        let (is_stopping, is_missing) = (watch::Sender::new(false), Notify::new());
        LookUp(Arc::new(Inner { folder, end, permits, waits, is_stopping, indexes, is_missing }))
    }

    /// The folder of the trail, and the end of what is durable in it.
    pub(crate) fn trail(&self) -> (PathBuf, watch::Receiver<Checkpoint>) {
        (self.0.folder.clone(), self.0.end.clone())
    }

    /// Reads the trail in a folder that no recorder writes to.
    pub fn of_folder(folder: impl Into<PathBuf>) -> Self {
        let whole = Checkpoint { sequence: u64::MAX, ..Checkpoint::default() };
        LookUp::new(folder.into(), watch::channel(whole).1)
    }

    /// Builds the missing indexes of complete segments, one after the other. Returns their number.
    ///
    /// # Errors
    /// `ServiceFailure` when a segment can't be read or an index can't be written.
    pub async fn build_indexes(&self) -> Result<usize> {
        let build = |inner: &Inner| {
            let missing = inner.indexes.missing(&inner.end.borrow().clone())?;
            missing.iter().try_for_each(|first| inner.indexes.build(*first))?;
            Ok(missing.len())
        };
        self.blocking(build).await.map_err(IamError::internal)
    }

    /// Finds a page of events, newest first by event time and sequence number.
    ///
    /// # Errors
    /// `ServiceFailure` when a segment can't be read.
    pub async fn page(&self, query: &Query) -> Result<Page> {
        let query = query.clone().normalized();
        let _permit = self.0.permits.acquire().await.map_err(IamError::internal)?;
        self.blocking(move |inner| inner.page(&query)).await.map_err(IamError::internal)
    }

    /// Finds the event of this id, with or without its dashes. `account` is the account whose event it must be; none for
    /// any account or no account.
    ///
    /// # Errors
    /// `ServiceFailure` when a segment can't be read.
    pub async fn event(&self, account: Option<AccountId>, event_id: &str) -> Result<Option<Found>> {
        let filters = vec![(Attribute::EventId, event_id.to_owned())];
        let page = self.page(&Query { account, filters, limit: 1, ..Query::default() }).await?;
        Ok(page.events.into_iter().next())
    }

    /// The event time of the first record that the trail has; none if it has none, or if that one is damaged.
    ///
    /// # Errors
    /// `ServiceFailure` when its segment can't be read.
    pub async fn begin(&self) -> Result<Option<Timestamp>> {
        let _permit = self.0.permits.acquire().await.map_err(IamError::internal)?;
        self.blocking(Inner::begin).await.map_err(IamError::internal)
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
                if let Err(error) = self.blocking(move |inner| inner.indexes.build(first)).await {
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

impl Inner {
    fn begin(&self) -> io::Result<Option<Timestamp>> {
        let end = self.end.borrow().clone();
        for first in segment_starts(&self.folder)?.into_iter().filter(|first| *first <= end.sequence) {
            // Retention may have removed it.
            let Some(mut text) = open(&self.folder, first)? else { continue };
            let durable = if first == end.first { end.bytes } else { text.len() };
            let bytes = text.read(0..durable.min(TAIL))?;
            let line = bytes.split(|byte| *byte == b'\n').next().and_then(|line| std::str::from_utf8(line).ok());
            return Ok(line.and_then(RecordedCall::read).and_then(|call| call.time()));
        }
        Ok(None)
    }

    fn page(&self, query: &Query) -> io::Result<Page> {
        let sets = key_sets(query);
        // Segments whose index is not used.
        let mut distrusted = BTreeSet::new();
        loop {
            // One more than asked for shows whether there are more.
            let mut newest = Newest::new(query.limit.saturating_add(1));
            for mut segment in self.segments(query)? {
                let (first, is_distrusted) = (segment.first, distrusted.contains(&segment.first));
                // Events at the same time as the oldest hit may have a higher number.
                if segment.times.1 < i64::MAX
                    && newest.is_full_of_newer(Position { time: segment.times.1, sequence: u64::MAX })
                {
                    break;
                }
                let sets = sets.as_deref().filter(|_| !is_distrusted);
                if let Err(error) = segment.search(&self.folder, sets, query, &mut newest) {
                    if is_distrusted || !matches!(segment.index, Some(Index::File(_))) {
                        return Err(error);
                    }
                    tracing::warn!(%error, segment = first, "the index of audit records is built again");
                    self.indexes.remove(first);
                    self.is_missing.notify_one();
                    segment.index = None;
                    segment.search(&self.folder, None, query, &mut newest)?;
                }
            }
            let is_full = newest.is_full();
            let Lines { page, wrong } = self.read(newest.into_sorted(), query)?;
            // If nothing was left out for the wrong lines, the page is complete without them.
            if !is_full || wrong.is_subset(&distrusted) {
                return Ok(page);
            }
            distrusted.extend(wrong);
        }
    }

    /// The segments that may have events of the query, those with the newest event first.
    fn segments(&self, query: &Query) -> io::Result<Vec<Segment>> {
        let end = self.end.borrow().clone();
        let mut segments = Vec::new();
        for first in segment_starts(&self.folder)?.into_iter().filter(|first| *first <= end.sequence) {
            let bytes = (first == end.first).then_some(end.bytes);
            let index = self.indexes.of(first, &end)?;
            let times = match &index {
                Some(index) => index.times(first),
                None => Some((i64::MIN, i64::MAX)),
            };
            let Some(times) = times else { continue };
            let is_newer = query.to.is_some_and(|to| times.0 > to.as_microsecond())
                || query.after.is_some_and(|after| times.0 > after.time);
            if !is_newer && query.from.is_none_or(|from| from.as_microsecond() <= times.1) {
                segments.push(Segment { first, bytes, index, times });
            }
        }
        segments.sort_by_key(|segment| std::cmp::Reverse((segment.times.1, segment.first)));
        Ok(segments)
    }

    /// Reads the lines of hits, newest first, up to the limits of a page.
    fn read(&self, hits: impl Iterator<Item = Hit>, query: &Query) -> io::Result<Lines> {
        let (mut lines, mut bytes) = (Lines { page: Page::default(), wrong: BTreeSet::new() }, 0);
        let mut text: Option<(u64, SegmentText)> = None;
        for hit in hits {
            bytes += usize::try_from(hit.bytes.1.saturating_sub(hit.bytes.0)).map_err(io::Error::other)?;
            let page = &mut lines.page;
            if page.events.len() == query.limit || (bytes > PAGE_BYTES && !page.events.is_empty()) {
                page.next = page.events.last().map(|event: &Found| event.position);
                break;
            }
            if text.as_ref().is_none_or(|(first, _)| *first != hit.first) {
                text = open(&self.folder, hit.first)?.map(|text| (hit.first, text));
            }
            let Some((_, text)) = &mut text else { continue };
            match String::from_utf8(text.read(hit.range())?) {
                Ok(line) if is_of(&line, &hit, query) => page.events.push(Found { line, position: hit.position }),
                _ => drop(lines.wrong.insert(hit.first)),
            }
        }
        Ok(lines)
    }
}

/// Whether a line is what the query asks for, at the time that its index says.
fn is_of(line: &str, hit: &Hit, query: &Query) -> bool {
    let line = EventLine::parse(line.as_bytes());
    line.is_some_and(|line| query.matches(&line) && line.time() == Some(hit.position.time))
}

impl Segment {
    fn search(&self, folder: &Path, sets: Option<&[Vec<Key>]>, query: &Query, newest: &mut Newest) -> io::Result<()> {
        match (&self.index, sets) {
            (Some(Index::File(file)), Some(sets)) => file.search(sets, query, newest),
            (Some(Index::Growing(builder)), Some(sets)) => {
                lock_builder(builder, self.first).search(sets, query, newest);
                Ok(())
            }
            _ => {
                let Some(mut text) = open(folder, self.first)? else { return Ok(()) };
                let bytes = self.bytes.unwrap_or(text.len());
                scan(&mut text, self.first, bytes, query, newest)
            }
        }
    }
}
