//! Finds events in the segments.
//!
//! Only what the recorder reported as durable is read. Files are read on threads for blocking work, a few look-ups at a
//! time, and memory is bounded by the page.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use bailiwick_model::{AccountId, IamError, Result};
use tokio::sync::{Semaphore, watch};

use crate::checkpoint::Checkpoint;
use crate::segments::{SegmentText, segment_starts};

mod attribute;
mod query;
mod scan;
#[cfg(test)]
mod tests;

pub use attribute::Attribute;
pub use query::{Found, Page, Position, PositionError, Query};
use scan::{Hit, Newest, scan};

/// Look-ups that read at the same time; others wait.
const AT_ONCE: usize = 4;
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
}

impl LookUp {
    pub(crate) fn new(folder: PathBuf, end: watch::Receiver<Checkpoint>) -> Self {
        LookUp(Arc::new(Inner { folder, end, permits: Semaphore::new(AT_ONCE) }))
    }

    /// Finds a page of events, newest first by event time and sequence number.
    ///
    /// # Errors
    /// `ServiceFailure` when a segment can't be read.
    pub async fn page(&self, query: &Query) -> Result<Page> {
        let query = query.clone().normalized();
        self.blocking(move |inner| inner.page(&query)).await
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

    /// Runs `work` on a thread for blocking work.
    async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Inner) -> io::Result<T> + Send + 'static,
    ) -> Result<T> {
        let _permit = self.0.permits.acquire().await.map_err(IamError::internal)?;
        let inner = Arc::clone(&self.0);
        let done = tokio::task::spawn_blocking(move || work(&inner)).await.map_err(IamError::internal)?;
        done.map_err(IamError::internal)
    }
}

impl Inner {
    fn page(&self, query: &Query) -> io::Result<Page> {
        let end = self.end.borrow().clone();
        // One more than asked for shows whether there are more.
        let mut newest = Newest::new(query.limit.saturating_add(1));
        for first in segment_starts(&self.folder)?.into_iter().rev().filter(|first| *first <= end.sequence) {
            let Some(mut text) = self.open(first)? else { continue };
            let bytes = if first == end.first { end.bytes } else { text.len() };
            scan(&mut text, first, bytes, query, &mut newest)?;
        }
        self.read(newest.into_sorted(), query)
    }

    /// Opens a segment, unless retention has removed it.
    fn open(&self, first: u64) -> io::Result<Option<SegmentText>> {
        match SegmentText::open(&self.folder, first) {
            Ok(text) => Ok(Some(text)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Reads the lines of hits, newest first, up to the limits of a page.
    fn read(&self, hits: Vec<Hit>, query: &Query) -> io::Result<Page> {
        let (mut page, mut bytes) = (Page::default(), 0);
        let mut open: Option<(u64, SegmentText)> = None;
        for hit in hits {
            bytes += usize::try_from(hit.bytes.1 - hit.bytes.0).map_err(io::Error::other)?;
            if page.events.len() == query.limit || (bytes > PAGE_BYTES && !page.events.is_empty()) {
                page.next = page.events.last().map(|event: &Found| event.position);
                break;
            }
            if open.as_ref().is_none_or(|(first, _)| *first != hit.first) {
                open = self.open(hit.first)?.map(|text| (hit.first, text));
            }
            let Some((_, text)) = &mut open else { continue };
            if let Ok(line) = String::from_utf8(text.read(hit.range())?) {
                page.events.push(Found { line, position: hit.position });
            }
        }
        Ok(page)
    }
}
