//! A shared database as a backend that keeps all promises of one server.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bailiwick_storage::{Authenticator, Store};
use bytes::Bytes;

use super::{Server, SharedDatabase};
use crate::{Backend, Durable, Exposed};

/// A shared database that one server uses.
pub struct Shared<D> {
    opened: Mutex<Option<(Arc<D>, Server)>>,
    authenticator: Authenticator,
}

impl<D: SharedDatabase> Default for Shared<D> {
    fn default() -> Self {
        Shared { opened: Mutex::new(None), authenticator: D::authenticator() }
    }
}

impl<D: SharedDatabase> Shared<D> {
    fn opened(&self) -> (Arc<D>, Server) {
        self.opened.lock().expect("no panics").clone().expect("a store")
    }

    async fn open(&self) -> Arc<dyn Store> {
        let (database, server) = self.opened();
        super::tools::start(&*database, &server, &self.authenticator).await
    }
}

#[async_trait]
impl<D: SharedDatabase> Backend for Shared<D> {
    async fn fresh(&self, log: u64) -> Arc<dyn Store> {
        // Fewer change sets than the suite watches, so that followers also read from the database.
        let server = Server { recent: 8, log_retention: log, ..Server::new::<D>(1) };
        let database = Arc::new(D::create().await);
        *self.opened.lock().expect("no panics") = Some((database, server));
        self.open().await
    }
}

#[async_trait]
impl<D: SharedDatabase> Durable for Shared<D> {
    async fn reopen(&self, store: Arc<dyn Store>) -> Arc<dyn Store> {
        drop(store);
        // The next process of the same server would wait, since this one is not closed.
        if let Some((_, server)) = &mut *self.opened.lock().expect("no panics") {
            server.id.0[1] += 1;
        }
        self.open().await
    }
}

#[async_trait]
impl<D: SharedDatabase> Exposed for Shared<D> {
    async fn stored(&self, store: Arc<dyn Store>, keys: &[Bytes]) -> (Arc<dyn Store>, Vec<Option<Bytes>>) {
        let (database, mut found) = (self.opened().0, Vec::new());
        for key in keys {
            found.push(database.stored(key).await);
        }
        (store, found)
    }

    async fn tamper(&self, store: Arc<dyn Store>, rows: Vec<(Bytes, Option<Bytes>)>) -> Arc<dyn Store> {
        let database = self.opened().0;
        for (key, stored) in rows {
            database.tamper(&key, stored).await;
        }
        // A server has rows in memory that it has read or written before.
        self.reopen(store).await
    }
}
