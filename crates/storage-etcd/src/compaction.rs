//! Removes old versions of keys, which etcd keeps until it is asked to remove them. Each server does; once is enough.

use std::{
    collections::VecDeque,
    convert::Infallible,
    sync::atomic::{AtomicI64, Ordering},
    time::Duration,
};

use tokio::time::Instant;

use crate::{client::Client, error::Fault};

/// How many times old versions are removed in the time for which they are kept.
const STEPS: u32 = 10;

/// Removes what was replaced longer ago than `history`; `newest` is the revision of the key space, 0 at first.
pub(crate) async fn run(client: &Client, newest: &AtomicI64, history: Duration) -> Infallible {
    let (mut marks, mut is_reported) = (VecDeque::new(), false);
    loop {
        tokio::time::sleep(history / STEPS).await;
        marks.push_back((Instant::now(), newest.load(Ordering::Relaxed)));
        let mut old = None;
        while let Some((_, revision)) = marks.pop_front_if(|(at, _)| at.elapsed() >= history) {
            old = Some(revision);
        }
        let Some(revision) = old.filter(|revision| *revision > 0) else { continue };
        match client.compact(revision).await {
            // Another server was first.
            Ok(_) | Err(Fault::Compacted) => is_reported = false,
            Err(error) if !is_reported => {
                is_reported = true;
                tracing::warn!(%error, "old versions of keys in etcd cannot be removed; its database grows");
            }
            Err(_) => {}
        }
    }
}
