//! Writes: one transaction for all waiting batches, which etcd applies only if the head is still the one that was read.

use std::{collections::HashMap, sync::Arc};

use async_trait::async_trait;
use bailiwick_storage::{OutageReason, StoreError};
use bailiwick_storage_remote::{Failure, Keys, Plan, Read, Target};
use bytes::Bytes;
use tokio::time::Instant;

use crate::{
    Shared,
    api::{self, TxnRequest, TxnResponse},
    claim::Claim,
    client::ANSWER,
    error::Fault,
    head::{self, Seen},
    history, limits,
    transaction::Commit,
};

/// The session of the writer.
pub(crate) struct Session {
    shared: Arc<Shared>,
    /// Whether the cluster accepted changes when it was last asked.
    is_connected: bool,
    /// The head that the next transaction replaces.
    seen: Option<Seen>,
    /// Whether it was read for this transaction, and all rows. Otherwise they are what the last transaction wrote, or assumed.
    is_read: bool,
    /// The keys that are taken for absent.
    assumed: Vec<Bytes>,
    /// The head that the last transaction wrote.
    written: Option<Seen>,
    /// Keeps other servers from a first start at the same time; until the first commit.
    claim: Option<Claim>,
}

impl Session {
    pub(crate) fn new(shared: Arc<Shared>, claim: Option<Claim>) -> Self {
        Session { shared, is_connected: false, seen: None, is_read: false, assumed: Vec::new(), written: None, claim }
    }

    /// Reads the head, and the rows of the keys that are not known at its revision.
    async fn read(&self, unknown: &[Bytes], keys: &Keys) -> Result<(Seen, HashMap<Bytes, Bytes>), StoreError> {
        let (client, layout) = (&self.shared.backend.client, &self.shared.backend.layout);
        let (head, rows) = head::with_rows(client, layout, unknown).await?;
        let seen = Seen::read(head)?;
        if keys.known.is_empty() || keys.at == Some(seen.revision) {
            return Ok((seen, rows));
        }
        let (head, rows) = head::with_rows(client, layout, &[unknown, &keys.known].concat()).await?;
        Ok((Seen::read(head)?, rows))
    }

    /// Finds out whether a transaction was applied whose answer was lost, and makes sure that it is not applied later: the
    /// head is written again, unless it has changed.
    async fn resolve(&self, commit: &Commit, plan: &Plan, seen: &Seen) -> Result<bool, StoreError> {
        let (client, layout) = (&self.shared.backend.client, &self.shared.backend.layout);
        let log = layout.log(plan.state.head);
        let end = Instant::now() + ANSWER;
        loop {
            let success = vec![api::range(api::get(layout.head())), api::range(api::get(log.clone()))];
            let answer = client.transact(&TxnRequest { success, ..TxnRequest::default() }).await?;
            let mut found = api::ranges(answer).map(|found| found.kvs.into_iter().next());
            let now = Seen::read(found.next().flatten())?;
            let group = found.next().flatten();
            if now.epoch != seen.epoch || now.revision < seen.revision {
                return Err(StoreError::Unreachable(OutageReason::OtherStore.into()));
            }
            if let Some(group) = group {
                return Ok(group.value == commit.group);
            }
            if now.changed_at != seen.changed_at {
                let is_pruned = now.state(&self.shared.authenticator)?.oldest >= plan.state.head;
                return if is_pruned {
                    Err(StoreError::Unreachable(OutageReason::MissingChanges.into()))
                } else {
                    Ok(false)
                };
            }
            // The first transaction of a store cannot be prevented in this way.
            if seen.changed_at == 0 || Instant::now() >= end {
                return Err(StoreError::unreachable(OutageReason::Unreachable, "the transaction may still be applied"));
            }
            // If this answer is lost as well, the next read shows what happened.
            let _ = client.write(&seen.touch(layout)).await;
        }
    }
}

