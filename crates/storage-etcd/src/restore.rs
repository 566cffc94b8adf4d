//! Fills an unused store with the rows of a copy. The head is written last, so a store that is not complete stays unused.

use bailiwick_storage::{
    Authenticator, ChangeSet, Revision, StoreError, StoreState, StoredRow, encode_log_entry, keys,
};
use bytes::Bytes;
use prost::Message as _;

use crate::{
    OpenError, Reader,
    api::{self, Entry, Group, RequestOp, TxnRequest, changed_at},
    claim::Claim,
    head,
};

/// The numbers of rows and bytes that one transaction writes.
const ROWS: usize = 100;
const BYTES: usize = 1 << 20;

const TAKEN_OVER: &str = "another server started the store meanwhile";

/// Writes to a store that no other server starts.
struct Filling<'f> {
    reader: &'f Reader,
    claim: &'f Claim,
    operations: Vec<RequestOp>,
    bytes: usize,
}

impl<'f> Filling<'f> {
    /// Removes what an attempt before left. The request may arrive again later, and must not remove the rows that follow it: it
    /// is applied only if the key `fill` is still as it was before.
    async fn begin(reader: &'f Reader, claim: &'f Claim) -> Result<Self, OpenError> {
        let (client, layout) = (&reader.client, &reader.layout);
        let before = client.range(&api::get(layout.fill())).await?;
        let before = before.kvs.first().map_or(0, |before| before.mod_revision);
        let compare = vec![claim.holds(), changed_at(layout.head(), 0), changed_at(layout.fill(), before)];
        let success = vec![
            api::delete_range(layout.row(&[]), layout.rows_end()),
            api::delete_range(layout.log(Revision::ZERO), layout.log_end()),
            api::delete_range(layout.part(&[]), layout.part_end()),
            api::put(layout.fill(), claim.value().clone()),
        ];
        let failure = vec![api::range(api::get(layout.fill()))];
        let answer = client.transact(&TxnRequest { compare, success, failure }).await?;
        let is_begun = answer.succeeded;
        // Or the request was applied before, and its answer lost.
        if !is_begun && !api::ranges(answer).flat_map(|found| found.kvs).any(|found| found.value == *claim.value()) {
            return Err(OpenError::Corrupt(TAKEN_OVER.into()));
        }
        Ok(Filling { reader, claim, operations: Vec::new(), bytes: 0 })
    }

    /// Writes what has been collected. Rows may be written twice, with the same result.
    async fn flush(&mut self) -> Result<(), OpenError> {
        let compare = vec![self.claim.holds(), changed_at(self.reader.layout.head(), 0)];
        let success = std::mem::take(&mut self.operations);
        self.bytes = 0;
        let answer = self.reader.client.transact(&TxnRequest { compare, success, failure: Vec::new() }).await?;
        if !answer.succeeded {
            return Err(OpenError::Corrupt(TAKEN_OVER.into()));
        }
        Ok(())
    }

    async fn put(&mut self, row: StoredRow) -> Result<(), OpenError> {
        let size = row.key.len() + row.stored.len();
        if self.operations.len() >= ROWS || self.bytes + size > BYTES {
            self.flush().await?;
        }
        self.bytes += size;
        self.operations.push(api::put(self.reader.layout.row(&row.key), row.stored));
        Ok(())
    }
}

pub(crate) async fn fill(
    reader: &Reader,
    claim: &Claim,
    authenticator: &Authenticator,
    expected: &StoreState,
    epoch: i64,
    rows: impl Iterator<Item = Result<StoredRow, StoreError>>,
) -> Result<(), OpenError> {
    let layout = &reader.layout;
    let mut filling = Filling::begin(reader, claim).await?;
    let (mut state, mut scratch) = (StoreState::default(), Vec::new());
    for row in rows {
        let row = row?;
        let opened = authenticator.open_row(&row.key, &row.stored, &mut scratch)?;
        if opened.value.is_none() {
            return Err(OpenError::Corrupt(format!("{} is not what was written", keys::describe(&row.key))));
        }
        state.change(authenticator, &row.key, None, Some(opened.revision));
        filling.put(row).await?;
    }
    state.refuse_other_rows(expected)?;
    filling.flush().await?;
    let state = StoreState { head: expected.head, ..state }.after_gap();
    let set = ChangeSet { revision: state.head, changes: Vec::new() };
    let mut entry = Vec::new();
    encode_log_entry(authenticator, &mut entry, &set, &[], &mut scratch)?;
    let sealed = Bytes::from(state.seal(authenticator)?);
    let entries = vec![Entry { revision: state.head.number(), entry: entry.into() }];
    let group = Bytes::from(Group { entries, state: sealed.clone(), part: Bytes::new() }.encode_to_vec());
    // Servers that used the store before stop when they see another epoch.
    let head = head::encode(epoch, &state, sealed);
    let (log, new_head) = (api::put(layout.log(state.head), group), api::put(layout.head(), head.clone()));
    filling.operations = vec![log, new_head, api::delete(layout.fill())];
    match filling.flush().await {
        Ok(()) => Ok(()),
        Err(error) => {
            // The answer may have been lost.
            let found = reader.client.range(&api::get(layout.head())).await?;
            if found.kvs.first().is_some_and(|found| found.value == head) { Ok(()) } else { Err(error) }
        }
    }
}
