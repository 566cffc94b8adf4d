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
mod head;
mod history;
mod lease;
mod readers;
mod restore;
mod schema;
mod view;
mod writer;

use std::time::Duration;

use bailiwick_storage::ServerId;
use bailiwick_storage_remote::RemoteStore;

pub use address::Address;
pub use database::Database;
pub use error::OpenError;
pub use readers::Readers;

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
pub type PostgresStore = RemoteStore<Readers>;

/// The state that readers, the follower and the writer share.
type Shared = bailiwick_storage_remote::Shared<Readers>;
