//! A store that delays commits.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bailiwick_storage::keys::{self, Kind};
use bailiwick_storage::{
    At, Batch, Changes, Inspected, MemoryStore, Revision, Scan, Store, StoreError, Tally, Versioned, View,
};
use tokio::sync::Semaphore;

/// A store in memory that delays some commits until a test releases them, and counts conflicts.
#[expect(missing_debug_implementations, reason = "stores have no text")]
pub struct HoldingStore {
    inner: MemoryStore,
    /// Commits that put a record of this kind are delayed, this many of them.
    held: Mutex<(Option<Kind>, usize)>,
    gate: Semaphore,
    conflicts: AtomicUsize,
    elsewhere: AtomicBool,
}

/// A view of a store on another machine.
struct ElsewhereView(Arc<dyn View>);

impl HoldingStore {
    /// Delays the next `count` commits that put a record of this kind.
    pub fn hold(&self, kind: Kind, count: usize) {
        *self.held.lock().unwrap() = (Some(kind), count);
    }

    /// Releases `count` delayed commits.
    pub fn release(&self, count: usize) {
        self.gate.add_permits(count);
    }

    /// From now on, the store is like one on another machine, of which no row is in memory.
    pub fn be_elsewhere(&self) {
        self.elsewhere.store(true, Ordering::Relaxed);
    }

    /// The number of conflicts since the start.
    pub fn conflicts(&self) -> usize {
        self.conflicts.load(Ordering::Relaxed)
    }

    fn is_held(&self, batch: &Batch) -> bool {
        let mut held = self.held.lock().unwrap();
        let puts = |kind| batch.put.iter().any(|(key, _)| keys::parse(key).is_some_and(|(_, put, _)| put == kind));
        let is_held = held.1 > 0 && held.0.is_some_and(puts);
        held.1 -= usize::from(is_held);
        is_held
    }
}

impl Default for HoldingStore {
    fn default() -> Self {
        HoldingStore {
            inner: MemoryStore::new(),
            held: Mutex::default(),
            gate: Semaphore::new(0),
            conflicts: AtomicUsize::new(0),
            elsewhere: AtomicBool::new(false),
        }
    }
}

#[async_trait]
impl Store for HoldingStore {
    async fn read(&self, at: At) -> Result<Arc<dyn View>, StoreError> {
        let view = self.inner.read(at).await?;
        if self.elsewhere.load(Ordering::Relaxed) { Ok(Arc::new(ElsewhereView(view))) } else { Ok(view) }
    }

    async fn commit(&self, batch: Batch) -> Result<Revision, StoreError> {
        if self.is_held(&batch) {
            self.gate.acquire().await.unwrap().forget();
        }
        let committed = self.inner.commit(batch).await;
        if matches!(committed, Err(StoreError::Conflict { .. })) {
            self.conflicts.fetch_add(1, Ordering::Relaxed);
        }
        committed
    }

    async fn watch(&self, after: Revision) -> Result<Box<dyn Changes>, StoreError> {
        self.inner.watch(after).await
    }

    async fn head(&self) -> Result<Revision, StoreError> {
        self.inner.head().await
    }
}

#[async_trait]
impl View for ElsewhereView {
    fn revision(&self) -> Revision {
        self.0.revision()
    }

    async fn get(&self, key: &[u8]) -> Result<Option<Versioned>, StoreError> {
        self.0.get(key).await
    }

    fn is_elsewhere(&self, _: &[u8]) -> bool {
        true
    }

    async fn inspect(&self, scan: Scan<'_>) -> Result<Vec<Inspected>, StoreError> {
        self.0.inspect(scan).await
    }

    fn tally(&self) -> Tally {
        self.0.tally()
    }
}
