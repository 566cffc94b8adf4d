//! The contract of a backend: a small ordered key space with revisions.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;

use crate::{change::Changes, error::StoreError, sums::Tally};

/// The number of a committed batch; grows by at least one with each.
///
/// Zero is the empty store. What clients see is opaque and carries the store's identity as well.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Revision(u64);

impl Revision {
    /// The revision of a store in which nothing was ever written.
    pub const ZERO: Revision = Revision(0);

    /// The revision with this number.
    pub const fn new(number: u64) -> Self {
        Revision(number)
    }

    /// The bare number.
    pub const fn number(self) -> u64 {
        self.0
    }

    /// The revision after this one.
    pub const fn next(self) -> Self {
        Revision(self.0 + 1)
    }
}

/// Which view a reader wants.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum At {
    /// The newest that was acknowledged to anyone (a linearizable read).
    #[default]
    Latest,
    /// Any that contains this revision.
    AtLeast(Revision),
}

/// A value and the revision that last changed it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Versioned {
    /// The bytes as they were put.
    pub value: Bytes,
    /// The revision of the batch that put them.
    pub revision: Revision,
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

/// What must hold of a key when a batch is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expect {
    /// The key.
    pub key: Bytes,
    /// The revision that last changed it, or `None` if it must be absent.
    pub revision: Option<Revision>,
}

/// A change to a counter, checked and applied by the writer.
///
/// A counter is absent at zero and never negative; its value is read with [`counter_value`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Add {
    /// The counter.
    pub key: Bytes,
    /// What to add, or with a minus sign to take away.
    pub delta: i64,
    /// The most that it may be afterwards; it binds only when `delta` is positive.
    pub max: Option<u64>,
}

/// A set of changes that take place together, if everything expected holds.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    /// What must not have changed.
    pub expect: Vec<Expect>,
    /// Keys and their new values.
    pub put: Vec<(Bytes, Bytes)>,
    /// Keys to remove; an absent one is no error.
    pub delete: Vec<Bytes>,
    /// Counters to move.
    pub add: Vec<Add>,
}

/// The longest key that a store takes.
pub const MAX_KEY: usize = 512;
/// The largest value that a store takes.
pub const MAX_VALUE: usize = 1 << 20;

/// Reads a counter's stored value.
///
/// # Errors
/// [`StoreError::Corrupt`] if the value is not a counter's.
pub fn counter_value(value: &[u8]) -> Result<u64, StoreError> {
    let bytes = value.try_into().map_err(|_| StoreError::Corrupt("a counter of the wrong length".into()))?;
    Ok(u64::from_be_bytes(bytes))
}
