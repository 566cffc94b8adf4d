//! Views: a transaction that shows one revision, open as long as the view is in use.

use std::sync::Arc;

use async_trait::async_trait;
use bailiwick_storage::{
    Authenticator, ChangeSet, Inspected, OutageReason, Revision, Scan, StoreError, StoreState, Tally, Versioned, View,
};
use bailiwick_storage_remote::{Backend, decode, end_of, start_of, versioned};
use bytes::Bytes;
use tokio_postgres::Row;

use crate::{
    Shared,
    connection::{ANSWER, within},
    head::{Head, entry, number},
    history,
    readers::{Readers, Scans, Snapshot},
};

/// The store at one revision.
#[derive(Debug)]
pub struct PostgresView {
    snapshot: Snapshot,
    authenticator: Authenticator,
    state: StoreState,
}

#[async_trait]
impl Backend for Readers {
    type View = PostgresView;

    async fn begin(shared: &Shared) -> Result<PostgresView, StoreError> {
        // Read before the transaction begins, which shows at least that.
        let (known, last) = (shared.generations.position(), shared.generations.last());
        let (snapshot, row) = shared.backend.begin().await?;
        let head = Head::read(&row)?;
        let state = head.state(&shared.authenticator)?;
        if head.epoch != shared.epoch {
            return Err(StoreError::Unreachable(OutageReason::OtherStore.into()));
        }
        if state.head < known {
            // Other connections may be to the same database, which was replaced.
            shared.backend.forget();
            return Err(StoreError::Unreachable(OutageReason::Older.into()));
        }
        history::check_new(shared, snapshot.reader()?, last.as_deref()).await?;
        Ok(PostgresView { snapshot, authenticator: shared.authenticator.clone(), state })
    }

    async fn log(
        shared: &Shared,
        view: &PostgresView,
        after: Revision,
        limit: usize,
    ) -> Result<Vec<Arc<ChangeSet>>, StoreError> {
        if after < view.state.oldest {
            return Err(StoreError::Compacted { oldest: view.state.oldest });
        }
        let client = &view.snapshot.reader()?.client;
        let (number, limit) = (number(after), i64::try_from(limit).unwrap_or(i64::MAX));
        let query = "SELECT revision, entry FROM bailiwick_log WHERE revision > $1 ORDER BY revision LIMIT $2";
        let rows = within(ANSWER, client.query(query, &[&number, &limit])).await?;
        decode(&shared.authenticator, after, rows.iter().map(entry))
    }

    async fn leave(&self) {
        Readers::leave(self).await;
    }
}

impl PostgresView {
    async fn rows(&self, scan: Scan<'_>, scans: &Scans) -> Result<Vec<Row>, StoreError> {
        let client = &self.snapshot.reader()?.client;
        let from = start_of(&scan);
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
