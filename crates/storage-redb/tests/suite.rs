//! The embedded backend keeps all promises, including those of durable and exposed backends.

mod common;

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bailiwick_storage::{Authenticator, Store};
use bailiwick_storage_redb::{Options, RedbStore};
use bailiwick_storage_suite::{Backend, Durable, Exposed, suite};
use bytes::Bytes;
use redb::{Database, ReadableTable, TableDefinition};
use tempfile::TempDir;

struct Embedded {
    folder: TempDir,
    options: Mutex<Options>,
    authenticator: Authenticator,
}

fn embedded() -> Embedded {
    // Fewer change sets than the suite watches, so that followers also read from the file.
    let options = Options { recent: 8, ..Options::default() };
    let folder = tempfile::tempdir().expect("a folder");
    Embedded { folder, options: Mutex::new(options), authenticator: common::authenticator() }
}

impl Embedded {
    fn open(&self) -> Arc<dyn Store> {
        let options = self.options.lock().expect("no panics").clone();
        let data = self.folder.path().join("data");
        Arc::new(RedbStore::open(&data, &options, self.authenticator.clone()).expect("a store"))
    }
}

#[async_trait]
impl Backend for Embedded {
    async fn fresh(&self, log: u64) -> Arc<dyn Store> {
        self.options.lock().expect("no panics").log_retention = log;
        self.open()
    }
}

#[async_trait]
impl Durable for Embedded {
    async fn reopen(&self, store: Arc<dyn Store>) -> Arc<dyn Store> {
        drop(store);
        self.open()
    }
}

const ROWS: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("rows");

impl Embedded {
    /// Closes the store, changes its rows, and opens it again.
    fn behind<T>(
        &self,
        store: Arc<dyn Store>,
        work: impl FnOnce(&mut redb::Table<'_, &'static [u8], &'static [u8]>) -> T,
    ) -> (Arc<dyn Store>, T) {
        drop(store);
        let database = Database::open(self.folder.path().join("data/bailiwick.redb")).expect("the file");
        let txn = database.begin_write().expect("a transaction");
        let done = work(&mut txn.open_table(ROWS).expect("the table"));
        txn.commit().expect("a commit");
        drop(database);
        (self.open(), done)
    }
}

#[async_trait]
impl Exposed for Embedded {
    async fn stored(&self, store: Arc<dyn Store>, keys: &[Bytes]) -> (Arc<dyn Store>, Vec<Option<Bytes>>) {
        self.behind(store, |rows| {
            let stored = |key: &Bytes| rows.get(&**key).expect("a read").map(|row| Bytes::copy_from_slice(row.value()));
            keys.iter().map(stored).collect()
        })
    }

    async fn tamper(&self, store: Arc<dyn Store>, changes: Vec<(Bytes, Option<Bytes>)>) -> Arc<dyn Store> {
        let change = |rows: &mut redb::Table<'_, &'static [u8], &'static [u8]>| {
            for (key, row) in changes {
                match row {
                    Some(row) => drop(rows.insert(&*key, &*row).expect("a write")),
                    None => drop(rows.remove(&*key).expect("a write")),
                }
            }
        };
        self.behind(store, change).0
    }
}

suite! {
    backend: embedded(),
    durable: yes,
    exposed: yes,
}
