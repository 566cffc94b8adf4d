//! The memory backend keeps every promise that a store can keep without a disk.

use std::sync::Arc;

use async_trait::async_trait;
use bailiwick_storage::{MemoryStore, Store};
use bailiwick_storage_suite::{Backend, suite};

struct Memory;

#[async_trait]
impl Backend for Memory {
    async fn fresh(&self, log: u64) -> Arc<dyn Store> {
        Arc::new(MemoryStore::with_log(log as usize))
    }
}

suite!(Memory);
