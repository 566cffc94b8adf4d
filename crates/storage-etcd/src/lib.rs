//! The backend on an etcd cluster, which any number of servers use at once.
//!
//! Each server has one writer: it takes all waiting batches, reads their rows and the head, checks the batches one after the
//! other, and writes the valid ones in one transaction, which etcd applies only if the head is still the one that was read.
//! So revisions are in the order of commits and have no gaps. If another server wrote first, the group is planned again.
//!
//! A follower watches the change log for what other servers committed. Several times a second it reads the head through
//! the quorum of the cluster. Without an answer for [`Options::max_staleness`], all subscriptions to the change log end with
//! an error, and so do reads, until the quorum answers again. No lease or lock of etcd decides anything.
//!
//! Rows are authenticated when they are written and checked when they are read, as in every backend.
//!
//! The crate deliberately does not know the content of rows: it handles keys, bytes and revisions.
//!
//! Start reading at [`Database`], then `writer` and `follower`. `layout` has the keys.

mod address;
mod api;
mod claim;
mod client;
mod compaction;
mod connector;
mod database;
mod error;
mod follower;
mod groups;
mod head;
mod history;
mod layout;
mod limits;
mod look_ups;
mod presence;
mod restore;
mod transaction;
mod view;
mod watch;
mod writer;

use std::time::Duration;

use bailiwick_storage::ServerId;
use bailiwick_storage_remote::RemoteStore;

pub use address::Address;
pub use database::Database;
pub use error::OpenError;
pub use view::Reader;

/// Options of a store.
#[derive(Clone, Debug)]
pub struct Options {
    /// This server among those that use the cluster.
    pub server: ServerId,
    /// How long the quorum may be silent before nothing is read any more.
    pub max_staleness: Duration,
    /// The minimum number of change sets in the log.
    pub log_retention: u64,
    /// The maximum number of change sets in memory, for followers that keep up.
    pub recent: usize,
    /// The maximum size of these change sets, in bytes.
    pub recent_bytes: usize,
    /// The maximum number of queued batches; further commits wait.
    pub queue: usize,
    /// The pause between a failed attempt to reach the cluster and the next.
    pub retry: Duration,
    /// For how long etcd keeps old versions of keys, which open views read; and the keys of processes that were killed.
    pub history: Duration,
}

impl Options {
    /// The usual options of a server.
    pub fn of(server: ServerId) -> Self {
        Options {
            server,
            max_staleness: Duration::from_secs(5),
            log_retention: 16 * 1024,
            recent: 1024,
            recent_bytes: 8 << 20,
            queue: 1024,
            retry: Duration::from_millis(500),
            history: Duration::from_secs(10 * 60),
        }
    }
}

/// A store in an etcd cluster.
pub type EtcdStore = RemoteStore<Reader>;

/// The state that readers, the follower and the writer share.
type Shared = bailiwick_storage_remote::Shared<Reader>;
