//! Copies of a store: the rows at one revision, as every backend stores them.
//!
//! Rows are copied with their tags, and the sealed state with them. So a copy that was changed by a program without the
//! master key is refused when a store is made of it: a changed row, and a missing or additional one.

use std::sync::Arc;

use bytes::Bytes;

use crate::{
    error::StoreError,
    revision::Revision,
    store::{Scan, View},
    store_state::Tally,
};

/// How many rows are read at once.
const CHUNK: usize = 64;

/// A row as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredRow {
    /// The key.
    pub key: Bytes,
    /// Tag, revision and value.
    pub stored: Bytes,
}

/// The store at one revision, to be copied while it goes on being used.
pub struct StoreCopy {
    view: Arc<dyn View>,
    tally: Tally,
}

impl StoreCopy {
    /// Copies what a view shows.
    pub fn of(view: Arc<dyn View>) -> Self {
        let tally = view.tally();
        StoreCopy { view, tally }
    }

    /// The revision that is copied.
    pub fn revision(&self) -> Revision {
        self.view.revision()
    }

    /// The number of rows.
    pub fn rows(&self) -> u64 {
        self.tally.expected_rows()
    }

    /// The state of the store at this revision, sealed.
    ///
    /// # Errors
    /// [`StoreError::Backend`] when cryptography is not available.
    pub fn sealed_state(&self) -> Result<Vec<u8>, StoreError> {
        self.tally.expected().seal(self.tally.authenticator())
    }

    /// The next rows after a key, in the order of their keys; none at the end.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] if a row is not what was written: the copy could not be used.
    pub async fn next(&self, after: Option<&[u8]>) -> Result<Vec<StoredRow>, StoreError> {
        let rows = self.view.scan(Scan { prefix: b"", after, limit: CHUNK }).await?;
        let mut scratch = Vec::new();
        let stored = rows.into_iter().map(|row| {
            let mut stored = Vec::new();
            let authenticator = self.tally.authenticator();
            authenticator.encode_row(&mut stored, &row.key, row.revision, &row.value, &mut scratch)?;
            Ok(StoredRow { key: row.key, stored: stored.into() })
        });
        stored.collect()
    }
}
