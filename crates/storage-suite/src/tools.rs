//! Helpers for promises.

use std::{collections::BTreeMap, sync::Arc};

use bailiwick_storage::{Add, At, Batch, Entry, Expect, Revision, Scan, Store, StoreError, View};
use bytes::Bytes;

/// A batch, built up.
#[derive(Clone, Default)]
pub(crate) struct B(pub(crate) Batch);

pub(crate) fn batch() -> B {
    B::default()
}

impl B {
    pub(crate) fn put(mut self, key: &str, value: &str) -> Self {
        self.0.put.push((bytes(key), bytes(value)));
        self
    }

    pub(crate) fn delete(mut self, key: &str) -> Self {
        self.0.delete.push(bytes(key));
        self
    }

    pub(crate) fn add(mut self, key: &str, delta: i64, max: Option<u64>) -> Self {
        self.0.add.push(Add { key: bytes(key), delta, max });
        self
    }

    pub(crate) fn expect(mut self, key: &str, revision: Option<Revision>) -> Self {
        self.0.expect.push(Expect { key: bytes(key), revision });
        self
    }

    pub(crate) async fn commit(self, store: &Arc<dyn Store>) -> Result<Revision, StoreError> {
        store.commit(self.0).await
    }

    /// Commits a batch that must succeed.
    pub(crate) async fn ok(self, store: &Arc<dyn Store>) -> Revision {
        store.commit(self.0).await.expect("a batch that holds")
    }
}

pub(crate) fn bytes(text: &str) -> Bytes {
    Bytes::copy_from_slice(text.as_bytes())
}

pub(crate) async fn view(store: &Arc<dyn Store>) -> Arc<dyn View> {
    store.read(At::Latest).await.expect("a view")
}

pub(crate) async fn get(store: &Arc<dyn Store>, key: &str) -> Option<String> {
    let found = view(store).await.get(key.as_bytes()).await.expect("a read");
    found.map(|found| String::from_utf8(found.value.to_vec()).expect("text"))
}

pub(crate) async fn all(view: &Arc<dyn View>) -> Vec<Entry> {
    view.scan(Scan { prefix: b"", after: None, limit: usize::MAX }).await.expect("a scan")
}

/// The contents of a view: key to value and revision.
pub(crate) async fn contents(view: &Arc<dyn View>) -> BTreeMap<Bytes, (Bytes, Revision)> {
    all(view).await.into_iter().map(|entry| (entry.key, (entry.value, entry.revision))).collect()
}
