//! The contract of a backend: a small ordered key space with revisions.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;

use crate::{
    batch::{Batch, Versioned},
    change::Changes,
    error::StoreError,
    outage::OutageReason,
    revision::Revision,
    server_id::ServerId,
    store_state::Tally,
};

/// Which view to read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum At {
    /// The newest acknowledged view (a linearizable read).
    #[default]
    Latest,
    /// Any that contains this revision.
    AtLeast(Revision),
}

/// A row of a scan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The whole key, prefix included.
    pub key: Bytes,
    /// The bytes as they were put.
    pub value: Bytes,
    /// The revision of the batch that put them.
    pub revision: Revision,
}

/// A row of an inspection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inspected {
    /// The whole key, prefix included.
    pub key: Bytes,
    /// The revision of the batch that put it.
    pub revision: Revision,
    /// The value as it was put, or `None` if the row is damaged.
    pub value: Option<Bytes>,
}

/// The health of a store.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Health {
    /// The reason why changes are refused at present; none while they are accepted.
    pub refuses_changes: Option<OutageReason>,
}

/// The range of a scan: keys that begin with `prefix` and are greater than `after`, ascending, at most `limit`.
#[derive(Clone, Copy, Debug)]
pub struct Scan<'a> {
    /// The prefix of the keys; empty for all keys.
    pub prefix: &'a [u8],
    /// The key to continue after; it need not exist.
    pub after: Option<&'a [u8]>,
    /// The maximum number of rows.
    pub limit: usize,
}

/// The store at one revision; later commits are not visible.
#[async_trait]
pub trait View: Send + Sync {
    /// The revision that this view shows.
    fn revision(&self) -> Revision;

    /// Returns the value of `key`, or `None`.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] if the row is not what was written.
    async fn get(&self, key: &[u8]) -> Result<Option<Versioned>, StoreError>;

    /// Whether [`View::get`] would ask another machine for this row.
    fn is_elsewhere(&self, _key: &[u8]) -> bool {
        false
    }

    /// Returns rows in ascending order of their keys' bytes, damaged ones included.
    async fn inspect(&self, scan: Scan<'_>) -> Result<Vec<Inspected>, StoreError>;

    /// Returns keys in ascending order of their bytes, with the revisions that their rows state. Nothing is authenticated,
    /// and no value is read.
    async fn revisions(&self, scan: Scan<'_>) -> Result<Vec<(Bytes, Revision)>, StoreError> {
        let rows = self.inspect(scan).await?.into_iter();
        Ok(rows.map(|row| (row.key, row.revision)).collect())
    }

    /// Returns rows in ascending order of their keys' bytes.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] if a row is not what was written.
    async fn scan(&self, scan: Scan<'_>) -> Result<Vec<Entry>, StoreError> {
        let rows = self.inspect(scan).await?.into_iter();
        rows.map(|Inspected { key, revision, value }| match value {
            Some(value) => Ok(Entry { key, value, revision }),
            None => Err(StoreError::Damaged { key }),
        })
        .collect()
    }

    /// Returns a tally, which checks that all rows exist.
    fn tally(&self) -> Tally;
}

/// A backend.
#[async_trait]
pub trait Store: Send + Sync {
    /// A view to read from.
    ///
    /// # Errors
    /// [`StoreError::Ahead`] if the store has not reached the requested revision.
    async fn read(&self, at: At) -> Result<Arc<dyn View>, StoreError>;

    /// Writes all of a batch, or nothing; returns when it is durable and visible to [`At::Latest`].
    ///
    /// A batch without changes checks its preconditions and returns the head.
    ///
    /// # Errors
    /// [`StoreError::Conflict`], [`StoreError::Bound`]: nothing was written. [`StoreError::Unknown`]: unknown.
    async fn commit(&self, batch: Batch) -> Result<Revision, StoreError>;

    /// The change sets after a revision: none missed, none twice, in order.
    ///
    /// # Errors
    /// [`StoreError::Compacted`] if the log has been pruned beyond that point.
    async fn watch(&self, after: Revision) -> Result<Box<dyn Changes>, StoreError>;

    /// The newest revision.
    async fn head(&self) -> Result<Revision, StoreError>;

    /// This server, if others may use the store at the same time: each has waiting audit events of its own.
    fn server(&self) -> Option<ServerId> {
        None
    }

    /// A number that changes when what was read before may be out of date; none while nothing that was read may be used. Only
    /// a store on other machines has more than one.
    fn generation(&self) -> Option<u64> {
        Some(0)
    }

    /// Returns whether the store accepts changes.
    fn health(&self) -> Health {
        Health::default()
    }
}
