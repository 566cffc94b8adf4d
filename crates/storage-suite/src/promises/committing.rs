//! Promises about one commit.

use std::sync::Arc;

use bailiwick_storage::{MAX_KEY, MAX_VALUE, Revision, Store, StoreError, counter_value};

use crate::{
    Backend,
    model::{Batches, Model, Outcome},
    promises::LOG,
    tools::{all, batch, bytes, contents, get, view},
};

/// All puts of a batch become visible together, at one revision.
pub(in crate::promises) async fn a_batch_is_written_whole(backend: &dyn Backend) {
    let store = backend.fresh(LOG).await;
    let first = batch().put("a", "1").put("b", "1").ok(&store).await;
    let second = batch().put("b", "2").put("c", "2").delete("a").ok(&store).await;
    let view = view(&store).await;
    assert_eq!(view.revision(), second);
    assert!(second > first);
    let rows: Vec<_> = all(&view).await.into_iter().map(|e| (e.key, e.value, e.revision)).collect();
    assert_eq!(rows, [(bytes("b"), bytes("2"), second), (bytes("c"), bytes("2"), second)]);
}

/// A batch whose precondition fails writes nothing: no row, no counter, no revision, no change set.
pub(in crate::promises) async fn a_conflict_writes_nothing(backend: &dyn Backend) {
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

/// A conflict reports exactly the keys that differ.
pub(in crate::promises) async fn all_conflicting_keys_are_named(backend: &dyn Backend) {
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

/// A batch without changes checks its preconditions, and creates no revision.
pub(in crate::promises) async fn a_batch_without_changes_only_checks(backend: &dyn Backend) {
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
pub(in crate::promises) async fn unacceptable_batches_are_refused(backend: &dyn Backend) {
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
pub(in crate::promises) async fn counters_stay_within_their_bounds(backend: &dyn Backend) {
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

/// Random batches, some of which conflict or exceed bounds, have the outcome of a simple model.
pub(in crate::promises) async fn random_batches_agree_with_a_model(backend: &dyn Backend) {
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
