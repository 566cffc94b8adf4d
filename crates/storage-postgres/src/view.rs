//! Views: a transaction that shows one revision, open as long as the view is in use.

use std::sync::{
    Arc, Weak,
    atomic::{AtomicU64, Ordering},
};

use async_trait::async_trait;
use bailiwick_storage::{Authenticator, Inspected, Revision, Scan, StoreError, StoreState, Tally, Versioned, View};
use bytes::Bytes;
use tokio::sync::Mutex;
use tokio_postgres::Row;

use crate::{
    Shared,
    connection::{ANSWER, within},
    readers::{Scans, Snapshot},
};

/// The newest view, for calls that may share it.
#[derive(Debug, Default)]
pub(crate) struct Views {
    /// How many views were begun.
    begun: AtomicU64,
    /// The number of the newest view, and the view while it is in use.
    newest: Mutex<(u64, Weak<PostgresView>)>,
}

impl Views {
    /// Returns a view of the newest revision: one that was begun after this call, by this call or another one. So many calls
    /// at the same time need two connections.
    pub(crate) async fn newest(&self, shared: &Shared) -> Result<Arc<PostgresView>, StoreError> {
        let before = self.begun.load(Ordering::SeqCst);
        let mut newest = self.newest.lock().await;
        if newest.0 > before
            && let Some(view) = newest.1.upgrade()
        {
            return Ok(view);
        }
        let number = self.begun.fetch_add(1, Ordering::SeqCst) + 1;
        let view = Arc::new(PostgresView::begin(shared).await?);
        *newest = (number, Arc::downgrade(&view));
        Ok(view)
    }
}

/// The store at one revision.
#[derive(Debug)]
pub(crate) struct PostgresView {
    snapshot: Snapshot,
    authenticator: Authenticator,
    state: StoreState,
}

impl PostgresView {
    /// Opens the newest revision.
    async fn begin(shared: &Shared) -> Result<Self, StoreError> {
        // Read before the transaction begins, which shows at least that.
        let known = shared.generations.position();
        let (snapshot, row) = shared.readers.begin().await?;
        let head = Head::read(&row)?;
        let state = head.state(&shared.authenticator)?;
        if head.epoch != shared.epoch {
            return Err(StoreError::Unreachable("the store was restored from a backup; start the server again".into()));
        }
        if state.head < known {
            // Other connections may be to the same database, which was replaced.
            shared.readers.forget();
            return Err(StoreError::Unreachable("the database is older than what was read before".into()));
        }
        Ok(PostgresView { snapshot, authenticator: shared.authenticator.clone(), state })
    }

    pub(crate) fn revision(&self) -> Revision {
        self.state.head
    }

    /// The change log begins after this revision.
    pub(crate) fn oldest(&self) -> Revision {
        self.state.oldest
    }

    /// Reads entries of the change log after a revision.
    pub(crate) async fn log(&self, after: Revision, limit: i64) -> Result<Vec<Row>, StoreError> {
        let client = &self.snapshot.reader()?.client;
        let after = number(after);
        let query = "SELECT revision, entry FROM bailiwick_log WHERE revision > $1 ORDER BY revision LIMIT $2";
        within(ANSWER, client.query(query, &[&after, &limit])).await
    }

    async fn rows(&self, scan: Scan<'_>, scans: &Scans) -> Result<Vec<Row>, StoreError> {
        let client = &self.snapshot.reader()?.client;
        let from = match scan.after {
            Some(after) if after >= scan.prefix => [after, &[0]].concat(),
            _ => scan.prefix.to_vec(),
        };
        let limit = i64::try_from(scan.limit).unwrap_or(i64::MAX);
        match end_of(scan.prefix) {
            Some(end) => within(ANSWER, client.query(&scans.between, &[&from, &limit, &end])).await,
            None => within(ANSWER, client.query(&scans.from, &[&from, &limit])).await,
        }
    }
}

#[async_trait]
impl View for PostgresView {
    fn revision(&self) -> Revision {
        self.state.head
    }

    async fn get(&self, key: &[u8]) -> Result<Option<Versioned>, StoreError> {
        let reader = self.snapshot.reader()?;
        let row = within(ANSWER, reader.client.query_opt(&reader.get, &[&key])).await?;
        row.map(|row| versioned(&self.authenticator, key, row.get(0))).transpose()
    }

    async fn inspect(&self, scan: Scan<'_>) -> Result<Vec<Inspected>, StoreError> {
        let rows = self.rows(scan, &self.snapshot.reader()?.scan).await?;
        let mut scratch = Vec::new();
        let inspected = rows.iter().map(|row| {
            let (key, stored): (&[u8], &[u8]) = (row.get(0), row.get(1));
            let opened = self.authenticator.open_row(key, stored, &mut scratch)?;
            let value = opened.value.map(Bytes::copy_from_slice);
            Ok(Inspected { key: Bytes::copy_from_slice(key), revision: opened.revision, value })
        });
        inspected.collect()
    }

    async fn revisions(&self, scan: Scan<'_>) -> Result<Vec<(Bytes, Revision)>, StoreError> {
        let rows = self.rows(scan, &self.snapshot.reader()?.revisions).await?;
        let read = |row: &Row| (Bytes::copy_from_slice(row.get(0)), Authenticator::revision_of(row.get(1)));
        Ok(rows.iter().map(read).collect())
    }

    fn tally(&self) -> Tally {
        Tally::of(self.authenticator.clone(), self.state)
    }
}

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
        if self.revision == Revision::ZERO && self.sealed.is_empty() {
            return Ok(StoreState::default());
        }
        let state = StoreState::open(authenticator, &self.sealed)?;
        if state.head != self.revision {
            return Err(StoreError::Corrupt("its sealed state is not that of its head".into()));
        }
        Ok(state)
    }
}

/// Decodes a stored row; a damaged row is an error.
pub(crate) fn versioned(authenticator: &Authenticator, key: &[u8], row: &[u8]) -> Result<Versioned, StoreError> {
    let opened = authenticator.open_row(key, row, &mut Vec::new())?;
    match opened.value {
        Some(value) => Ok(Versioned { value: Bytes::copy_from_slice(value), revision: opened.revision }),
        None => Err(StoreError::Damaged { key: Bytes::copy_from_slice(key) }),
    }
}

/// A revision as the database has it.
pub(crate) fn number(revision: Revision) -> i64 {
    i64::try_from(revision.number()).unwrap_or(i64::MAX)
}

/// The first key after all keys with a prefix; none if there is no such key.
fn end_of(prefix: &[u8]) -> Option<Vec<u8>> {
    let last = prefix.iter().rposition(|byte| *byte != u8::MAX)?;
    let mut end = prefix.get(..=last)?.to_vec();
    *end.last_mut()? += 1;
    Some(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_prefix_follows_its_keys() {
        for (prefix, expected) in [
            (&b"a"[..], Some(&b"b"[..])),
            (b"a\xff", Some(b"b")),
            (b"a\xff\x01", Some(b"a\xff\x02")),
            (b"", None),
            (b"\xff\xff", None),
        ] {
            assert_eq!(end_of(prefix).as_deref(), expected, "{prefix:?}");
        }
    }
}
