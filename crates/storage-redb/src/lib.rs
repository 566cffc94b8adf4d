//! The embedded backend: one file, one process, every acknowledged commit on the disk.
//!
//! A single writer thread takes all batches that wait, checks each against the state that those before it left, writes
//! the good ones in one durable transaction, and then answers all of them. Reads run where they are called, on a view
//! that the writer left open after its last commit.
//!
//! The crate deliberately does not know what the rows hold: it sees keys, bytes and revisions.
//!
//! Start reading at [`RedbStore::open`], then `writer`.

mod files;
mod log;
mod open;
mod view;
mod watch;
mod writer;

use std::{path::Path, sync::Arc, thread::JoinHandle};

use arc_swap::ArcSwap;
use async_trait::async_trait;
use bailiwick_storage::{At, Batch, Changes, Feed, Revision, Store, StoreError, View};
use redb::{Database, StorageBackend, TableDefinition};
use tokio::sync::{mpsc, oneshot};

pub use open::OpenError;
use view::RedbView;
use writer::{Job, Writer};

/// Every row: its key, and its revision (eight bytes, big-endian) followed by its value.
const ROWS: TableDefinition<'static, &'static [u8], &'static [u8]> = TableDefinition::new("rows");
/// The change log: a revision and what it changed.
const LOG: TableDefinition<'static, u64, &'static [u8]> = TableDefinition::new("log");
/// What the file is.
const ABOUT: TableDefinition<'static, &'static str, u32> = TableDefinition::new("about");

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
}

impl Default for Options {
    fn default() -> Self {
        Options { cache_bytes: 256 << 20, log_retention: 16 * 1024, recent: 1024, recent_bytes: 8 << 20, queue: 1024 }
    }
}

/// A store in a redb file.
#[derive(Debug)]
pub struct RedbStore {
    shared: Arc<Shared>,
    queue: Option<mpsc::Sender<Job>>,
    writer: Option<JoinHandle<()>>,
    _lock: Option<files::DirLock>,
}

/// What readers, followers and the writer have in common.
#[derive(Debug)]
struct Shared {
    current: ArcSwap<RedbView>,
    feed: Feed,
}

impl RedbStore {
    /// The store's file in its folder.
    pub fn file(folder: &Path) -> std::path::PathBuf {
        folder.join(files::STORE)
    }

    /// Whether there is a store in a folder.
    ///
    /// # Errors
    /// When the folder can't be looked into.
    pub fn exists(folder: &Path) -> std::io::Result<bool> {
        Self::file(folder).try_exists()
    }

    /// Opens the store in a folder; makes both if they are not there.
    ///
    /// # Errors
    /// One variant, and one clear line, per reason: [`OpenError`].
    pub fn open(folder: &Path, options: &Options) -> Result<Self, OpenError> {
        let lock = files::prepare(folder)?;
        let file = folder.join(files::STORE);
        let database = open::open_file(&file, options)?;
        Self::start(database, options, Some(lock))
    }

    /// Opens the store that a backend of redb holds; for tests with disks that misbehave.
    ///
    /// # Errors
    /// As [`RedbStore::open`].
    pub fn with_backend(backend: impl StorageBackend, options: &Options) -> Result<Self, OpenError> {
        let database = open::builder(options).create_with_backend(backend).map_err(OpenError::from)?;
        Self::start(database, options, None)
    }

    fn start(database: Database, options: &Options, lock: Option<files::DirLock>) -> Result<Self, OpenError> {
        open::check_layout(&database)?;
        let (oldest, head) = open::log_bounds(&database)?;
        let view = RedbView::newest(&database, head)?;
        let feed = Feed::new(head, options.recent, options.recent_bytes);
        let shared = Arc::new(Shared { current: ArcSwap::from_pointee(view), feed });
        let (queue, jobs) = mpsc::channel(options.queue.max(1));
        let writer = Writer::new(shared.clone(), database, head, oldest, options.log_retention);
        let writer = writer.spawn(jobs)?;
        Ok(RedbStore { shared, queue: Some(queue), writer: Some(writer), _lock: lock })
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
        watch::follow(&self.shared, after)
    }

    async fn head(&self) -> Result<Revision, StoreError> {
        Ok(self.shared.current.load().revision())
    }
}

/// What redb says, in the store's words.
fn store_error(error: impl Into<redb::Error>) -> StoreError {
    match error.into() {
        redb::Error::Corrupted(why) => StoreError::Corrupt(why),
        redb::Error::DatabaseClosed => StoreError::Closed,
        error => StoreError::Backend(Box::new(error)),
    }
}
