//! Whether a cluster has the changes that were read before. One that was restored from a snapshot may have others with the same
//! revisions.

use std::sync::atomic::Ordering;

use bailiwick_storage::{OutageReason, Revision, StoreError};

use crate::{
    Shared,
    api::{self, RangeRequest, TxnRequest},
    groups,
    head::Seen,
};

/// Checks the history if a request had no answer since the last time: the cluster may have been restored meanwhile.
pub(crate) async fn check_after_faults(shared: &Shared) -> Result<(), StoreError> {
    let reader = &shared.backend;
    let faults = reader.client.faults();
    if reader.checked.load(Ordering::SeqCst) != faults {
        check(shared).await?;
        reader.checked.store(faults, Ordering::SeqCst);
    }
    Ok(())
}

/// Compares the newest change set that was read with that of the cluster, and ends the feed if it is another one. Entries that
/// are damaged are found when the change log is read.
pub(crate) async fn check(shared: &Shared) -> Result<(), StoreError> {
    let Some(last) = shared.generations.last() else { return Ok(()) };
    let (reader, before) = (&shared.backend, Revision::new(last.revision.number().saturating_sub(1)));
    // The group that has the change set, which may begin before it.
    let group = RangeRequest { limit: 1, ..groups::after(&reader.layout, before) };
    let success = vec![api::range(api::get(reader.layout.head())), api::range(group)];
    let answer = reader.client.transact(&TxnRequest { success, ..TxnRequest::default() }).await?;
    let mut found = api::ranges(answer);
    let head = Seen::read(found.next().and_then(|found| found.kvs.into_iter().next()))?;
    let sets = groups::read(shared, before, found.next().unwrap_or_default().kvs).await?;
    match sets.as_ref().map(|sets| sets.first()) {
        Ok(Some(found)) if **found != *last => {
            shared.generations.interrupt(OutageReason::OtherHistory);
            Err(StoreError::Unreachable(OutageReason::OtherHistory.into()))
        }
        Ok(None) if head.state(&shared.authenticator)?.oldest < last.revision => {
            Err(StoreError::Unreachable(OutageReason::Older.into()))
        }
        _ => Ok(()),
    }
}

/// Keeps the newest change set for [`check`], if the feed began after it, so that nothing has read it. `faults` is how many requests had
/// no answer before the cluster was last found to have this history.
pub(crate) async fn remember(shared: &Shared, faults: u64) -> Result<(), StoreError> {
    let (generations, reader) = (&shared.generations, &shared.backend);
    let position = generations.position();
    if position == Revision::ZERO || generations.last().is_some_and(|last| last.revision == position) {
        return Ok(());
    }
    let before = Revision::new(position.number().saturating_sub(1));
    let group = RangeRequest { limit: 1, ..groups::after(&reader.layout, before) };
    let found = reader.client.range(&group).await?;
    let sets = groups::read(shared, before, found.kvs).await?;
    // Otherwise it is read again, once the history has been checked.
    let is_same = reader.client.faults() == faults;
    if let Some(set) = sets.ok().filter(|_| is_same).and_then(|sets| sets.into_iter().next()) {
        generations.begun_after(set);
    }
    Ok(())
}
