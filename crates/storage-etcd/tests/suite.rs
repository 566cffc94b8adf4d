//! The backend keeps all promises, including those of durable and exposed backends.

mod common;

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bailiwick_storage::{Authenticator, ServerId, Store};
use bailiwick_storage_etcd::Options;
use bailiwick_storage_suite::{Backend, Durable, Exposed, suite};
use bytes::Bytes;
use common::Empty;

struct Etcd {
    opened: Mutex<Option<(Arc<Empty>, Options)>>,
    authenticator: Authenticator,
}

fn etcd() -> Etcd {
    Etcd { opened: Mutex::default(), authenticator: common::authenticator() }
}

impl Etcd {
    fn opened(&self) -> (Arc<Empty>, Options) {
        self.opened.lock().expect("no panics").clone().expect("a store")
    }

    async fn open(&self) -> Arc<dyn Store> {
        let (database, options) = self.opened();
        Arc::new(database.open(&options, &self.authenticator).await)
    }
}

#[async_trait]
impl Backend for Etcd {
    async fn fresh(&self, log: u64) -> Arc<dyn Store> {
        // Fewer change sets than the suite watches, so that followers also read from etcd.
        let options = Options { recent: 8, log_retention: log, ..Options::of(ServerId([1; 16])) };
        *self.opened.lock().expect("no panics") = Some((Arc::new(Empty::create()), options));
        self.open().await
    }
}

#[async_trait]
impl Durable for Etcd {
    async fn reopen(&self, store: Arc<dyn Store>) -> Arc<dyn Store> {
        drop(store);
        // The next process of the same server would wait, since this one is not closed.
        if let Some((_, options)) = &mut *self.opened.lock().expect("no panics") {
            options.server.0[1] += 1;
        }
        self.open().await
    }
}

#[async_trait]
impl Exposed for Etcd {
    async fn stored(&self, store: Arc<dyn Store>, keys: &[Bytes]) -> (Arc<dyn Store>, Vec<Option<Bytes>>) {
        let database = self.opened().0;
        let found = keys.iter().map(|key| database.get(&[b"row/", &key[..]].concat())).collect();
        (store, found)
    }

    async fn tamper(&self, store: Arc<dyn Store>, rows: Vec<(Bytes, Option<Bytes>)>) -> Arc<dyn Store> {
        for (key, stored) in rows {
            self.opened().0.set(&[b"row/", &key[..]].concat(), stored.as_deref());
        }
        store
    }
}

suite! {
    backend: etcd(),
    durable: yes,
    exposed: yes,
}
