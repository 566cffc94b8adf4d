//! Watches the change log: what other servers commit is published as soon as a member has it.

use std::{convert::Infallible, time::Duration};

use bailiwick_storage::{OutageReason, Revision, StoreError};
use futures_util::FutureExt as _;
use tokio::{sync::Notify, time::Instant};

use crate::{
    Shared,
    api::{FilterType, KeyValue, WatchCreateRequest},
    groups, history,
};

/// The pause between two publications: what comes meanwhile is published together, so that a server which writes much does not wake
/// each of the others for each of its transactions.
const TOGETHER: Duration = Duration::from_millis(10);

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
    let mut next = Instant::now();
    while let Some(answer) = changes.next().await? {
        tokio::time::sleep_until(next).await;
        let (mut groups, mut waiting) = (Vec::<KeyValue>::new(), Some(answer));
        while let Some(answer) = waiting {
            if answer.canceled {
                return Err(StoreError::unreachable(OutageReason::Interrupted, answer.cancel_reason));
            }
            groups.extend(answer.events.into_iter().filter_map(|event| event.kv));
            // At the end of the stream, the next turn ends as well.
            waiting = changes.next().now_or_never().transpose()?.flatten();
        }
        next = Instant::now() + TOGETHER;
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
