//! A view that reads the rows which are known from memory.

use std::sync::Arc;

use async_trait::async_trait;
use bailiwick_storage::{Inspected, Revision, Scan, StoreError, Tally, Versioned, View};
use bytes::Bytes;

use crate::{Backend, Shared};

/// The store at one revision; rows that are known at it are not read again.
#[derive(Debug)]
pub(crate) struct CachedView<B: Backend> {
    shared: Arc<Shared<B>>,
    view: Arc<B::View>,
    /// The feed in which the view was opened; none if there was none.
    generation: Option<u64>,
}

impl<B: Backend> CachedView<B> {
    /// `generation` is the number of the feed before the view was opened: in a later one, the history may be another.
    pub(crate) fn new(shared: Arc<Shared<B>>, view: Arc<B::View>, generation: Option<u64>) -> Self {
        CachedView { shared, view, generation }
    }
}

#[async_trait]
impl<B: Backend> View for CachedView<B> {
    fn revision(&self) -> Revision {
        self.view.revision()
    }

    async fn get(&self, key: &[u8]) -> Result<Option<Versioned>, StoreError> {
        let Some(generation) = self.generation else { return self.view.get(key).await };
        let (rows, at) = (self.shared.generations.rows(), self.view.revision());
        if let Some(row) = rows.get(generation, key, at) {
            return Ok(row);
        }
        let row = self.view.get(key).await?;
        rows.keep(generation, key, at, &row);
        Ok(row)
    }

    fn is_elsewhere(&self, key: &[u8]) -> bool {
        let known = |generation| self.shared.generations.rows().get(generation, key, self.view.revision());
        self.generation.and_then(known).is_none()
    }

    async fn inspect(&self, scan: Scan<'_>) -> Result<Vec<Inspected>, StoreError> {
        self.view.inspect(scan).await
    }

    async fn revisions(&self, scan: Scan<'_>) -> Result<Vec<(Bytes, Revision)>, StoreError> {
        self.view.revisions(scan).await
    }

    fn tally(&self) -> Tally {
        self.view.tally()
    }
}
