//! What a store on other machines does, and the state that its parts share.

use std::sync::Arc;

use arc_swap::ArcSwapOption;
use async_trait::async_trait;
use bailiwick_storage::{Authenticator, ChangeSet, Outage, Revision, ServerId, StoreError, View};

use crate::{generation::Generations, views::Views};

/// Reads a store on other machines.
#[async_trait]
pub trait Backend: std::fmt::Debug + Send + Sync + Sized + 'static {
    /// A view of it.
    type View: View + std::fmt::Debug + 'static;

    /// Opens the newest revision.
    async fn begin(shared: &Shared<Self>) -> Result<Self::View, StoreError>;

    /// Reads change sets after a revision, in order, from the change log as a view shows it.
    ///
    /// # Errors
    /// [`StoreError::Compacted`] if the log does not reach back that far.
    async fn log(
        shared: &Shared<Self>,
        view: &Self::View,
        after: Revision,
        limit: usize,
    ) -> Result<Vec<Arc<ChangeSet>>, StoreError>;

    /// Ends the use of the store by this process, which is closed.
    async fn leave(&self) {}
}

/// The state that readers, the follower and the writer share.
#[derive(Debug)]
pub struct Shared<B: Backend> {
    /// Reads the store.
    pub backend: B,
    /// Checks every row.
    pub authenticator: Authenticator,
    /// This server.
    pub server: ServerId,
    /// The epoch of the store that was opened.
    pub epoch: i64,
    /// What followers of the change log read from.
    pub generations: Generations,
    pub(crate) views: Views<B::View>,
    /// Why changes are refused.
    pub(crate) health: ArcSwapOption<Outage>,
}

impl<B: Backend> Shared<B> {
    /// The state of a store that was just opened.
    pub fn new(
        backend: B,
        authenticator: Authenticator,
        server: ServerId,
        epoch: i64,
        generations: Generations,
    ) -> Arc<Self> {
        let (views, health) = (Views::default(), ArcSwapOption::empty());
        Arc::new(Shared { backend, authenticator, server, epoch, generations, views, health })
    }

    /// Returns a view of the newest revision: one that was begun after this call, by this call or another one.
    pub(crate) async fn newest(&self) -> Result<Arc<B::View>, StoreError> {
        self.views.newest(B::begin(self)).await
    }
}
