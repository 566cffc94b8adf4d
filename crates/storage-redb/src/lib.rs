//! The embedded backend: one file, one process; every acknowledged commit is durable.
//!
//! A single writer thread takes all waiting batches, checks them one after the other, writes the valid ones in one
//! durable transaction, and answers all of them. Reads run on the calling thread, on a view that the writer opened
//! after its last commit.
//!
//! Rows are authenticated when they are written and checked when they are read; [`RedbFile`] is the file before its key
//! is known. When a write fails, reads continue on the durable state, changes are refused, and the file is reopened
//! until a write succeeds. Panics of redb on damaged pages become errors.
//!
//! The crate deliberately does not know the content of rows: it handles keys, bytes and revisions.
//!
//! Start reading at [`RedbFile`], then `writer`.

mod backup;
mod disk;
mod error;
mod file;
mod folder;
mod guarded;
mod job;
mod open;
mod upgrade;
mod view;
mod watch;
mod writer;

use std::{path::Path, sync::Arc, thread::JoinHandle, time::Duration};

use arc_swap::{ArcSwap, ArcSwapOption};
use async_trait::async_trait;
use bailiwick_storage::{At, Authenticator, Batch, Changes, Feed, Health, Outage, Revision, Store, StoreError, View};
use redb::TableDefinition;
use tokio::sync::{mpsc, oneshot};

pub use backup::restore;
pub use disk::Disk;
pub use error::OpenError;
pub use file::RedbFile;
pub use folder::{FolderLock, lock_folder};
pub use guarded::panics_are_caught;

use job::Job;
use view::RedbView;

/// The name of the store's file in its folder.
const STORE: &str = "bailiwick.redb";
/// Every row: its key, and its stored form.
const ROWS: TableDefinition<'static, &'static [u8], &'static [u8]> = TableDefinition::new("rows");
/// The change log: revision → change set.
const LOG: TableDefinition<'static, u64, &'static [u8]> = TableDefinition::new("log");
/// Metadata of the file.
const METADATA: TableDefinition<'static, &'static str, u32> = TableDefinition::new("about");

/// Options of a store.
#[derive(Clone, Debug)]
pub struct Options {
    /// Bytes of memory for pages of the file.
    pub cache_bytes: usize,
    /// The minimum number of change sets in the log.
    pub log_retention: u64,
    /// The maximum number of change sets in memory, for followers that keep up.
    pub recent: usize,
    /// The maximum size of these change sets, in bytes.
    pub recent_bytes: usize,
    /// The maximum number of queued batches; further commits wait.
    pub queue: usize,
    /// The pause between a failed write and the next attempt.
    pub retry: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            cache_bytes: 256 << 20,
            log_retention: 16 * 1024,
            recent: 1024,
            recent_bytes: 8 << 20,
            queue: 1024,
            retry: Duration::from_secs(1),
        }
    }
}

/// A store in a redb file.
#[derive(Debug)]
pub struct RedbStore {
    shared: Arc<Shared>,
    queue: Option<mpsc::Sender<Job>>,
    writer: Option<JoinHandle<()>>,
    _lock: Option<folder::FolderLock>,
}

/// The state that readers, followers and the writer share.
#[derive(Debug)]
struct Shared {
    current: ArcSwap<RedbView>,
    feed: Feed,
    /// Why changes are refused.
    health: ArcSwapOption<Outage>,
}

impl RedbStore {
    /// The store's file in its folder.
    pub fn file(folder: &Path) -> std::path::PathBuf {
        folder.join(STORE)
    }

    /// Whether there is a store in a folder.
    ///
    /// # Errors
    /// When the folder can't be looked into.
    pub fn exists(folder: &Path) -> std::io::Result<bool> {
        Self::file(folder).try_exists()
    }

    /// Opens the store in a folder with a known key; creates folder and file if necessary.
    ///
    /// # Errors
    /// One variant, with a one-line message, per reason: [`OpenError`].
    pub fn open(folder: &Path, options: &Options, authenticator: Authenticator) -> Result<Self, OpenError> {
        RedbFile::open(folder, options)?.start(authenticator)
    }

    /// How many batches wait for the writer.
    pub fn queued(&self) -> usize {
        self.queue.as_ref().map_or(0, |queue| queue.max_capacity() - queue.capacity())
    }

    /// Finishes the queued batches and closes the file; later calls fail with [`StoreError::Closed`].
    pub async fn close(&self) {
        let (done, finished) = oneshot::channel();
        if let Some(queue) = &self.queue
            && queue.send(Job::Close(done)).await.is_ok()
        {
            // An error means that the writer has already stopped.
            let _ = finished.await;
        }
    }
}

impl Drop for RedbStore {
    fn drop(&mut self) {
        self.queue = None;
        if let Some(writer) = self.writer.take() {
            // A panic of the writer has been logged.
            let _ = writer.join();
        }
    }
}

#[async_trait]
impl Store for RedbStore {
    async fn read(&self, at: At) -> Result<Arc<dyn View>, StoreError> {
        let view = self.shared.current.load_full();
        if let At::AtLeast(asked) = at
            && asked > view.revision()
        {
            return Err(StoreError::Ahead { asked, head: view.revision() });
        }
        Ok(view)
    }

    async fn commit(&self, batch: Batch) -> Result<Revision, StoreError> {
        let queue = self.queue.as_ref().ok_or(StoreError::Closed)?;
        let (answer, answered) = oneshot::channel();
        queue.send(Job::Batch(batch, answer)).await.map_err(|_| StoreError::Closed)?;
        answered.await.unwrap_or_else(|_| Err(StoreError::Unknown("the writer stopped".into())))
    }

    async fn watch(&self, after: Revision) -> Result<Box<dyn Changes>, StoreError> {
        watch::follow(&self.shared, after).await
    }

    async fn head(&self) -> Result<Revision, StoreError> {
        Ok(self.shared.current.load().revision())
    }

    fn health(&self) -> Health {
        Health { refuses_changes: self.shared.health.load().as_ref().map(|why| why.reason) }
    }
}
