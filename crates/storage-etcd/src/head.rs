//! The head: the newest revision, and the state of the store at it.

use std::collections::HashMap;

use bailiwick_storage::{Authenticator, Revision, StoreError, StoreState};
use bailiwick_storage_remote::open_state;
use bytes::Bytes;
use futures_util::future::try_join_all;
use prost::Message as _;

use crate::{
    api::{self, Compare, Head, KeyValue, RangeRequest, TxnRequest, changed_at, has_value},
    client::Client,
    error::Fault,
    layout::{LAYOUT, Layout},
    limits::OPERATIONS,
};

/// The epoch of a store that was not restored from a backup.
pub(crate) const FIRST_EPOCH: i64 = 1;

/// The head as it was read.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) epoch: i64,
    pub(crate) revision: Revision,
    /// The revision of the key space at which it was written; 0 if it is absent.
    pub(crate) changed_at: i64,
    sealed: Bytes,
    pub(crate) value: Bytes,
}

impl Seen {
    /// Reads the value of the key `head`; without it, nothing was ever committed.
    pub(crate) fn read(found: Option<KeyValue>) -> Result<Self, StoreError> {
        let (sealed, value) = (Bytes::new(), Bytes::new());
        let Some(KeyValue { mod_revision, value: found, .. }) = found else {
            return Ok(Seen { epoch: FIRST_EPOCH, revision: Revision::ZERO, changed_at: 0, sealed, value });
        };
        let damaged = || StoreError::Corrupt("its head is damaged".into());
        let head = Head::decode(found.clone()).map_err(|_| damaged())?;
        match head.layout {
            LAYOUT if head.revision > 0 => {}
            layout if layout > LAYOUT => return Err(StoreError::Newer { found: layout, known: LAYOUT }),
            _ => return Err(damaged()),
        }
        let Head { epoch, revision, state: sealed, .. } = head;
        Ok(Seen { epoch, revision: Revision::new(revision), changed_at: mod_revision, sealed, value: found })
    }

    /// As a transaction writes it, whose revision of the key space is not known yet.
    pub(crate) fn written(epoch: i64, state: &StoreState, sealed: Bytes) -> Self {
        let value = encode(epoch, state, sealed.clone());
        Seen { epoch, revision: state.head, changed_at: 0, sealed, value }
    }

    /// Opens the state of the store.
    pub(crate) fn state(&self, authenticator: &Authenticator) -> Result<StoreState, StoreError> {
        open_state(authenticator, self.revision, &self.sealed)
    }

    /// Whether the head is the same. The value is compared as well: another history of the cluster may have a key space of
    /// the same revision.
    pub(crate) fn compares(&self, layout: &Layout) -> Vec<Compare> {
        let mut compares = vec![changed_at(layout.head(), self.changed_at)];
        if self.changed_at != 0 {
            compares.push(has_value(layout.head(), self.value.clone()));
        }
        compares
    }

    /// Writes it again as it is, so that no transaction is applied any more that was prepared before.
    pub(crate) fn touch(&self, layout: &Layout) -> TxnRequest {
        let success = vec![api::put(layout.head(), self.value.clone())];
        TxnRequest { compare: self.compares(layout), success, failure: Vec::new() }
    }
}

/// Makes a value of the key `head`.
pub(crate) fn encode(epoch: i64, state: &StoreState, sealed: Bytes) -> Bytes {
    Head { layout: LAYOUT, epoch, revision: state.head.number(), state: sealed }.encode_to_vec().into()
}

/// Reads the head and some rows, all at one revision, through the quorum.
pub(crate) async fn with_rows(
    client: &Client,
    layout: &Layout,
    keys: &[Bytes],
) -> Result<(Option<KeyValue>, HashMap<Bytes, Bytes>), Fault> {
    let (first, rest) = keys.split_at(keys.len().min(OPERATIONS - 1));
    let row = |key: &Bytes, revision| api::range(RangeRequest { revision, ..api::get(layout.row(key)) });
    let success = std::iter::once(api::range(api::get(layout.head()))).chain(first.iter().map(|key| row(key, 0)));
    let answer = client.transact(&TxnRequest { success: success.collect(), ..TxnRequest::default() }).await?;
    let at = api::revision_of(&answer);
    let mut found = api::ranges(answer).map(|found| found.kvs.into_iter().next());
    let head = found.next().flatten();
    let mut rows: Vec<KeyValue> = found.flatten().collect();
    let more = rest.chunks(OPERATIONS).map(async |keys| {
        let success = keys.iter().map(|key| row(key, at)).collect();
        client.transact(&TxnRequest { success, ..TxnRequest::default() }).await
    });
    for answer in try_join_all(more).await? {
        rows.extend(api::ranges(answer).flat_map(|found| found.kvs));
    }
    Ok((head, rows.into_iter().map(|row| (layout.key_of(&row.key), row.value)).collect()))
}
