//! The view of a transaction that reads no rows.

use async_trait::async_trait;

use crate::{
    authenticator::Authenticator,
    batch::Versioned,
    error::StoreError,
    revision::Revision,
    store::{Inspected, Scan, View},
    store_state::{StoreState, Tally},
};

/// A view at the revision of a snapshot, from which nothing can be read.
pub(crate) struct NoRows(pub(crate) Revision);

fn refused() -> StoreError {
    StoreError::Backend("a transaction without rows was read".into())
}

#[async_trait]
impl View for NoRows {
    fn revision(&self) -> Revision {
        self.0
    }

    async fn get(&self, _: &[u8]) -> Result<Option<Versioned>, StoreError> {
        Err(refused())
    }

    async fn inspect(&self, _: Scan<'_>) -> Result<Vec<Inspected>, StoreError> {
        Err(refused())
    }

    fn tally(&self) -> Tally {
        Tally::of(Authenticator::none(), StoreState::default())
    }
}