#[async_trait]
impl Target for Session {
    /// Asks whether the cluster accepts changes, after a failure.
    async fn connect(&mut self) -> Result<(), StoreError> {
        if !self.is_connected {
            history::check(&self.shared).await?;
            let status = self.shared.backend.client.status().await?;
            if let Some(alarm) = status.errors.iter().find(|error| error.contains("NOSPACE")) {
                return Err(StoreError::unreachable(OutageReason::DatabaseFull, alarm.trim()));
            }
            self.is_connected = true;
        }
        Ok(())
    }

    async fn begin(&mut self, keys: &Keys) -> Result<Read, StoreError> {
        let newest = self.shared.generations.position();
        // Each row that is written has one of these keys.
        let most = limits::assumed(keys.known.len() + keys.unknown.len() + keys.absent.len());
        let (assumed, rest) = keys.absent.split_at(keys.absent.len().min(most));
        let unknown = [&keys.unknown[..], rest].concat();
        // Another server may have written since the rows were found to be known.
        let is_newest = |seen: &Seen| keys.at == Some(seen.revision) && seen.revision >= newest;
        let written = self.written.take().filter(|seen| unknown.is_empty() && is_newest(seen));
        self.is_read = written.is_none() && assumed.is_empty();
        self.assumed = assumed.to_vec();
        let (seen, rows) = match written {
            Some(seen) => (seen, HashMap::new()),
            None => self.read(&unknown, keys).await?,
        };
        history::check_after_faults(&self.shared).await?;
        if seen.epoch != self.shared.epoch {
            return Err(StoreError::Unreachable(OutageReason::OtherStore.into()));
        }
        if seen.revision < newest {
            return Err(StoreError::Unreachable(OutageReason::Older.into()));
        }
        if seen.changed_at == 0 && self.claim.is_none() {
            return Err(StoreError::unreachable(OutageReason::Contended, "another server starts the store"));
        }
        let state = seen.state(&self.shared.authenticator)?;
        // The history was the same after the head was read, so the revision says enough.
        let is_known = keys.at == Some(seen.revision);
        self.seen = Some(seen);
        Ok(Read { rows, state, is_known })
    }

    /// Writes the plan, and finds out whether it was applied if the answer is lost.
    async fn finish(&mut self, plan: &Plan) -> Result<(), Failure> {
        let lost = || Failure::Before(StoreError::unreachable(OutageReason::Failed, "the head was not read"));
        let seen = self.seen.take().ok_or_else(lost)?;
        if plan.is_empty() {
            // It may have been checked on what is different now.
            return if self.is_read { Ok(()) } else { Err(Failure::Again) };
        }
        let reader = &self.shared.backend;
        let mut commit = Commit::of(plan, &seen, &self.assumed, &self.shared).map_err(Failure::Before)?;
        if !commit.prepare(&reader.client).await.map_err(|fault| Failure::Before(fault.into()))? {
            return Err(Failure::Again);
        }
        if let Some(claim) = self.claim.as_ref().filter(|_| seen.changed_at == 0) {
            commit = commit.ending(claim.holds());
        }
        let is_written = match reader.client.write(&commit.request).await {
            Ok(answer) if answer.succeeded => {
                commit.head.changed_at = api::revision_of(&answer);
                self.written = Some(commit.head.clone());
                true
            }
            Ok(answer) => has_group(answer, &commit.group),
            Err(fault @ Fault::Unreachable(_)) => {
                tracing::warn!(error = %fault, "the answer to a commit was lost");
                match self.resolve(&commit, plan, &seen).await {
                    Ok(true) => true,
                    Ok(false) => return Err(Failure::Before(fault.into())),
                    Err(_) => return Err(Failure::Unknown(fault.into())),
                }
            }
            Err(refused) => return Err(Failure::Before(refused.into())),
        };
        // Other servers may start now. If nothing was written at a first start, another server has taken it over.
        self.claim = None;
        if is_written { Ok(()) } else { Err(Failure::Again) }
    }

    fn disconnect(&mut self) {
        self.written = None;
        self.is_connected = false;
    }
}

/// Whether a transaction was not applied because it has been applied before.
fn has_group(answer: TxnResponse, group: &Bytes) -> bool {
    api::ranges(answer).flat_map(|found| found.kvs).any(|found| found.value == *group)
}
