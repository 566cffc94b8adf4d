//! The promises.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use bailiwick_storage::{At, Batch, Expect, MAX_KEY, MAX_VALUE, Revision, Scan, Store, StoreError, counter_value};
use bytes::Bytes;

use crate::{
    Backend, Durable,
    model::{Batches, Model, Outcome},
    tools::{B, all, batch, bytes, contents, get, view},
};

const LOG: u64 = 1 << 20;

/// What a batch puts appears together, at one revision.
pub async fn a_batch_is_written_whole(backend: &dyn Backend) {
    let store = backend.fresh(LOG).await;
    let first = batch().put("a", "1").put("b", "1").ok(&store).await;
    let second = batch().put("b", "2").put("c", "2").delete("a").ok(&store).await;
    let view = view(&store).await;
    assert_eq!(view.revision(), second);
    assert!(second > first);
    let rows: Vec<_> = all(&view).await.into_iter().map(|e| (e.key, e.value, e.revision)).collect();
    assert_eq!(rows, [(bytes("b"), bytes("2"), second), (bytes("c"), bytes("2"), second)]);
}

/// A batch that expects what is not so leaves no trace: no row, no counter, no revision, no change set.
pub async fn a_conflict_writes_nothing(backend: &dyn Backend) {
    let store = backend.fresh(LOG).await;
    let first = batch().put("a", "1").ok(&store).await;
    let second = batch().put("a", "2").ok(&store).await;
    for wrong in [None, Some(first), Some(Revision::new(99))] {
        let tried = batch().put("x", "1").add("n", 1, None).delete("a").expect("a", wrong).commit(&store).await;
        assert!(matches!(tried, Err(StoreError::Conflict { .. })), "{tried:?}");
    }
    let tried = batch().put("a", "3").expect("absent", Some(first)).commit(&store).await;
    assert!(matches!(tried, Err(StoreError::Conflict { .. })), "{tried:?}");
    assert_eq!(all(&view(&store).await).await.len(), 1);
    assert_eq!(get(&store, "a").await.as_deref(), Some("2"));
    assert_eq!(store.head().await.expect("head"), second);
    let third = batch().put("a", "3").expect("a", Some(second)).ok(&store).await;
    let mut log = store.watch(second).await.expect("watch");
    assert_eq!(log.next().await.expect("next").revision, third);
}

/// A conflict says which keys it was about, and only those.
pub async fn all_conflicting_keys_are_named(backend: &dyn Backend) {
    let store = backend.fresh(LOG).await;
    let revision = batch().put("a", "1").put("b", "1").put("c", "1").ok(&store).await;
    let tried =
        batch().put("d", "1").expect("a", None).expect("b", Some(revision)).expect("c", None).commit(&store).await;
    match tried {
        Err(StoreError::Conflict { mut keys }) => {
            keys.sort();
            assert_eq!(keys, [bytes("a"), bytes("c")]);
        }
        other => panic!("{other:?}"),
    }
}

