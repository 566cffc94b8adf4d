//! Views and scans.

use bailiwick_storage::{At, Batch, Scan, StoreError};
use bytes::Bytes;

use crate::{
    Backend,
    promises::LOG,
    tools::{batch, bytes, contents, view},
};

/// A scan returns exactly the rows with the prefix, in the order of their keys' bytes.
pub(in crate::promises) async fn scans_are_in_order(backend: &dyn Backend) {
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

/// A scan continues after a key whether or not that key exists, and ends with the prefix.
pub(in crate::promises) async fn scans_continue_after_a_key(backend: &dyn Backend) {
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

/// Later commits do not change a view.
pub(in crate::promises) async fn a_view_never_changes(backend: &dyn Backend) {
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

/// A read that requires a revision gets a view of it, or an error if the store has not reached it.
pub(in crate::promises) async fn a_read_can_require_a_revision(backend: &dyn Backend) {
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
