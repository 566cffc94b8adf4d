//! Change sets: the changes of one commit, as the change log reports them.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;

use crate::{error::StoreError, revision::Revision};

/// The change of one key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The key.
    pub key: Bytes,
    /// Its new value, or `None` if it was removed.
    pub value: Option<Bytes>,
}

/// The changes of one commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangeSet {
    /// The revision of the commit.
    pub revision: Revision,
    /// The changed keys; each once.
    pub changes: Vec<Change>,
}

impl ChangeSet {
    /// The total length of the keys and values, in bytes.
    pub fn size(&self) -> usize {
        self.changes.iter().map(|change| change.key.len() + change.value.as_ref().map_or(0, Bytes::len)).sum()
    }
}

/// A subscription to the change log.
#[async_trait]
pub trait Changes: Send {
    /// Waits for the next change set. Dropping the future loses no change set.
    ///
    /// # Errors
    /// [`StoreError::Compacted`] when the follower is too far behind, [`StoreError::Closed`] when the store is closed.
    async fn next(&mut self) -> Result<Arc<ChangeSet>, StoreError>;
}
