//! Watches the change log: what other servers commit is published as soon as a member has it.

use std::{convert::Infallible, sync::Arc, time::Duration};

use bailiwick_storage::{ChangeSet, Revision, StoreError};
use bailiwick_storage_remote::decode;
use prost::Message as _;
use tokio::sync::Notify;

use crate::{
    Shared,
    api::{self, FilterType, Group, KeyValue, WatchCreateRequest},
    error::Fault,
};

/// Reads groups of change sets, which follow each other; those up to a revision are left out. What is missing or damaged is an
/// inner error.
pub(crate) async fn read(
    shared: &Shared,
    after: Revision,
    groups: Vec<KeyValue>,
) -> Result<Result<Vec<Arc<ChangeSet>>, StoreError>, Fault> {
    let damaged = |_| StoreError::Corrupt("a group of the change log is damaged".into());
    let mut entries = Vec::new();
    for KeyValue { value, .. } in groups {
        match Group::decode(value) {
            Ok(group) if group.part.is_empty() => entries.extend(group.entries),
            Ok(group) => {
                let reader = &shared.backend;
                let found = reader.client.range(&api::get(reader.layout.part(&group.part))).await?;
                for part in found.kvs {
                    match Group::decode(part.value) {
                        Ok(group) => entries.extend(group.entries),
                        Err(error) => return Ok(Err(damaged(error))),
                    }
                }
            }
            Err(error) => return Ok(Err(damaged(error))),
        }
    }
    let new = entries.iter().filter(|entry| entry.revision > after.number());
    Ok(decode(&shared.authenticator, after, new.map(|entry| (entry.revision, &entry.entry[..]))))
}

/// Publishes what is committed. Wakes the follower when something is missing that only it can read. A watch that fails is begun
/// again after a pause.
pub(crate) async fn publish(shared: &Shared, missing: &Notify, pause: Duration) -> Infallible {
    loop {
        if let Err(error) = watch(shared, missing).await {
            tracing::debug!(%error, "the watch of the change log ended; it is begun again");
        }
        tokio::time::sleep(pause).await;
    }
}

async fn watch(shared: &Shared, missing: &Notify) -> Result<(), Fault> {
    let layout = &shared.backend.layout;
    let (key, range_end) = (layout.log(Revision::ZERO), layout.log_end());
    let filters = vec![FilterType::Nodelete.into()];
    let create = WatchCreateRequest { key, range_end, filters, progress_notify: true, ..WatchCreateRequest::default() };
    let mut stream = shared.backend.client.watch(create).await?;
    while let Some(answer) = stream.message().await? {
        if answer.canceled {
            return Err(Fault::Unreachable(answer.cancel_reason));
        }
        let groups: Vec<KeyValue> = answer.events.into_iter().filter_map(|event| event.kv).collect();
        let (is_begun, position) = (groups.is_empty(), shared.generations.position());
        // What was committed before the watch began is missing, and what follows entries that are.
        let is_published = match read(shared, position, groups).await? {
            Ok(sets) if sets.is_empty() => !is_begun,
            Ok(sets) => shared.generations.publish(&sets),
            Err(_) => false,
        };
        if !is_published {
            missing.notify_one();
        }
    }
    Ok(())
}
