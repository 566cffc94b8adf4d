//! A store that fails on purpose: before a commit, after it, or by delaying it.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use bailiwick_storage::{At, Batch, Changes, Revision, ServerId, Store, StoreError, View};
use tokio::sync::Semaphore;

/// The fault of one commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// No fault.
    None,
    /// The commit reports a conflict although there was none; the caller must retry.
    Conflict,
    /// The store fails before the commit.
    Before,
    /// The commit succeeds, and the store reports an unknown outcome.
    After,
    /// It waits until [`Faulty::release`].
    Held,
}

/// A wrapper of another store. Commits have the planned faults, in order; further ones have none.
pub struct Faulty {
    inner: Arc<dyn Store>,
    plan: Mutex<VecDeque<Fault>>,
    reads_fail: Mutex<bool>,
    gate: Semaphore,
}

impl Faulty {
    /// Wraps `inner`, with the faults in `plan`.
    pub fn new(inner: Arc<dyn Store>, plan: impl IntoIterator<Item = Fault>) -> Self {
        let plan = Mutex::new(plan.into_iter().collect());
        Faulty { inner, plan, reads_fail: Mutex::new(false), gate: Semaphore::new(0) }
    }

    /// Adds a fault for a commit to come.
    pub fn plan(&self, fault: Fault) {
        self.plan.lock().unwrap_or_else(PoisonError::into_inner).push_back(fault);
    }

    /// Lets one held commit continue.
    pub fn release(&self) {
        self.gate.add_permits(1);
    }

    /// Whether reads fail from now on.
    pub fn fail_reads(&self, fail: bool) {
        *self.reads_fail.lock().unwrap_or_else(PoisonError::into_inner) = fail;
    }
}

fn broken() -> StoreError {
    StoreError::Backend("planned".into())
}

#[async_trait]
impl Store for Faulty {
    async fn read(&self, at: At) -> Result<Arc<dyn View>, StoreError> {
        if *self.reads_fail.lock().unwrap_or_else(PoisonError::into_inner) {
            return Err(broken());
        }
        self.inner.read(at).await
    }

    async fn commit(&self, batch: Batch) -> Result<Revision, StoreError> {
        let fault = self.plan.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
        match fault.unwrap_or(Fault::None) {
            Fault::None => self.inner.commit(batch).await,
            Fault::Conflict => Err(StoreError::Conflict { keys: Vec::new() }),
            Fault::Before => Err(broken()),
            Fault::After => {
                self.inner.commit(batch).await?;
                Err(StoreError::Unknown("planned".into()))
            }
            Fault::Held => {
                let permit = self.gate.acquire().await.map_err(|_| StoreError::Closed)?;
                permit.forget();
                self.inner.commit(batch).await
            }
        }
    }

    async fn watch(&self, after: Revision) -> Result<Box<dyn Changes>, StoreError> {
        self.inner.watch(after).await
    }

    fn server(&self) -> Option<ServerId> {
        self.inner.server()
    }

    async fn head(&self) -> Result<Revision, StoreError> {
        self.inner.head().await
    }
}
