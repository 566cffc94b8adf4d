//! Change sets: what a commit did, as followers of the log see it.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;

use crate::{error::StoreError, revision::Revision};

/// One key that a commit changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The key.
    pub key: Bytes,
    /// Its new value, or `None` if it was removed.
    pub value: Option<Bytes>,
}

/// Everything that one commit changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChangeSet {
    /// The revision of the commit.
    pub revision: Revision,
    /// The changed keys; each once.
    pub changes: Vec<Change>,
}

impl ChangeSet {
    /// Bytes of its keys and values.
    pub fn size(&self) -> usize {
        self.changes.iter().map(|change| change.key.len() + change.value.as_ref().map_or(0, Bytes::len)).sum()
    }
}

/// A subscription to the change log.
#[async_trait]
pub trait Changes: Send {
    /// The next change set; waits for one. Dropping the future loses nothing.
    ///
    /// # Errors
    /// [`StoreError::Compacted`] when the follower fell too far behind, [`StoreError::Closed`] when the store closed.
    async fn next(&mut self) -> Result<Arc<ChangeSet>, StoreError>;
}
