//! A store on other machines, as all other code uses it.

use std::{future::Future, sync::Arc, time::Duration};

use async_trait::async_trait;
use bailiwick_storage::{At, Batch, Changes, Health, OutageReason, Revision, ServerId, Store, StoreError, View};
use tokio::{
    sync::{mpsc, oneshot, watch::Receiver},
    task::JoinHandle,
};

use crate::{Backend, BootInstant, Job, Shared, cached_view::CachedView, changes};

/// How long a read waits until the feed has the revision of its view. This server's own commits are there at once; what other
/// servers commit may come later.
const SOON: Duration = Duration::from_millis(5);

/// A store that other servers use as well.
#[async_trait]
pub trait SharedStore: Store {
    /// How many batches wait for the writer.
    fn queued(&self) -> usize;

    /// Finishes the queued batches; later calls fail with [`StoreError::Closed`].
    async fn close(&self);
}

/// A store on other machines.
#[derive(Debug)]
pub struct RemoteStore<B: Backend> {
    shared: Arc<Shared<B>>,
    queue: mpsc::Sender<Job>,
    /// What was read is current until then.
    trusted: Receiver<BootInstant>,
    follower: JoinHandle<()>,
}

impl<B: Backend> RemoteStore<B> {
    /// Starts the follower. A [`Writer`](crate::Writer) takes what comes through the queue.
    pub fn start(
        shared: Arc<Shared<B>>,
        queue: mpsc::Sender<Job>,
        trusted: Receiver<BootInstant>,
        follower: impl Future<Output = ()> + Send + 'static,
    ) -> Self {
        RemoteStore { shared, queue, trusted, follower: tokio::spawn(follower) }
    }

    /// Finishes the queued batches; later calls fail with [`StoreError::Closed`].
    pub async fn close(&self) {
        let (done, finished) = oneshot::channel();
        if self.queue.send(Job::Close(done)).await.is_ok() {
            // An error means that the writer has already stopped.
            let _ = finished.await;
        }
        self.follower.abort();
        self.shared.backend.leave().await;
    }

    /// Whether the connection was confirmed in time. The task that ends the feed then may not have run yet, if the whole process
    /// was stopped, or the system suspended.
    fn is_trusted(&self) -> bool {
        BootInstant::now() < *self.trusted.borrow()
    }
}

impl<B: Backend> Drop for RemoteStore<B> {
    fn drop(&mut self) {
        self.follower.abort();
        self.shared.generations.close();
    }
}

#[async_trait]
impl<B: Backend> Store for RemoteStore<B> {
    async fn read(&self, at: At) -> Result<Arc<dyn View>, StoreError> {
        // The rows that are known are of this feed's history, which the view's is compared with when it is opened.
        let generation = self.shared.generations.number();
        let view = tokio::select! {
            biased;
            // The other machines may not answer at all.
            ended = self.shared.generations.ended() => return Err(ended),
            view = self.shared.newest() => view?,
        };
        if view.revision() > self.shared.generations.position() {
            // Otherwise no row would be known from memory, and a transaction with many reads would ask for one after the other.
            let _ = tokio::time::timeout(SOON, self.shared.generations.reached(view.revision())).await;
        }
        // After all that waits.
        if !self.is_trusted() {
            return Err(StoreError::Unreachable(OutageReason::Unconfirmed.into()));
        }
        match at {
            At::AtLeast(asked) if asked > view.revision() => Err(StoreError::Ahead { asked, head: view.revision() }),
            _ => Ok(Arc::new(CachedView::new(self.shared.clone(), view, generation))),
        }
    }

    async fn commit(&self, batch: Batch) -> Result<Revision, StoreError> {
        let (answer, answered) = oneshot::channel();
        self.queue.send(Job::Batch(batch, answer)).await.map_err(|_| StoreError::Closed)?;
        answered.await.unwrap_or_else(|_| Err(StoreError::Unknown("the writer stopped".into())))
    }

    async fn watch(&self, after: Revision) -> Result<Box<dyn Changes>, StoreError> {
        changes::follow(&self.shared, after).await
    }

    async fn head(&self) -> Result<Revision, StoreError> {
        Ok(self.read(At::Latest).await?.revision())
    }

    fn server(&self) -> Option<ServerId> {
        Some(self.shared.server)
    }

    fn generation(&self) -> Option<u64> {
        self.shared.generations.number().filter(|_| self.is_trusted())
    }

    fn health(&self) -> Health {
        let unconfirmed = || self.shared.generations.live().err().map(|error| error.outage().reason);
        Health { refuses_changes: self.shared.health.load().as_ref().map(|why| why.reason).or_else(unconfirmed) }
    }
}

#[async_trait]
impl<B: Backend> SharedStore for RemoteStore<B> {
    fn queued(&self) -> usize {
        self.queue.max_capacity() - self.queue.capacity()
    }

    async fn close(&self) {
        RemoteStore::close(self).await;
    }
}
