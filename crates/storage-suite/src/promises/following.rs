//! The change log.

use std::collections::BTreeMap;
use std::time::Duration;

use bailiwick_storage::{Revision, StoreError};
use bytes::Bytes;

use crate::{
    Backend,
    promises::LOG,
    tools::{batch, contents, view},
};

/// A follower that replays the log has the contents of the store at every revision.
pub(in crate::promises) async fn watching_misses_nothing(backend: &dyn Backend) {
    let store = backend.fresh(LOG).await;
    batch().put("before", "1").ok(&store).await;
    let mut log = store.watch(Revision::ZERO).await.expect("watch");
    let writers: Vec<_> = (0..4)
        .map(|task| {
            let store = store.clone();
            tokio::spawn(async move {
                for n in 0..40 {
                    let mut change = batch().put(&format!("k/{task}/{}", n % 7), &n.to_string()).add("n", 1, None);
                    if n % 5 == 4 {
                        change = change.delete(&format!("k/{task}/{}", (n - 1) % 7));
                    }
                    change.ok(&store).await;
                }
            })
        })
        .collect();
    let mut replica: BTreeMap<Bytes, (Bytes, Revision)> = BTreeMap::new();
    let mut last = Revision::ZERO;
    while last.number() < 161 {
        let set = tokio::time::timeout(Duration::from_secs(60), log.next()).await.expect("in time").expect("a set");
        assert_eq!(set.revision, last.next(), "no gap, no repetition");
        last = set.revision;
        for change in &set.changes {
            match &change.value {
                Some(value) => drop(replica.insert(change.key.clone(), (value.clone(), set.revision))),
                None => drop(replica.remove(&change.key)),
            }
        }
    }
    for writer in writers {
        writer.await.expect("a task");
    }
    assert_eq!(replica, contents(&view(&store).await).await);
}

/// A follower can start at any revision and receives all later change sets, including those that are no longer in
/// memory.
pub(in crate::promises) async fn watching_starts_at_any_revision(backend: &dyn Backend) {
    let store = backend.fresh(LOG).await;
    for n in 0..60 {
        batch().put(&format!("k/{n}"), &n.to_string()).ok(&store).await;
    }
    for after in [0, 1, 30, 58, 59] {
        let mut log = store.watch(Revision::new(after)).await.expect("watch");
        for n in after..60 {
            let set = log.next().await.expect("a set");
            assert_eq!(set.revision, Revision::new(n + 1));
            assert_eq!(set.changes.len(), 1);
            assert_eq!(set.changes[0].value.as_deref(), Some(n.to_string().as_bytes()));
        }
    }
    let mut log = store.watch(Revision::new(60)).await.expect("watch");
    let nothing = tokio::time::timeout(Duration::from_millis(20), log.next()).await;
    assert!(nothing.is_err(), "there is nothing yet");
    let revision = batch().delete("k/0").ok(&store).await;
    assert_eq!(log.next().await.expect("a set").revision, revision, "waiting in vain lost nothing");
}

/// A follower that asks for pruned change sets gets an error, never a gap.
pub(in crate::promises) async fn a_pruned_log_is_reported(backend: &dyn Backend) {
    let store = backend.fresh(16).await;
    let mut from_the_start = store.watch(Revision::ZERO).await.expect("watch");
    let mut last = Revision::ZERO;
    for n in 0..700 {
        last = batch().put("k", &n.to_string()).ok(&store).await;
    }
    let oldest = match store.watch(Revision::ZERO).await.map(drop) {
        Err(StoreError::Compacted { oldest }) => oldest,
        other => panic!("{other:?}"),
    };
    assert!(last.number() - oldest.number() >= 16, "the log keeps what it promised");
    let mut log = store.watch(oldest).await.expect("what is named can be watched");
    assert_eq!(log.next().await.expect("a set").revision, oldest.next());
    // The slow follower receives change sets without a gap, until it gets the error.
    let mut seen = Revision::ZERO;
    loop {
        match from_the_start.next().await {
            Ok(set) => assert_eq!(set.revision, seen.next()),
            Err(StoreError::Compacted { .. }) => break,
            Err(error) => panic!("{error}"),
        }
        seen = seen.next();
    }
}
