//! Closing and opening again.

use bailiwick_storage::{Batch, Expect, Revision, StoreError};

use crate::{
    Durable,
    promises::LOG,
    tools::{B, batch, bytes, contents, view},
};

/// Acknowledged rows, their revisions and the change log survive closing and opening.
pub(in crate::promises) async fn reopening_keeps_everything(backend: &dyn Durable) {
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

/// Revisions, preconditions and counters continue after an opening.
pub(in crate::promises) async fn reopening_keeps_revisions_and_counters(backend: &dyn Durable) {
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
