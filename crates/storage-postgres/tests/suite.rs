//! The backend keeps all promises, including those of durable and exposed backends.

mod common;

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bailiwick_storage::{Authenticator, ServerId, Store};
use bailiwick_storage_postgres::Options;
use bailiwick_storage_suite::{Backend, Durable, Exposed, suite};
use bytes::Bytes;
use common::Empty;

struct Postgres {
    opened: Mutex<Option<(Arc<Empty>, Options)>>,
    authenticator: Authenticator,
}

fn postgres() -> Postgres {
    Postgres { opened: Mutex::default(), authenticator: common::authenticator() }
}

impl Postgres {
    fn opened(&self) -> (Arc<Empty>, Options) {
        self.opened.lock().expect("no panics").clone().expect("a store")
    }

    async fn open(&self) -> Arc<dyn Store> {
        let (database, options) = self.opened();
        Arc::new(database.open(&options, &self.authenticator).await)
    }
}

#[async_trait]
impl Backend for Postgres {
    async fn fresh(&self, log: u64) -> Arc<dyn Store> {
        // Fewer change sets than the suite watches, so that followers also read from the database; and a connection for each
        // of the views that the suite keeps.
        let options = Options { recent: 8, log_retention: log, readers: 48, ..Options::of(ServerId([1; 16])) };
        let database = Arc::new(Empty::create().await);
        *self.opened.lock().expect("no panics") = Some((database, options));
        self.open().await
    }
}

#[async_trait]
impl Durable for Postgres {
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
impl Exposed for Postgres {
    async fn stored(&self, store: Arc<dyn Store>, keys: &[Bytes]) -> (Arc<dyn Store>, Vec<Option<Bytes>>) {
        let client = self.opened().0.client().await;
        let mut found = Vec::new();
        for key in keys {
            let row = client.query_opt("SELECT stored FROM bailiwick_rows WHERE key = $1", &[&&**key]).await;
            found.push(row.expect("a read").map(|row| Bytes::copy_from_slice(row.get(0))));
        }
        (store, found)
    }

    async fn tamper(&self, store: Arc<dyn Store>, rows: Vec<(Bytes, Option<Bytes>)>) -> Arc<dyn Store> {
        let client = self.opened().0.client().await;
        for (key, stored) in rows {
            client.execute("DELETE FROM bailiwick_rows WHERE key = $1", &[&&*key]).await.expect("a write");
            if let Some(stored) = stored {
                let insert = "INSERT INTO bailiwick_rows (key, stored) VALUES ($1, $2)";
                client.execute(insert, &[&&*key, &&*stored]).await.expect("a write");
            }
        }
        store
    }
}

suite! {
    backend: postgres(),
    durable: yes,
    exposed: yes,
}
