//! The embedded backend keeps every promise, and keeps it across a restart.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bailiwick_storage::Store;
use bailiwick_storage_redb::{Options, RedbStore};
use bailiwick_storage_suite::{Backend, Durable, durable_suite, suite};
use tempfile::TempDir;

struct Embedded {
    folder: TempDir,
    options: Mutex<Options>,
}

fn embedded() -> Embedded {
    // The suite watches from revisions that are no longer in a memory as small as this.
    let options = Options { recent: 8, ..Options::default() };
    Embedded { folder: tempfile::tempdir().expect("a folder"), options: Mutex::new(options) }
}

impl Embedded {
    fn open(&self) -> Arc<dyn Store> {
        let options = self.options.lock().expect("no panics").clone();
        Arc::new(RedbStore::open(&self.folder.path().join("data"), &options).expect("a store"))
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

suite!(embedded());
durable_suite!(embedded());
