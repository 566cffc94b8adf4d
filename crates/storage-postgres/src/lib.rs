//! The backend on a PostgreSQL database, which any number of servers use at once.
//!
//! Each server has one writer: it takes all waiting batches, locks the one row of the head, checks the batches one after the
//! other against the rows as they are then, and writes the valid ones in one transaction. So revisions are in the order of
//! commits and have no gaps. A follower polls the change log for what other servers committed.
//!
//! A database that was replaced by a standby goes on answering reads. So the follower confirms its connection with small
//! synchronous writes. Without one for [`Options::max_staleness`], all subscriptions to the change log end with an error,
//! and so do reads, until the connection is confirmed again.
//!
//! Rows are authenticated when they are written and checked when they are read, as in every backend.
//!
//! The crate deliberately does not know the content of rows: it handles keys, bytes and revisions.
//!
//! Start reading at [`Database`], then `writer` and `follower`.

mod address;
mod connection;
mod database;
mod error;
mod follower;
mod generation;
mod history;
mod job;
mod plan;
mod readers;
mod restore;
mod schema;
mod view;
mod watch;
mod writer;

use std::{sync::Arc, time::Duration};

use arc_swap::ArcSwapOption;
use async_trait::async_trait;
use bailiwick_storage::{At, Authenticator, Batch, Changes, Health, Revision, ServerId, Store, StoreError, View};
use tokio::{
    sync::{mpsc, oneshot, watch::Receiver},
    task::JoinHandle,
    time::Instant,
};

pub use address::Address;
pub use database::Database;
pub use error::OpenError;

use generation::Generations;
use job::Job;
use readers::Readers;
use view::Views;

/// Options of a store.
#[derive(Clone, Debug)]
pub struct Options {
    /// This server among those that use the database.
    pub server: ServerId,
    /// The maximum number of connections that read at the same time. Each open view has one; calls at the same time share a
    /// view.
    pub readers: usize,
    /// How long a connection to the database may be unconfirmed before nothing is read any more.
    pub max_staleness: Duration,
    /// The pause between two polls of the change log.
    pub poll: Duration,
    /// The minimum number of change sets in the log.
    pub log_retention: u64,
    /// The maximum number of change sets in memory, for followers that keep up.
    pub recent: usize,
    /// The maximum size of these change sets, in bytes.
    pub recent_bytes: usize,
    /// The maximum number of queued batches; further commits wait.
    pub queue: usize,
    /// The pause between a failed attempt to connect and the next.
    pub retry: Duration,
}

impl Options {
    /// The usual options of a server.
    pub fn of(server: ServerId) -> Self {
        Options {
            server,
            readers: 24,
            max_staleness: Duration::from_secs(5),
            poll: Duration::from_millis(50),
            log_retention: 16 * 1024,
            recent: 1024,
            recent_bytes: 8 << 20,
            queue: 1024,
            retry: Duration::from_millis(500),
        }
    }
}

/// A store in a PostgreSQL database.
#[derive(Debug)]
pub struct PostgresStore {
    shared: Arc<Shared>,
    queue: mpsc::Sender<Job>,
    /// What was read is current until then.
    trusted: Receiver<Instant>,
    follower: JoinHandle<()>,
}

/// The state that readers, the follower and the writer share.
#[derive(Debug)]
struct Shared {
    authenticator: Authenticator,
    server: ServerId,
    /// The epoch of the store that was opened.
    epoch: i64,
    readers: Readers,
    views: Views,
    generations: Generations,
    /// Why changes are refused.
    health: ArcSwapOption<String>,
}

impl PostgresStore {
    /// How many batches wait for the writer.
    pub fn queued(&self) -> usize {
        self.queue.max_capacity() - self.queue.capacity()
    }

    /// Finishes the queued batches; later calls fail with [`StoreError::Closed`].
    pub async fn close(&self) {
        let (done, finished) = oneshot::channel();
        if self.queue.send(Job::Close(done)).await.is_ok() {
            // An error means that the writer has already stopped.
            let _ = finished.await;
        }
        self.follower.abort();
    }
}

impl Drop for PostgresStore {
    fn drop(&mut self) {
        self.follower.abort();
        self.shared.generations.close();
    }
}

#[async_trait]
impl Store for PostgresStore {
    async fn read(&self, at: At) -> Result<Arc<dyn View>, StoreError> {
        let view = tokio::select! {
            biased;
            // The database may not answer at all.
            ended = self.shared.generations.ended() => return Err(ended),
            view = self.shared.views.newest(&self.shared) => view?,
        };
        match at {
            At::AtLeast(asked) if asked > view.revision() => Err(StoreError::Ahead { asked, head: view.revision() }),
            _ => Ok(view),
        }
    }

    async fn commit(&self, batch: Batch) -> Result<Revision, StoreError> {
        let (answer, answered) = oneshot::channel();
        self.queue.send(Job::Batch(batch, answer)).await.map_err(|_| StoreError::Closed)?;
        answered.await.unwrap_or_else(|_| Err(StoreError::Unknown("the writer stopped".into())))
    }

    async fn watch(&self, after: Revision) -> Result<Box<dyn Changes>, StoreError> {
        watch::follow(&self.shared, after).await
    }

    async fn head(&self) -> Result<Revision, StoreError> {
        Ok(self.read(At::Latest).await?.revision())
    }

    fn server(&self) -> Option<ServerId> {
        Some(self.shared.server)
    }

    fn generation(&self) -> Option<u64> {
        // The task that ends the feed in time may not have run yet, if the whole process was stopped.
        let is_trusted = Instant::now() < *self.trusted.borrow();
        self.shared.generations.number().filter(|_| is_trusted)
    }

    fn health(&self) -> Health {
        let unconfirmed = || self.shared.generations.live().err().map(|error| error.to_string());
        Health { refuses_changes: self.shared.health.load().as_ref().map(|why| why.to_string()).or_else(unconfirmed) }
    }
}
