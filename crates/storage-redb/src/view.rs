//! Views: the tables of one read transaction, open as long as they are in use.

use std::{ops::Bound, sync::Arc, time::Duration};

use arc_swap::ArcSwap;
use async_trait::async_trait;
use bailiwick_storage::{Authenticator, Inspected, Revision, Scan, StoreError, StoreState, Tally, Versioned, View};
use bytes::Bytes;
use redb::{Database, ReadOnlyTable, ReadableDatabase};
use tokio::sync::{mpsc, watch};

use crate::{
    LOG, ROWS,
    disk::DiskTracker,
    guarded::{guarded, is_handle_failure, store_error},
    job::Job,
};

/// How long a reader waits for a handle that works.
const HANDLE_TIMEOUT: Duration = Duration::from_secs(5);

/// The tables of one read transaction of one handle.
pub(crate) struct Tables {
    /// The number of the handle.
    handle: u64,
    /// The tracker of the handle's disk; `None` if a failed read ends the handle.
    tracker: Option<Arc<DiskTracker>>,
    pub(crate) rows: ReadOnlyTable<&'static [u8], &'static [u8]>,
    pub(crate) log: ReadOnlyTable<u64, &'static [u8]>,
}

impl Tables {
    /// Opens the committed state.
    pub(crate) fn newest(
        database: &Database,
        handle: u64,
        tracker: Option<Arc<DiskTracker>>,
    ) -> Result<Self, StoreError> {
        let txn = database.begin_read().map_err(store_error)?;
        let rows = txn.open_table(ROWS).map_err(store_error)?;
        let log = txn.open_table(LOG).map_err(store_error)?;
        Ok(Tables { handle, tracker, rows, log })
    }

    /// Whether a part of the file could not be read, so that an error may come from that.
    fn has_unread_parts(&self) -> bool {
        self.tracker.as_ref().is_some_and(|tracker| tracker.read_failed())
    }

    fn is_readable_again(&self) -> bool {
        self.tracker.as_ref().is_some_and(|tracker| tracker.is_readable_again())
    }

    /// Returns a row, authenticated, or `None`; a damaged row is an error.
    pub(crate) fn get(&self, authenticator: &Authenticator, key: &[u8]) -> Result<Option<Versioned>, StoreError> {
        let Some(row) = self.rows.get(key).map_err(store_error)? else { return Ok(None) };
        versioned(authenticator, key, row.value()).map(Some)
    }
}

/// Decodes a stored row; a damaged row is an error.
pub(crate) fn versioned(authenticator: &Authenticator, key: &[u8], row: &[u8]) -> Result<Versioned, StoreError> {
    let opened = authenticator.open_row(key, row, &mut Vec::new())?;
    match opened.value {
        Some(value) => Ok(Versioned { value: Bytes::copy_from_slice(value), revision: opened.revision }),
        None => Err(StoreError::Damaged { key: Bytes::copy_from_slice(key) }),
    }
}

/// The rows and the log at one revision.
pub(crate) struct RedbView {
    pub(crate) state: StoreState,
    pub(crate) authenticator: Authenticator,
    /// Replaced when the store is reopened at the same revision, so that this view stays readable.
    pub(crate) tables: ArcSwap<Tables>,
    /// Counts the handles; closed with the store.
    pub(crate) handles: watch::Receiver<u64>,
    /// The queue of the writer, which opens handles.
    pub(crate) jobs: mpsc::WeakSender<Job>,
}

impl std::fmt::Debug for RedbView {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RedbView").field("revision", &self.state.head).finish_non_exhaustive()
    }
}

impl RedbView {
    /// Reads from the tables; if the handle fails, from those of the next handle. The handle is also replaced if a part of
    /// the file could not be read, and can be read now.
    pub(crate) async fn read<T>(
        &self,
        mut from: impl FnMut(&Tables) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        loop {
            let tables = self.tables.load_full();
            let failure = match guarded(|| from(&tables)) {
                Err(error) if is_handle_failure(&error) => error,
                Err(StoreError::Corrupt(_)) if tables.has_unread_parts() => {
                    let failure = StoreError::Backend("a part of its file cannot be read".into());
                    if !tables.is_readable_again() {
                        return Err(failure);
                    }
                    failure
                }
                done => return done,
            };
            self.report_failure(tables.handle).await;
            let mut handles = self.handles.clone();
            let next = handles.wait_for(|newest| *newest > tables.handle);
            if !matches!(tokio::time::timeout(HANDLE_TIMEOUT, next).await, Ok(Ok(_))) {
                return Err(failure);
            }
            if Arc::ptr_eq(&tables, &self.tables.load()) {
                return Err(StoreError::StaleView);
            }
        }
    }

    /// Reads rows in the order of their keys, each with `each`.
    async fn rows<T>(
        &self,
        scan: Scan<'_>,
        mut each: impl FnMut(Bytes, &[u8]) -> Result<T, StoreError>,
    ) -> Result<Vec<T>, StoreError> {
        let from = match scan.after {
            Some(after) if after >= scan.prefix => Bound::Excluded(after),
            _ => Bound::Included(scan.prefix),
        };
        self.read(|tables| {
            let mut rows = Vec::new();
            let mut last: Option<Bytes> = None;
            for row in tables.rows.range::<&[u8]>((from, Bound::Unbounded)).map_err(store_error)? {
                if rows.len() == scan.limit {
                    break;
                }
                let (key, row) = row.map_err(store_error)?;
                if last.as_ref().is_some_and(|last| key.value() <= &**last) {
                    return Err(StoreError::Corrupt("the keys of its file are not in order".into()));
                }
                if !key.value().starts_with(scan.prefix) {
                    break;
                }
                let key = Bytes::copy_from_slice(key.value());
                last = Some(key.clone());
                rows.push(each(key, row.value())?);
            }
            Ok(rows)
        })
        .await
    }

    /// Reports to the writer that a handle failed, so that it is replaced.
    async fn report_failure(&self, handle: u64) {
        if let Some(jobs) = self.jobs.upgrade() {
            // A writer that cannot take the report within this time has failed itself, and replaces the handle when it can.
            // One that has ended takes none.
            let _ = tokio::time::timeout(HANDLE_TIMEOUT, jobs.send(Job::Replace(handle))).await;
        }
    }
}

#[async_trait]
impl View for RedbView {
    fn revision(&self) -> Revision {
        self.state.head
    }

    async fn get(&self, key: &[u8]) -> Result<Option<Versioned>, StoreError> {
        self.read(|tables| tables.get(&self.authenticator, key)).await
    }

    async fn inspect(&self, scan: Scan<'_>) -> Result<Vec<Inspected>, StoreError> {
        let mut scratch = Vec::new();
        self.rows(scan, |key, row| {
            let opened = self.authenticator.open_row(&key, row, &mut scratch)?;
            Ok(Inspected { key, revision: opened.revision, value: opened.value.map(Bytes::copy_from_slice) })
        })
        .await
    }

    async fn revisions(&self, scan: Scan<'_>) -> Result<Vec<(Bytes, Revision)>, StoreError> {
        self.rows(scan, |key, row| Ok((key, Authenticator::revision_of(row)))).await
    }

    fn tally(&self) -> Tally {
        Tally::of(self.authenticator.clone(), self.state)
    }
}
