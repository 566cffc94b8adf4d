//! Transactions within the limits of etcd.

use bailiwick_storage::{Revision, StoreError};
use bailiwick_storage_remote::Plan;
use bytes::Bytes;
use prost::Message as _;

use crate::{
    Shared,
    api::{self, Entry, Group, RequestOp, TxnRequest, changed_at},
    client::Client,
    error::Fault,
    head::Seen,
    layout::Layout,
    limits::{self, BYTES, FLAT},
};

/// A transaction that commits a plan.
pub(crate) struct Commit {
    pub(crate) request: TxnRequest,
    /// The head that it writes.
    pub(crate) head: Seen,
    /// What it adds to the change log, which no other transaction does.
    pub(crate) group: Bytes,
    /// The key and value of the change sets, if they are written before since they are too large.
    part: Option<(Bytes, Bytes)>,
}

impl Commit {
    /// Replaces the head, which must still be as it was seen. The rows with some keys must be absent.
    pub(crate) fn of(plan: &Plan, seen: &Seen, absent: &[Bytes], shared: &Shared) -> Result<Self, StoreError> {
        let layout = &shared.backend.layout;
        let state = Bytes::from(plan.sealed.clone());
        let entry = |(revision, entry): &(Revision, Vec<u8>)| {
            let (revision, entry) = (revision.number(), entry.clone().into());
            Entry { revision, entry }
        };
        let whole = Group { entries: plan.log.iter().map(entry).collect(), state: state.clone(), part: Bytes::new() };
        let (mut group, mut part) = (Bytes::from(whole.encode_to_vec()), None);
        if plan.size() + group.len() > BYTES {
            let name = Layout::part_name(plan.state.head, shared.server);
            part = Some((layout.part(&name), group));
            group = Group { entries: Vec::new(), state: state.clone(), part: name }.encode_to_vec().into();
        }
        let log = layout.log(plan.state.head);
        let head = Seen::written(seen.epoch, &plan.state, state);
        let mut success = vec![api::put(layout.head(), head.value.clone()), api::put(log.clone(), group.clone())];
        if let Some(oldest) = plan.prune {
            let end = oldest.next();
            success.push(api::delete_range(layout.log(Revision::ZERO), layout.log(end)));
            success.push(api::delete_range(layout.part(&[]), layout.part(&end.number().to_be_bytes())));
        }
        let rows = plan.rows.iter().map(|(key, stored)| match stored {
            Some(stored) => api::put(layout.row(key), stored.clone()),
            None => api::delete(layout.row(key)),
        });
        let mut compare = seen.compares(layout);
        compare.extend(absent.iter().map(|key| changed_at(layout.row(key), 0)));
        success.extend(nest(rows.collect(), limits::nested(compare.len())));
        // The same request may arrive twice.
        let failure = vec![api::range(api::get(log))];
        let request = TxnRequest { compare, success, failure };
        Ok(Commit { request, head, group, part })
    }

    /// Writes the change sets before, if they are too large. Until the transaction is applied, they count as absent. Returns
    /// whether the head is still as it was seen.
    pub(crate) async fn prepare(&mut self, client: &Client) -> Result<bool, Fault> {
        let Some((key, value)) = self.part.take() else { return Ok(true) };
        let (compare, success) = (self.request.compare.clone(), vec![api::put(key.clone(), value)]);
        let answer = client.write(&TxnRequest { compare, success, failure: Vec::new() }).await?;
        // An older request for the same key may still arrive.
        self.request.compare.push(changed_at(key, api::revision_of(&answer)));
        Ok(answer.succeeded)
    }

    /// Also requires that a first start is still this server's, and ends it.
    pub(crate) fn ending(mut self, claim: api::Compare) -> Self {
        self.request.success.push(api::delete(claim.key.clone()));
        self.request.compare.push(claim);
        self
    }
}

/// Puts operations into nested lists of a size, if they are too many for one.
fn nest(operations: Vec<RequestOp>, size: usize) -> Vec<RequestOp> {
    if operations.len() <= FLAT {
        return operations;
    }
    let list = |part: &[RequestOp]| api::nested(TxnRequest { success: part.to_vec(), ..TxnRequest::default() });
    operations.chunks(size).map(list).collect()
}
