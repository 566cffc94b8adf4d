//! The embedded backend: one file, one process, every acknowledged commit on the disk.
//!
//! A single writer thread takes all batches that wait, checks each against the state that those before it left, writes
//! the good ones in one durable transaction, and then answers all of them. Reads run where they are called, on a view
//! that the writer left open after its last commit.
//!
//! What is written is authenticated, and what is read is checked: [`RedbFile`] is the file before that is possible. When
//! writing fails, reading goes on from what is durable, changes are refused, and the file is opened again until it can be
//! written. redb's panics on damaged pages become errors.
//!
//! The crate deliberately does not know what the rows hold: it sees keys, bytes and revisions.
//!
//! Start reading at [`RedbFile`], then `writer`.

mod disk;
mod error;
mod file;
mod folder;
mod guarded;
mod log;
mod open;
mod upgrade;
mod view;
mod watch;
mod writer;

use std::{path::Path, sync::Arc, thread::JoinHandle, time::Duration};

use arc_swap::{ArcSwap, ArcSwapOption};
use async_trait::async_trait;
use bailiwick_storage::{At, Authenticator, Batch, Changes, Feed, Health, Revision, Store, StoreError, View};
use redb::TableDefinition;
use tokio::sync::{mpsc, oneshot};

pub use disk::Disk;
pub use error::OpenError;
pub use file::RedbFile;
pub use guarded::panics_are_caught;

use view::RedbView;
use writer::Job;

/// The name of the store's file in its folder.
const STORE: &str = "bailiwick.redb";
/// Every row: its key, and its stored form.
const ROWS: TableDefinition<'static, &'static [u8], &'static [u8]> = TableDefinition::new("rows");
/// The change log: a revision and what it changed.
const LOG: TableDefinition<'static, u64, &'static [u8]> = TableDefinition::new("log");
/// What the file is.
const METADATA: TableDefinition<'static, &'static str, u32> = TableDefinition::new("about");

/// How a store is kept.
#[derive(Clone, Debug)]
pub struct Options {
    /// Bytes of memory for pages of the file.
    pub cache_bytes: usize,
    /// How many change sets the log keeps at least.
    pub log_retention: u64,
    /// How many change sets stay in memory for followers that keep up.
    pub recent: usize,
    /// How many bytes they may have; fewer stay if they are large.
    pub recent_bytes: usize,
    /// The most batches that wait for the writer; further ones wait to be let in.
    pub queue: usize,
    /// How long it takes after a write that failed until the next one is tried.
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
    _lock: Option<folder::DirLock>,
}

/// What readers, followers and the writer have in common.
#[derive(Debug)]
struct Shared {
    current: ArcSwap<RedbView>,
    feed: Feed,
    /// Why changes are refused.
    health: ArcSwapOption<String>,
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

    /// Opens the store in a folder, whose keys are known; makes both if they are not there.
    ///
    /// # Errors
    /// One variant, and one clear line, per reason: [`OpenError`].
    pub fn open(folder: &Path, options: &Options, authenticator: Authenticator) -> Result<Self, OpenError> {
        RedbFile::open(folder, options)?.start(authenticator)
    }

    /// How many batches wait for the writer.
    pub fn queued(&self) -> usize {
        self.queue.as_ref().map_or(0, |queue| queue.max_capacity() - queue.capacity())
    }

    /// Lets the batches that wait finish and closes the file; whatever is asked later is answered [`StoreError::Closed`].
    pub async fn close(&self) {
        let (done, finished) = oneshot::channel();
        if let Some(queue) = &self.queue
            && queue.send(Job::Close(done)).await.is_ok()
        {
            // An error means that the writer has stopped by itself, which is what was asked for.
            let _ = finished.await;
        }
    }
}

impl Drop for RedbStore {
    fn drop(&mut self) {
        self.queue = None;
        if let Some(writer) = self.writer.take() {
            // A writer that panicked has said so; there is nothing left to wait for.
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
        Health { refuses_changes: self.shared.health.load().as_ref().map(|why| why.to_string()) }
    }
}

#[cfg(test)]
mod testing {
    use bailiwick_seal::Keyring;
    use bailiwick_storage::Authenticator;

    /// One that authenticates with a key of its own.
    pub(crate) fn authenticator() -> Authenticator {
        Authenticator::new(Keyring::generate(0).unwrap().row_key().unwrap().unwrap())
    }
}
