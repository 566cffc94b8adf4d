//! Watches the change log: what other servers commit is published as soon as a member has it.

use std::{convert::Infallible, time::Duration};

use bailiwick_storage::{OutageReason, Revision, StoreError};
use tokio::sync::Notify;

use crate::{
    Shared,
    api::{FilterType, KeyValue, WatchCreateRequest},
    groups, history,
};

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

async fn watch(shared: &Shared, missing: &Notify) -> Result<(), StoreError> {
    let layout = &shared.backend.layout;
    let (key, range_end) = (layout.log(Revision::ZERO), layout.log_end());
    let filters = vec![FilterType::Nodelete.into()];
    let create = WatchCreateRequest { key, range_end, filters, progress_notify: true, ..WatchCreateRequest::default() };
    let mut changes = shared.backend.client.watch(create).await?;
    history::check(shared).await?;
    while let Some(answer) = changes.next().await? {
        if answer.canceled {
            return Err(StoreError::unreachable(OutageReason::Interrupted, answer.cancel_reason));
        }
        let groups: Vec<KeyValue> = answer.events.into_iter().filter_map(|event| event.kv).collect();
        let (is_begun, position) = (groups.is_empty(), shared.generations.position());
        // What was committed before the watch began is missing, and what follows entries that are.
        let is_published = match groups::read(shared, position, groups).await? {
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