/// Of several who expect that a key is not there yet, one gets it.
pub async fn an_expected_absence_holds(backend: &dyn Backend) {
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

/// A batch that changes nothing still checks, and takes no revision.
pub async fn a_batch_without_changes_only_checks(backend: &dyn Backend) {
    let store = backend.fresh(LOG).await;
    assert_eq!(batch().ok(&store).await, Revision::ZERO);
    let head = batch().put("a", "1").ok(&store).await;
    assert_eq!(batch().expect("a", Some(head)).expect("b", None).ok(&store).await, head);
    assert_eq!(batch().add("n", 0, None).ok(&store).await, head);
    let tried = batch().expect("a", None).commit(&store).await;
    assert!(matches!(tried, Err(StoreError::Conflict { .. })), "{tried:?}");
    assert_eq!(store.head().await.expect("head"), head);
}

/// A batch that contradicts itself or is too large is refused whole.
pub async fn unacceptable_batches_are_refused(backend: &dyn Backend) {
    let store = backend.fresh(LOG).await;
    let long = "k".repeat(MAX_KEY + 1);
    let huge = "v".repeat(MAX_VALUE + 1);
    let bad = [
        batch().put("", "v"),
        batch().put(&long, "v"),
        batch().delete(&long),
        batch().put("a", &huge),
        batch().put("a", "1").put("a", "2"),
        batch().put("a", "1").delete("a"),
        batch().add("a", 1, None).add("a", 1, None),
        batch().add("a", 1, None).put("a", "1"),
    ];
    for (n, bad) in bad.into_iter().enumerate() {
        let tried = bad.put("other", "1").commit(&store).await;
        assert!(matches!(tried, Err(StoreError::Refused(_))), "{n}: {tried:?}");
    }
    assert_eq!(store.head().await.expect("head"), Revision::ZERO);
    let largest = "v".repeat(MAX_VALUE);
    batch().put(&"k".repeat(MAX_KEY), &largest).ok(&store).await;
    assert_eq!(get(&store, &"k".repeat(MAX_KEY)).await.map(|value| value.len()), Some(MAX_VALUE));
}

/// A counter neither passes its maximum nor falls below zero; at zero it is absent; taking away is never too much for
/// a maximum that was lowered.
pub async fn counters_stay_within_their_bounds(backend: &dyn Backend) {
    let store = backend.fresh(LOG).await;
    async fn count(store: &Arc<dyn Store>) -> u64 {
        let found = view(store).await.get(b"n").await.expect("a read");
        found.map_or(0, |found| counter_value(&found.value).expect("a counter"))
    }
    batch().add("n", 3, Some(3)).ok(&store).await;
    for (delta, max) in [(1, Some(3)), (i64::MAX, Some(3)), (-4, None), (i64::MIN, None)] {
        let tried = batch().put("x", "1").add("n", delta, max).commit(&store).await;
        assert!(matches!(&tried, Err(StoreError::Bound { key }) if *key == "n"), "{delta}: {tried:?}");
    }
    assert_eq!((count(&store).await, get(&store, "x").await), (3, None));
    batch().add("n", -1, Some(0)).ok(&store).await;
    assert_eq!(count(&store).await, 2);
    batch().add("n", -2, None).ok(&store).await;
    assert_eq!(view(&store).await.get(b"n").await.expect("a read"), None);
    batch().expect("n", None).add("n", 1, Some(1)).ok(&store).await;
    let tried = batch().expect("n", None).put("x", "1").commit(&store).await;
    assert!(matches!(tried, Err(StoreError::Conflict { .. })), "a counter is a key like others: {tried:?}");
}

/// Those who move a counter do not wait for each other's turns, and no more than the bound succeed.
pub async fn counters_do_not_conflict(backend: &dyn Backend) {
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

/// Rows come in the order of their keys' bytes, within the prefix and nothing else.
pub async fn scans_are_in_order(backend: &dyn Backend) {
    let store = backend.fresh(LOG).await;
    let keys: [&[u8]; 9] = [b"a", b"a\0", b"a\0\xff", b"a\x01", b"aa", b"a\xff", b"a\xff\xff", b"b", b"\xff\xff"];
    let mut puts = Batch::default();
    for key in keys.iter().rev() {
        puts.put.push((Bytes::from_static(key), Bytes::from_static(b"v")));
    }
    store.commit(puts).await.expect("a batch that holds");
    let view = view(&store).await;
    let scan = async |prefix: &'static [u8]| {
        let rows = view.scan(Scan { prefix, after: None, limit: 100 }).await.expect("a scan");
        rows.into_iter().map(|row| row.key.to_vec()).collect::<Vec<_>>()
    };
    let mut sorted = keys.to_vec();
    sorted.sort();
    assert_eq!(scan(b"").await, sorted);
    assert_eq!(scan(b"a").await, sorted.iter().filter(|key| key.starts_with(b"a")).copied().collect::<Vec<_>>());
    assert_eq!(scan(b"a\xff").await, [b"a\xff".as_slice(), b"a\xff\xff"]);
    assert_eq!(scan(b"\xff").await, [b"\xff\xff"]);
    assert_eq!(scan(b"c").await, Vec::<Vec<u8>>::new());
}

/// A page goes on after a key whether or not that key is still there, and ends with the prefix.
pub async fn scans_go_on_where_they_stopped(backend: &dyn Backend) {
    let store = backend.fresh(LOG).await;
    let mut puts = batch().put("o", "before").put("q", "after");
    for n in 0..25 {
        puts = puts.put(&format!("p/{n:02}"), "v");
    }
    puts.ok(&store).await;
    let view = view(&store).await;
    let mut seen = Vec::new();
    let mut after: Option<Bytes> = None;
    loop {
        let page = view.scan(Scan { prefix: b"p/", after: after.as_deref(), limit: 7 }).await.expect("a scan");
        after = page.last().map(|row| row.key.clone());
        seen.extend(page.iter().map(|row| row.key.clone()));
        if page.len() < 7 {
            break;
        }
    }
    assert_eq!(seen, (0..25).map(|n| bytes(&format!("p/{n:02}"))).collect::<Vec<_>>());
    let cases: [(&[u8], usize, &[&str]); 6] = [
        (b"p/03x", 2, &["p/04", "p/05"]),
        (b"a", 1, &["p/00"]),
        (b"p/", 1, &["p/00"]),
        (b"p/24", 5, &[]),
        (b"zzz", 5, &[]),
        (b"p/10", 0, &[]),
    ];
    for (after, limit, expected) in cases {
        let page = view.scan(Scan { prefix: b"p/", after: Some(after), limit }).await.expect("a scan");
        assert_eq!(page.iter().map(|row| row.key.clone()).collect::<Vec<_>>(), expected, "{after:?}");
    }
}

/// Whatever is committed later, a view shows what it showed.
pub async fn a_view_never_changes(backend: &dyn Backend) {
    let store = backend.fresh(LOG).await;
    let mut old = Vec::new();
    for round in 0..30 {
        let mut change = batch().put(&format!("new/{round}"), "v").put("same", &round.to_string());
        if round % 3 == 2 {
            change = change.delete(&format!("new/{}", round - 1));
        }
        change.add("n", 1, None).ok(&store).await;
        let view = view(&store).await;
        let contents = contents(&view).await;
        old.push((view, contents));
        if round % 7 == 0 {
            old.swap_remove(old.len() / 2);
        }
    }
    for (view, before) in old {
        assert_eq!(contents(&view).await, before);
        assert_eq!(
            view.get(b"same").await.expect("a read").map(|row| row.value),
            before.get(&b"same"[..]).map(|row| row.0.clone())
        );
    }
}

/// A read that asks for a revision sees it, or hears that there is none yet.
pub async fn a_revision_can_be_asked_for(backend: &dyn Backend) {
    let store = backend.fresh(LOG).await;
    let revision = batch().put("a", "1").ok(&store).await;
    let view = store.read(At::AtLeast(revision)).await.expect("a view");
    assert!(view.revision() >= revision);
    assert!(view.get(b"a").await.expect("a read").is_some());
    let ahead = store.read(At::AtLeast(revision.next())).await;
    assert!(matches!(ahead.map(|view| view.revision()), Err(StoreError::Ahead { .. })));
    let ahead = store.watch(revision.next()).await;
    assert!(matches!(ahead.map(drop), Err(StoreError::Ahead { .. })));
}

/// No two commits share a revision, and a commit that began after another was answered has the greater one.
pub async fn revisions_grow_with_every_commit(backend: &dyn Backend) {
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

/// A follower that replays the log has the contents of the store at every revision.
pub async fn watching_misses_nothing(backend: &dyn Backend) {
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

/// A follower that begins anywhere gets everything after, even what is no longer in memory.
pub async fn watching_goes_on_from_any_revision(backend: &dyn Backend) {
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

/// Who asks for what the log has forgotten is told so, and never given a gap.
pub async fn a_pruned_log_says_so(backend: &dyn Backend) {
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
    // The slow follower gets what was there without a gap, until it hears that it fell behind.
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

/// Read, change, expect what was read, retry on conflict: no update is lost, under any interleaving.
pub async fn read_modify_write_loses_no_update(backend: &dyn Backend) {
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

/// Batches that are written together still fail one by one.
pub async fn one_conflict_does_not_disturb_others(backend: &dyn Backend) {
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

/// Who stops waiting for a commit finds later that all of it happened, or nothing.
pub async fn an_abandoned_commit_is_whole_or_absent(backend: &dyn Backend) {
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

/// Random batches, some of which conflict or leave bounds, have the outcome that a simple model has.
pub async fn random_batches_agree_with_a_model(backend: &dyn Backend) {
    let store = backend.fresh(LOG).await;
    let (mut model, mut batches) = (Model::default(), Batches::new());
    let mut seen = [0; 3];
    for n in 0..400 {
        let batch = batches.next(&model);
        let expected = model.commit(&batch);
        let outcome = match store.commit(batch.clone()).await {
            Ok(revision) => Outcome::Written(revision),
            Err(StoreError::Conflict { .. }) => Outcome::Conflict,
            Err(StoreError::Bound { .. }) => Outcome::Bound,
            Err(error) => panic!("{error}"),
        };
        assert_eq!(outcome, expected, "{n}: {batch:?}");
        seen[match outcome {
            Outcome::Written(_) => 0,
            Outcome::Conflict => 1,
            Outcome::Bound => 2,
        }] += 1;
        assert_eq!(contents(&view(&store).await).await, model.rows, "{n}: {batch:?}");
    }
    assert!(seen.iter().all(|count| *count > 20), "the batches try everything: {seen:?}");
}

/// What was acknowledged is there after closing and opening, with its revisions, and so is the log.
pub async fn opening_again_finds_everything(backend: &dyn Durable) {
    let mut store = backend.fresh(LOG).await;
    for n in 0..50 {
        let mut change: B = batch().put(&format!("k/{}", n % 20), &n.to_string()).add("n", 1, None);
        if n % 4 == 3 {
            change = change.delete(&format!("k/{}", (n + 5) % 20));
        }
        change.ok(&store).await;
        if n % 17 == 16 {
            let before = contents(&view(&store).await).await;
            store = backend.reopen(store).await;
            assert_eq!(contents(&view(&store).await).await, before);
            assert_eq!(store.head().await.expect("head"), Revision::new(n + 1));
        }
    }
    let mut log = store.watch(Revision::ZERO).await.expect("watch");
    for n in 0..50 {
        assert_eq!(log.next().await.expect("a set").revision, Revision::new(n + 1));
    }
}

/// Revisions, expectations and counters go on across an opening as if it had not been.
pub async fn opening_again_goes_on_counting(backend: &dyn Durable) {
    let store = backend.fresh(LOG).await;
    let first = batch().put("a", "1").add("n", 2, Some(3)).ok(&store).await;
    let store = backend.reopen(store).await;
    let stale = Expect { key: bytes("a"), revision: None };
    let tried = store.commit(Batch { expect: vec![stale], delete: vec![bytes("a")], ..Batch::default() }).await;
    assert!(matches!(tried, Err(StoreError::Conflict { .. })), "{tried:?}");
    let tried = batch().add("n", 2, Some(3)).commit(&store).await;
    assert!(matches!(tried, Err(StoreError::Bound { .. })), "{tried:?}");
    let second = batch().put("a", "2").expect("a", Some(first)).ok(&store).await;
    assert_eq!(second, first.next());
}
