//! The memory backend keeps all promises except those of durable backends.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bailiwick_seal::Keyring;
use bailiwick_storage::{Authenticator, MemoryStore, Store};
use bailiwick_storage_suite::{Backend, Exposed, suite};
use bytes::Bytes;

/// The newest store, whose stored rows the suite can change.
#[derive(Default)]
struct Memory(Mutex<Arc<MemoryStore>>);

#[async_trait]
impl Backend for Memory {
    async fn fresh(&self, log: u64) -> Arc<dyn Store> {
        let key = Keyring::generate(0).expect("a keyring").row_key().expect("a key").expect("new keyrings have one");
        let store = Arc::new(MemoryStore::authenticated(log as usize, Authenticator::new(key)));
        *self.0.lock().expect("no panics") = store.clone();
        store
    }
}

#[async_trait]
impl Exposed for Memory {
    async fn stored(&self, store: Arc<dyn Store>, keys: &[Bytes]) -> (Arc<dyn Store>, Vec<Option<Bytes>>) {
        let memory = self.0.lock().expect("no panics");
        (store, keys.iter().map(|key| memory.stored(key)).collect())
    }

    async fn tamper(&self, store: Arc<dyn Store>, rows: Vec<(Bytes, Option<Bytes>)>) -> Arc<dyn Store> {
        let memory = self.0.lock().expect("no panics");
        rows.into_iter().for_each(|(key, row)| memory.tamper(key, row));
        store
    }
}

suite! {
    backend: Memory::default(),
    durable: no("a closed store is gone"),
    exposed: yes,
}
