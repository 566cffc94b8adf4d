//! The row of the head, and rows of the change log.

use bailiwick_storage::{Authenticator, Revision, StoreError, StoreState};
use bailiwick_storage_remote::open_state;
use tokio_postgres::Row;

/// The row of the head.
pub(crate) struct Head {
    pub(crate) epoch: i64,
    pub(crate) revision: Revision,
    sealed: Vec<u8>,
}

impl Head {
    /// Reads the columns `epoch`, `revision` and `state`.
    pub(crate) fn read(row: &Row) -> Result<Self, StoreError> {
        let columns = || Ok::<_, tokio_postgres::Error>((row.try_get(0)?, row.try_get::<_, i64>(1)?, row.try_get(2)?));
        let (epoch, revision, sealed) = columns().map_err(|_| StoreError::Corrupt("its head is damaged".into()))?;
        let revision = u64::try_from(revision).map_err(|_| StoreError::Corrupt("its head is negative".into()))?;
        Ok(Head { epoch, revision: Revision::new(revision), sealed })
    }

    /// Opens the state of the store.
    pub(crate) fn state(&self, authenticator: &Authenticator) -> Result<StoreState, StoreError> {
        open_state(authenticator, self.revision, &self.sealed)
    }
}

/// A revision as the database has it.
pub(crate) fn number(revision: Revision) -> i64 {
    i64::try_from(revision.number()).unwrap_or(i64::MAX)
}

/// The columns `revision` and `entry` of the change log.
pub(crate) fn entry(row: &Row) -> (u64, &[u8]) {
    // Revisions are positive: an entry with a negative number counts as missing.
    (u64::try_from(row.get::<_, i64>(0)).unwrap_or(0), row.get(1))
}
