//! Promises about concurrent commits.

use std::time::Duration;

use bailiwick_storage::{Revision, Scan, StoreError};

use crate::{
    Backend,
    promises::LOG,
    tools::{batch, bytes, get, view},
};

/// Of several concurrent commits that expect a key to be absent, exactly one succeeds.
pub(in crate::promises) async fn an_expected_absence_holds(backend: &dyn Backend) {
    let store = backend.fresh(LOG).await;
    let tries = (0..20).map(|n| {
        let store = store.clone();
        tokio::spawn(async move { batch().put("name", &n.to_string()).expect("name", None).commit(&store).await })
    });
    let mut winners = 0;
    for tried in tries.collect::<Vec<_>>() {
        match tried.await.expect("a task") {
            Ok(_) => winners += 1,
            Err(StoreError::Conflict { keys }) => assert_eq!(keys, [bytes("name")]),
            Err(error) => panic!("{error}"),
        }
    }
    assert_eq!(winners, 1);
    batch().delete("name").ok(&store).await;
    batch().put("name", "again").expect("name", None).ok(&store).await;
}

/// Concurrent changes of a counter do not conflict, and no more succeed than its bound allows.
pub(in crate::promises) async fn counters_do_not_conflict(backend: &dyn Backend) {
    let store = backend.fresh(LOG).await;
    let tries: Vec<_> = (0..60)
        .map(|n| {
            let store = store.clone();
            tokio::spawn(
                async move { batch().put(&format!("row/{n}"), "1").add("n", 1, Some(40)).commit(&store).await },
            )
        })
        .collect();
    let mut written = 0;
    for tried in tries {
        match tried.await.expect("a task") {
            Ok(_) => written += 1,
            Err(StoreError::Bound { .. }) => {}
            Err(error) => panic!("{error}"),
        }
    }
    let rows = view(&store).await.scan(Scan { prefix: b"row/", after: None, limit: 100 }).await.expect("a scan");
    assert_eq!((written, rows.len()), (40, 40));
}

/// No two commits have the same revision, and a commit that starts after another was acknowledged has a greater one.
pub(in crate::promises) async fn revisions_grow_with_every_commit(backend: &dyn Backend) {
    let store = backend.fresh(LOG).await;
    let tasks: Vec<_> = (0..8)
        .map(|task| {
            let store = store.clone();
            tokio::spawn(async move {
                let mut mine = Vec::new();
                for _ in 0..10 {
                    mine.push(batch().put(&format!("k/{task}"), "v").ok(&store).await);
                }
                assert!(mine.is_sorted());
                mine
            })
        })
        .collect();
    let mut every = Vec::new();
    for task in tasks {
        every.extend(task.await.expect("a task"));
    }
    every.sort();
    every.dedup();
    assert_eq!(every.len(), 80);
    assert_eq!(every.last().copied(), Some(store.head().await.expect("head")));
}

/// Read, change, expect the revision that was read, retry on conflict: no update is lost.
pub(in crate::promises) async fn read_modify_write_loses_no_update(backend: &dyn Backend) {
    let store = backend.fresh(LOG).await;
    let tasks: Vec<_> = (0..6)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move {
                for _ in 0..15 {
                    loop {
                        let view = view(&store).await;
                        let old = view.get(b"sum").await.expect("a read");
                        let sum = old
                            .as_ref()
                            .map_or(0, |old| std::str::from_utf8(&old.value).expect("text").parse().expect("a number"));
                        let new = (sum + 1u64).to_string();
                        let tried =
                            batch().expect("sum", old.map(|old| old.revision)).put("sum", &new).commit(&store).await;
                        match tried {
                            Ok(_) => break,
                            Err(StoreError::Conflict { .. }) => tokio::task::yield_now().await,
                            Err(error) => panic!("{error}"),
                        }
                    }
                }
            })
        })
        .collect();
    for task in tasks {
        task.await.expect("a task");
    }
    assert_eq!(get(&store, "sum").await.as_deref(), Some("90"));
    assert_eq!(store.head().await.expect("head"), Revision::new(90));
}

/// Batches that are written in one transaction succeed or fail independently.
pub(in crate::promises) async fn one_conflict_does_not_affect_other_batches(backend: &dyn Backend) {
    let store = backend.fresh(LOG).await;
    batch().put("taken", "1").ok(&store).await;
    let tasks: Vec<_> = (0..40)
        .map(|n| {
            let store = store.clone();
            tokio::spawn(async move {
                let row = batch().put(&format!("row/{n:02}"), "v");
                let tried = match n % 4 {
                    0 => row.expect("taken", None).commit(&store).await,
                    1 => row.add("small", 5, Some(4)).commit(&store).await,
                    _ => row.commit(&store).await,
                };
                (n, tried)
            })
        })
        .collect();
    for task in tasks {
        let (n, tried) = task.await.expect("a task");
        match (n % 4, &tried) {
            (0, Err(StoreError::Conflict { .. })) | (1, Err(StoreError::Bound { .. })) | (2 | 3, Ok(_)) => {}
            _ => panic!("{n}: {tried:?}"),
        }
        let there = get(&store, &format!("row/{n:02}")).await.is_some();
        assert_eq!(there, tried.is_ok(), "{n}");
    }
}

/// A commit whose future is dropped takes effect completely or not at all.
pub(in crate::promises) async fn an_abandoned_commit_is_whole_or_absent(backend: &dyn Backend) {
    let store = backend.fresh(LOG).await;
    for n in 0..40u64 {
        let (a, b) = (format!("a/{n}"), format!("b/{n}"));
        let commit = batch().put(&a, "1").put(&b, "1").commit(&store);
        // Polled a few times at most, then dropped.
        let _ = tokio::time::timeout(Duration::from_micros(n * 20), commit).await;
    }
    batch().put("end", "1").ok(&store).await;
    let view = view(&store).await;
    for n in 0..40 {
        let a = view.get(format!("a/{n}").as_bytes()).await.expect("a read");
        let b = view.get(format!("b/{n}").as_bytes()).await.expect("a read");
        assert_eq!(a.map(|row| row.revision), b.map(|row| row.revision), "{n}");
    }
}
