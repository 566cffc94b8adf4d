//! Promises about rows that were changed outside of the store.

use std::sync::Arc;

use bailiwick_storage::{Batch, Scan, Store, StoreError, check, keys, keys::Kind};
use bytes::Bytes;

use crate::{
    Exposed,
    promises::LOG,
    tools::{get, view},
};

/// A key of a decisive kind.
fn decisive(name: &str) -> Bytes {
    [&[0; 5], &[Kind::User as u8][..], name.as_bytes()].concat().into()
}

/// A key of another kind.
fn other(name: &str) -> Bytes {
    [&[0; 5], &[Kind::RoleLastUsed as u8][..], name.as_bytes()].concat().into()
}

async fn put(store: &Arc<dyn Store>, rows: &[(&Bytes, &str)]) {
    let put = rows.iter().map(|(key, value)| ((*key).clone(), Bytes::copy_from_slice(value.as_bytes()))).collect();
    store.commit(Batch { put, ..Batch::default() }).await.expect("a batch that holds");
}

/// Returns the stored bytes of some keys.
async fn stored<const N: usize>(
    backend: &dyn Exposed,
    store: Arc<dyn Store>,
    keys: [&Bytes; N],
) -> (Arc<dyn Store>, [Bytes; N]) {
    let (store, rows) = backend.stored(store, &keys.map(Bytes::clone)).await;
    let rows: Vec<Bytes> = rows.into_iter().map(|row| row.expect("a row")).collect();
    (store, rows.try_into().expect("as many as keys"))
}

/// Returns whether no row of the decisive kinds is missing.
async fn is_complete(store: &Arc<dyn Store>) -> bool {
    let view = view(store).await;
    let mut tally = view.tally();
    for row in view.inspect(Scan { prefix: b"", after: None, limit: usize::MAX }).await.expect("an inspection") {
        if keys::is_decisive(&row.key) {
            tally.add(&row.key, row.revision);
        }
    }
    tally.finish().is_ok()
}

/// A value that was not put under its key is reported, with the key, by every read. Other rows stay readable and
/// writable, and nothing is reported as missing.
pub(in crate::promises) async fn a_changed_value_is_never_read(backend: &dyn Exposed) {
    let (a, b, c) = (decisive("a"), decisive("b"), other("c"));
    let prefix = &a[..keys::HEADER];
    let store = backend.fresh(LOG).await;
    put(&store, &[(&a, "first"), (&b, "second"), (&c, "third")]).await;
    let (mut store, [first, second, third]) = stored(backend, store, [&a, &b, &c]).await;
    let flipped = Bytes::from([&first[..first.len() - 1], b"!"].concat());
    for (changed, name) in [
        (flipped.clone(), "a value that was changed"),
        (second.clone(), "the value of another key"),
        (third, "the value of a key of another kind"),
        (first.slice(..first.len() - 1), "a value that was cut"),
        (first.slice(..7), "a row that was cut"),
        (Bytes::new(), "nothing"),
        ([&first[..], b"more"].concat().into(), "a longer value"),
    ] {
        store = backend.tamper(store, vec![(a.clone(), Some(changed))]).await;
        let seen = view(&store).await;
        let damaged = |result: Result<(), StoreError>| matches!(result, Err(StoreError::Damaged { key }) if key == a);
        assert!(damaged(seen.get(&a).await.map(drop)), "{name}");
        assert!(damaged(seen.scan(Scan { prefix, after: None, limit: 9 }).await.map(drop)), "{name}");
        assert_eq!(seen.get(&b).await.expect("a read").map(|row| row.value).as_deref(), Some(&b"second"[..]));
        let rows = seen.inspect(Scan { prefix, after: None, limit: 9 }).await.expect("an inspection");
        let rows: Vec<_> = rows.into_iter().map(|row| (row.key, row.value)).collect();
        assert_eq!(rows, [(a.clone(), None), (b.clone(), Some("second".into()))], "{name}");
        let findings = check(&*seen).await.expect("a store that reads");
        assert_eq!((findings.rows, findings.damaged, findings.lost.len()), (3, vec![a.clone()], 0), "{name}");
        put(&store, &[(&c, name)]).await;
        assert_eq!(
            view(&store).await.get(&c).await.expect("a read").map(|row| row.value).as_deref(),
            Some(name.as_bytes())
        );
    }
    // A damaged value changes no digest, since digests are about keys and revisions.
    store = backend.tamper(store, vec![(a.clone(), Some(flipped))]).await;
    assert!(is_complete(&store).await);
    put(&store, &[(&a, "again")]).await;
    assert!(is_complete(&store).await && check(&*view(&store).await).await.expect("a check").is_sound());
    assert_eq!(view(&store).await.get(&a).await.expect("a read").map(|row| row.value).as_deref(), Some(&b"again"[..]));
}

/// Rows that were removed, replaced by older versions or added are detected, even next to damaged rows.
pub(in crate::promises) async fn missing_and_older_rows_are_detected(backend: &dyn Exposed) {
    let (a, b, c) = (decisive("a"), decisive("b"), other("c"));
    let store = backend.fresh(LOG).await;
    put(&store, &[(&a, "1"), (&b, "1"), (&c, "1")]).await;
    let (store, [old_a, old_c]) = stored(backend, store, [&a, &c]).await;
    put(&store, &[(&a, "2"), (&c, "2")]).await;
    let (mut store, [new_a, new_b, new_c]) = stored(backend, store, [&a, &b, &c]).await;
    assert!(is_complete(&store).await);
    let (old_a, old_c) = (Some(old_a), Some(old_c));
    let spoilt = Some(Bytes::from([&new_b[..new_b.len() - 1], b"!"].concat()));
    let (new_a, new_b, new_c) = (Some(new_a), Some(new_b), Some(new_c));
    let whole = vec![(a.clone(), new_a.clone()), (b.clone(), new_b.clone()), (c.clone(), new_c.clone())];
    for (changes, decisive_too, name) in [
        (vec![(&a, None)], true, "a row that is missing"),
        (vec![(&a, old_a.clone())], true, "an older row"),
        (vec![(&a, None), (&b, spoilt.clone())], true, "a row that is missing beside one that is damaged"),
        (vec![(&a, old_a), (&b, spoilt.clone())], true, "an older row beside one that is damaged"),
        (vec![(&a, None), (&decisive("z"), new_a.clone())], true, "a row under another key"),
        (vec![(&decisive("z"), new_b.clone())], true, "a row that was never written"),
        (vec![(&a, None), (&other("z"), new_a.clone())], true, "a row of another kind"),
        (vec![(&c, None)], false, "a report that is missing"),
        (vec![(&c, old_c)], false, "an older report"),
        (vec![(&other("z"), new_c.clone())], false, "a report that was never written"),
    ] {
        let gone = changes.iter().filter(|(key, _)| !whole.iter().any(|(known, _)| known == *key));
        let gone: Vec<_> = gone.map(|(key, _)| ((*key).clone(), None)).collect();
        store = backend.tamper(store, changes.into_iter().map(|(key, row)| (key.clone(), row)).collect()).await;
        assert_eq!(is_complete(&store).await, !decisive_too, "{name}");
        assert!(check(&*view(&store).await).await.expect("a check").incomplete, "{name}");
        store = backend.tamper(store, [whole.clone(), gone].concat()).await;
        assert!(check(&*view(&store).await).await.expect("a check").is_sound(), "{name} is undone");
    }
    assert_eq!(get(&store, "none").await, None);
}
