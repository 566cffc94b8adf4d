//! Reading: a table of one transaction, kept open by whoever reads from it.

use std::ops::Bound;

use async_trait::async_trait;
use bailiwick_storage::{Entry, Revision, Scan, StoreError, Versioned, View};
use bytes::Bytes;
use redb::{Database, ReadOnlyTable, ReadableDatabase};

use crate::{LOG, ROWS, store_error};

/// The rows, and the log, as they were at one revision.
pub(crate) struct RedbView {
    revision: Revision,
    rows: ReadOnlyTable<&'static [u8], &'static [u8]>,
    pub(crate) log: ReadOnlyTable<u64, &'static [u8]>,
}

impl std::fmt::Debug for RedbView {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RedbView").field("revision", &self.revision).finish_non_exhaustive()
    }
}

impl RedbView {
    /// What is committed now; the caller knows the revision, since only the writer commits.
    pub(crate) fn newest(database: &Database, revision: Revision) -> Result<Self, StoreError> {
        let txn = database.begin_read().map_err(store_error)?;
        let rows = txn.open_table(ROWS).map_err(store_error)?;
        let log = txn.open_table(LOG).map_err(store_error)?;
        Ok(RedbView { revision, rows, log })
    }
}

#[async_trait]
impl View for RedbView {
    fn revision(&self) -> Revision {
        self.revision
    }

    async fn get(&self, key: &[u8]) -> Result<Option<Versioned>, StoreError> {
        self.rows.get(key).map_err(store_error)?.map(|row| decode(row.value())).transpose()
    }

    async fn scan(&self, scan: Scan<'_>) -> Result<Vec<Entry>, StoreError> {
        let from = match scan.after {
            Some(after) if after >= scan.prefix => Bound::Excluded(after),
            _ => Bound::Included(scan.prefix),
        };
        let mut entries = Vec::new();
        for row in self.rows.range::<&[u8]>((from, Bound::Unbounded)).map_err(store_error)? {
            if entries.len() == scan.limit {
                break;
            }
            let (key, value) = row.map_err(store_error)?;
            if !key.value().starts_with(scan.prefix) {
                break;
            }
            let Versioned { value, revision } = decode(value.value())?;
            entries.push(Entry { key: Bytes::copy_from_slice(key.value()), value, revision });
        }
        Ok(entries)
    }
}

/// Takes a stored row apart.
pub(crate) fn decode(row: &[u8]) -> Result<Versioned, StoreError> {
    let Some((revision, value)) = row.split_first_chunk::<8>() else {
        return Err(StoreError::Corrupt("a row without its revision".into()));
    };
    let revision = Revision::new(u64::from_be_bytes(*revision));
    Ok(Versioned { value: Bytes::copy_from_slice(value), revision })
}

/// Puts a row together in a buffer that is used again.
pub(crate) fn encode(row: &mut Vec<u8>, revision: Revision, value: &[u8]) {
    row.clear();
    row.extend_from_slice(&revision.number().to_be_bytes());
    row.extend_from_slice(value);
}
