//! Why a store cannot be used at the moment: for callers one of a few sentences, for the log the details.

use std::fmt;

/// Why a store refuses changes or reads, in a sentence that every caller may read: no address, user or path is part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OutageReason {
    /// Nothing answers, or not in time.
    #[error("the database cannot be reached")]
    Unreachable,
    /// The connection was lost, and is made again.
    #[error("the connection to the database was interrupted")]
    Interrupted,
    /// Nothing proves that what was read is current.
    #[error("the connection to the database is not confirmed")]
    Unconfirmed,
    /// The user, the password or the certificate of this server is not accepted, or has too few rights.
    #[error("the database refuses the credentials of this server")]
    Credentials,
    /// The database does not accept what this server sends.
    #[error("the database refuses the requests of this server")]
    Refused,
    /// The database has reached its limit of connections or memory, or this server its own.
    #[error("there are too many connections to the database")]
    Busy,
    /// Other servers write at the same time.
    #[error("other servers write to the database at the same time")]
    Contended,
    /// A standby, or a database that an administrator made read-only.
    #[error("the database accepts no changes")]
    ReadOnly,
    /// The disk or the quota of the database is exhausted.
    #[error("the database has no space left")]
    DatabaseFull,
    /// The database has a revision that is older than one that was read.
    #[error("the database is older than what was read before")]
    Older,
    /// The database has the revisions that were read, with other content.
    #[error("the database has other changes than those that were read before: start the server again")]
    OtherHistory,
    /// The store was replaced by that of a backup, or by another one.
    #[error("the database has another store than before, such as a restored one: start the server again")]
    OtherStore,
    /// Change sets are missing; followers read all rows again.
    #[error("the change log of the database cannot be followed")]
    MissingChanges,
    /// The disk of this server is full.
    #[error("no space left on device")]
    DiskFull,
    /// The quota of this server on its disk is exhausted.
    #[error("disk quota exceeded")]
    DiskQuota,
    /// The file system of this server is mounted for reading.
    #[error("read-only file system")]
    ReadOnlyFileSystem,
    /// The file of the store cannot be written or read.
    #[error("input/output error")]
    Disk,
    /// What is stored is not what was written.
    #[error("the store is damaged")]
    Damaged,
    /// A newer version wrote the store.
    #[error("a newer version of Bailiwick wrote the store")]
    Newer,
    /// The store is closed, or stopped.
    #[error("the store is closed")]
    Closed,
    /// Another reason.
    #[error("the store failed; the log says why")]
    Failed,
}

/// Why a store cannot be used at the moment, with details for the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outage {
    /// What callers may know.
    pub reason: OutageReason,
    details: Option<String>,
}

impl Outage {
    /// An outage with details, which only the log shows.
    pub fn new(reason: OutageReason, details: impl Into<String>) -> Self {
        Outage { reason, details: Some(details.into()) }
    }
}

impl From<OutageReason> for Outage {
    fn from(reason: OutageReason) -> Self {
        Outage { reason, details: None }
    }
}

/// For the log only.
impl fmt::Display for Outage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.details {
            Some(details) => write!(f, "{}: {details}", self.reason),
            None => self.reason.fmt(f),
        }
    }
}
