//! Whether a database has the changes that were read before. After a failover without synchronous standbys, it may have others
//! with the same revisions.

use std::sync::{Arc, atomic::Ordering};

use bailiwick_storage::{ChangeSet, OutageReason, Revision, StoreError, decode_log_entry};
use tokio_postgres::Client;

use crate::{
    Shared,
    connection::{ANSWER, within},
    head::{Head, number},
    readers::Reader,
};

/// Compares the newest change set that was read with that of the database, and ends the feed if it is another one. Entries
/// that are damaged or were pruned are found when the change log is read.
pub(crate) async fn check(shared: &Shared, client: &Client) -> Result<(), StoreError> {
    match shared.generations.last() {
        Some(last) => compare(shared, client, &last).await,
        None => Ok(()),
    }
}

/// As [`check`], once for each connection that views use. `last` is the newest change set that was read before the transaction of
/// the view began, which shows nothing that came later.
pub(crate) async fn check_new(shared: &Shared, reader: &Reader, last: Option<&ChangeSet>) -> Result<(), StoreError> {
    if let Some(last) = last.filter(|_| !reader.is_checked.load(Ordering::Relaxed)) {
        compare(shared, &reader.client, last).await?;
        reader.is_checked.store(true, Ordering::Relaxed);
    }
    Ok(())
}

async fn compare(shared: &Shared, client: &Client, last: &ChangeSet) -> Result<(), StoreError> {
    let found = entry_of(client, last.revision).await?;
    if found.is_none() {
        let head = within(ANSWER, client.query_one("SELECT epoch, revision, state FROM bailiwick_head", &[])).await?;
        if Head::read(&head)?.state(&shared.authenticator)?.oldest < last.revision {
            return Err(StoreError::Unreachable(OutageReason::Older.into()));
        }
    }
    let is_other = |entry: &[u8]| {
        decode_log_entry(&shared.authenticator, last.revision, entry).is_ok_and(|(found, _)| found != *last)
    };
    if found.is_some_and(|entry| is_other(&entry)) {
        shared.generations.interrupt(OutageReason::OtherHistory);
        return Err(StoreError::Unreachable(OutageReason::OtherHistory.into()));
    }
    Ok(())
}

/// Whether the database, whose newest entry of the change log this is, has exactly the changes that were read up to a revision: those
/// of a server which was read before, and was not the one that is written to, may be others of the same revision.
///
/// # Errors
/// [`StoreError::Unreachable`] if they are others; ends the feed.
pub(crate) fn is_read_up_to(
    shared: &Shared,
    revision: Revision,
    newest: Option<(Revision, &[u8])>,
) -> Result<bool, StoreError> {
    let last = shared.generations.last().filter(|last| last.revision == revision);
    let (Some(last), Some((_, entry))) = (last, newest.filter(|(found, _)| *found == revision)) else {
        return Ok(false);
    };
    match decode_log_entry(&shared.authenticator, revision, entry) {
        Ok((found, _)) if found == *last => Ok(true),
        Ok(_) => {
            shared.generations.interrupt(OutageReason::OtherHistory);
            Err(StoreError::Unreachable(OutageReason::OtherHistory.into()))
        }
        // It is found when the change log is read.
        Err(_) => Ok(false),
    }
}

/// Keeps the newest change set for [`check`], if the feed began after it, so that nothing has read it. `client` is of a database with
/// this history.
pub(crate) async fn remember(shared: &Shared, client: &Client) -> Result<(), StoreError> {
    let generations = &shared.generations;
    let position = generations.position();
    if position == Revision::ZERO || generations.last().is_some_and(|last| last.revision == position) {
        return Ok(());
    }
    let found = entry_of(client, position).await?;
    let decode = |entry: Vec<u8>| decode_log_entry(&shared.authenticator, position, &entry).ok();
    if let Some((set, _)) = found.and_then(decode) {
        generations.begun_after(Arc::new(set));
    }
    Ok(())
}

async fn entry_of(client: &Client, revision: Revision) -> Result<Option<Vec<u8>>, StoreError> {
    let query = "SELECT entry FROM bailiwick_log WHERE revision = $1";
    let found = within(ANSWER, client.query_opt(query, &[&number(revision)])).await?;
    Ok(found.map(|row| row.get(0)))
}
