//! The contract of a backend: a small ordered key space with revisions.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;

use crate::{
    batch::{Batch, Versioned},
    change::Changes,
    error::StoreError,
    revision::Revision,
    store_state::Tally,
};

/// Which view a reader wants.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum At {
    /// The newest that was acknowledged to anyone (a linearizable read).
    #[default]
    Latest,
    /// Any that contains this revision.
    AtLeast(Revision),
}

/// One row of a scan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The whole key, prefix included.
    pub key: Bytes,
    /// The bytes as they were put.
    pub value: Bytes,
    /// The revision of the batch that put them.
    pub revision: Revision,
}

/// One row of an inspection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inspected {
    /// The whole key, prefix included.
    pub key: Bytes,
    /// The revision of the batch that put it.
    pub revision: Revision,
    /// The bytes as they were put; none if what is stored is not what was put.
    pub value: Option<Bytes>,
}

/// Whether a store does all of its work.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Health {
    /// Why changes are refused at the moment, in a few words; none while they are taken.
    pub refuses_changes: Option<String>,
}

/// What a scan returns: keys that begin with `prefix`, greater than `after` if given, at most `limit`, ascending.
#[derive(Clone, Copy, Debug)]
pub struct Scan<'a> {
    /// What the keys begin with; empty for every key.
    pub prefix: &'a [u8],
    /// A whole key to go on after; it need not exist.
    pub after: Option<&'a [u8]>,
    /// The most rows wanted.
    pub limit: usize,
}

/// The store as it was at one revision; later commits never show.
#[async_trait]
pub trait View: Send + Sync {
    /// The revision that this view shows.
    fn revision(&self) -> Revision;

    /// The value under `key`, if there is one.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] if it is not what was put there.
    async fn get(&self, key: &[u8]) -> Result<Option<Versioned>, StoreError>;

    /// Rows in ascending order of their keys' bytes; those that are damaged stand in their places.
    async fn inspect(&self, scan: Scan<'_>) -> Result<Vec<Inspected>, StoreError>;

    /// Rows in ascending order of their keys' bytes.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] if one of them is not what was put there.
    async fn scan(&self, scan: Scan<'_>) -> Result<Vec<Entry>, StoreError> {
        let rows = self.inspect(scan).await?.into_iter();
        rows.map(|Inspected { key, revision, value }| match value {
            Some(value) => Ok(Entry { key, value, revision }),
            None => Err(StoreError::Damaged { key }),
        })
        .collect()
    }

    /// A tally, to find out whether all rows are there that must be.
    fn tally(&self) -> Tally;
}

/// A backend.
#[async_trait]
pub trait Store: Send + Sync {
    /// A view to read from.
    ///
    /// # Errors
    /// [`StoreError::Ahead`] if the revision asked for does not exist here.
    async fn read(&self, at: At) -> Result<Arc<dyn View>, StoreError>;

    /// Writes all of a batch, or nothing of it; returns when it is durable and visible to [`At::Latest`].
    ///
    /// A batch without changes checks what it expects and returns the head.
    ///
    /// # Errors
    /// [`StoreError::Conflict`], [`StoreError::Bound`]: nothing was written. [`StoreError::Unknown`]: it may have been.
    async fn commit(&self, batch: Batch) -> Result<Revision, StoreError>;

    /// The change sets after a revision: none missed, none twice, in order.
    ///
    /// # Errors
    /// [`StoreError::Compacted`] if the log has been pruned beyond that point.
    async fn watch(&self, after: Revision) -> Result<Box<dyn Changes>, StoreError>;

    /// The newest revision.
    async fn head(&self) -> Result<Revision, StoreError>;

    /// Whether the store does all of its work.
    fn health(&self) -> Health {
        Health::default()
    }
}
