//! Views: reads of the key space at one revision, of which etcd keeps old versions for some time.

use std::sync::{Arc, atomic::AtomicU64};

use async_trait::async_trait;
use bailiwick_storage::{
    Authenticator, ChangeSet, Inspected, OutageReason, Revision, Scan, StoreError, StoreState, Tally, Versioned, View,
};
use bailiwick_storage_remote::{Backend, end_of, start_of, versioned};
use bytes::Bytes;

use crate::{
    Shared,
    api::{self, KeyValue, RangeRequest, RangeResponse, TxnRequest},
    client::Client,
    error::Fault,
    groups,
    head::Seen,
    history,
    layout::Layout,
    look_ups::{LookUps, Point},
    presence::Presence,
};

/// The numbers of rows that are read at once: first, and at most.
const ROWS: (usize, usize) = (256, 4096);
/// About how many bytes of rows are read at once.
const PAGE: usize = 4 << 20;

/// Reads a store.
#[derive(Clone, Debug)]
pub struct Reader {
    pub(crate) client: Arc<Client>,
    pub(crate) layout: Layout,
    pub(crate) presence: Arc<Presence>,
    pub(crate) look_ups: Arc<LookUps>,
    /// How many requests had no answer when the history was last checked.
    pub(crate) checked: Arc<AtomicU64>,
}

/// The store at one revision.
#[derive(Debug)]
pub struct EtcdView {
    reader: Reader,
    point: Point,
    authenticator: Authenticator,
    state: StoreState,
}

#[async_trait]
impl Backend for Reader {
    type View = EtcdView;

    async fn begin(shared: &Shared) -> Result<EtcdView, StoreError> {
        // Read before the head, which is at least that.
        let known = shared.generations.position();
        let reader = shared.backend.clone();
        let answer = reader.client.range(&api::get(reader.layout.head())).await?;
        history::check_after_faults(shared).await?;
        let at = api::revision_of(&answer);
        let head = answer.kvs.into_iter().next();
        let seen = Seen::read(head.clone())?;
        if seen.epoch != shared.epoch {
            return Err(StoreError::Unreachable(OutageReason::OtherStore.into()));
        }
        if seen.revision < known {
            return Err(StoreError::Unreachable(OutageReason::Older.into()));
        }
        let state = seen.state(&shared.authenticator)?;
        Ok(EtcdView { reader, point: Point { at, head }, authenticator: shared.authenticator.clone(), state })
    }

    async fn log(
        shared: &Shared,
        view: &EtcdView,
        after: Revision,
        _limit: usize,
    ) -> Result<Vec<Arc<ChangeSet>>, StoreError> {
        if after < view.state.oldest {
            return Err(StoreError::Compacted { oldest: view.state.oldest });
        }
        let groups = view.range(groups::after(&view.reader.layout, after)).await?;
        groups::read(shared, after, groups.kvs).await?
    }

    async fn leave(&self) {
        self.presence.leave().await;
    }
}

impl EtcdView {
    /// Reads what there was at the revision. Any member that has reached it may answer. The head is read with it: a cluster that
    /// was restored from a snapshot meanwhile may have other changes with the same revisions.
    async fn range(&self, request: RangeRequest) -> Result<RangeResponse, StoreError> {
        let client = &self.reader.client;
        let read = |serializable| {
            let at = |request| api::range(RangeRequest { revision: self.point.at, serializable, ..request });
            let success = vec![at(api::get(self.reader.layout.head())), at(request.clone())];
            TxnRequest { success, ..TxnRequest::default() }
        };
        let mut answer = client.transact(&read(true)).await;
        if matches!(answer, Err(Fault::Future)) {
            answer = client.transact(&read(false)).await;
        }
        let mut found = api::ranges(answer?);
        let head = found.next().and_then(|found| found.kvs.into_iter().next());
        if head != self.point.head {
            return Err(StoreError::Unreachable(OutageReason::OtherHistory.into()));
        }
        Ok(found.next().unwrap_or_default())
    }

    async fn rows(&self, scan: Scan<'_>) -> Result<Vec<KeyValue>, StoreError> {
        let layout = &self.reader.layout;
        let mut key = layout.row(&start_of(&scan));
        let range_end = end_of(scan.prefix).map_or_else(|| layout.rows_end(), |end| layout.row(&end));
        let (mut rows, mut page) = (Vec::new(), ROWS.0);
        while rows.len() < scan.limit {
            let limit = page.min(scan.limit - rows.len());
            let (range_end, limit) = (range_end.clone(), i64::try_from(limit).unwrap_or(i64::MAX));
            let found = self.range(RangeRequest { key, range_end, limit, ..RangeRequest::default() }).await?;
            let bytes: usize = found.kvs.iter().map(|row| row.key.len() + row.value.len()).sum();
            page = (PAGE / (bytes / found.kvs.len().max(1)).max(1)).clamp(1, ROWS.1);
            rows.extend(found.kvs);
            match rows.last() {
                Some(last) if found.more => key = [&last.key[..], &[0]].concat().into(),
                _ => break,
            }
        }
        Ok(rows)
    }
}

#[async_trait]
impl View for EtcdView {
    fn revision(&self) -> Revision {
        self.state.head
    }

    async fn get(&self, key: &[u8]) -> Result<Option<Versioned>, StoreError> {
        let Reader { client, layout, look_ups, .. } = &self.reader;
        let found = look_ups.get(client, layout, &self.point, layout.row(key)).await?;
        found.map(|row| versioned(&self.authenticator, key, &row.value)).transpose()
    }

    async fn inspect(&self, scan: Scan<'_>) -> Result<Vec<Inspected>, StoreError> {
        let mut scratch = Vec::new();
        let inspected = self.rows(scan).await?.into_iter().map(|row| {
            let key = self.reader.layout.key_of(&row.key);
            let opened = self.authenticator.open_row(&key, &row.value, &mut scratch)?;
            let value = opened.value.map(Bytes::copy_from_slice);
            Ok(Inspected { key, revision: opened.revision, value })
        });
        inspected.collect()
    }

    async fn revisions(&self, scan: Scan<'_>) -> Result<Vec<(Bytes, Revision)>, StoreError> {
        let read = |row: KeyValue| (self.reader.layout.key_of(&row.key), Authenticator::revision_of(&row.value));
        Ok(self.rows(scan).await?.into_iter().map(read).collect())
    }

    fn tally(&self) -> Tally {
        Tally::of(self.authenticator.clone(), self.state)
    }
}
