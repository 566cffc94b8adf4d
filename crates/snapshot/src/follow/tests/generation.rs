//! A store on another machine, which may be out of reach.

use async_trait::async_trait;
use bailiwick_storage::Batch;

use super::*;

/// A store with a generation that the test sets; none at 0.
struct Remote {
    inner: MemoryStore,
    generation: AtomicU64,
}

#[async_trait]
impl Store for Remote {
    async fn read(&self, at: At) -> Result<Arc<dyn View>, StoreError> {
        self.inner.read(at).await
    }

    async fn commit(&self, batch: Batch) -> Result<Revision, StoreError> {
        self.inner.commit(batch).await
    }

    async fn watch(&self, after: Revision) -> Result<Box<dyn Changes>, StoreError> {
        self.inner.watch(after).await
    }

    async fn head(&self) -> Result<Revision, StoreError> {
        self.inner.head().await
    }

    fn generation(&self) -> Option<u64> {
        Some(self.generation.load(SeqCst)).filter(|generation| *generation != 0)
    }
}

/// Even if the follower does not know yet that its subscription has ended.
#[tokio::test]
async fn a_snapshot_of_another_generation_is_not_used() {
    let store = Arc::new(Remote { inner: MemoryStore::new(), generation: AtomicU64::new(1) });
    let env = TestEnv::on(store.clone()).await;
    let code = || env.snapshots.current().map(drop).map_err(|error| error.code());
    assert_eq!(code(), Ok(()));
    for generation in [0, 2] {
        store.generation.store(generation, SeqCst);
        assert_eq!(code(), Err(ErrorCode::ServiceUnavailable), "{generation}");
    }
    store.generation.store(0, SeqCst);
    assert!(Snapshots::start(store, Partition::Aws).await.is_err());
}
