//! The newest view, for calls that may share it.

use std::{
    future::Future,
    sync::{
        Arc, Weak,
        atomic::{AtomicU64, Ordering},
    },
};

use bailiwick_storage::StoreError;
use tokio::sync::Mutex;

/// The newest view, for calls that may share it.
pub(crate) struct Views<V> {
    /// How many views were begun.
    begun: AtomicU64,
    /// The number of the newest view, and the view while it is in use.
    newest: Mutex<(u64, Weak<V>)>,
}

impl<V> std::fmt::Debug for Views<V> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Views").field("begun", &self.begun).finish_non_exhaustive()
    }
}

impl<V> Default for Views<V> {
    fn default() -> Self {
        Views { begun: AtomicU64::new(0), newest: Mutex::new((0, Weak::new())) }
    }
}

impl<V> Views<V> {
    /// Returns a view of the newest revision: one that was begun after this call, by `begin` or by another call. So many calls
    /// at the same time need two views.
    pub(crate) async fn newest(
        &self,
        begin: impl Future<Output = Result<V, StoreError>>,
    ) -> Result<Arc<V>, StoreError> {
        let before = self.begun.load(Ordering::SeqCst);
        let mut newest = self.newest.lock().await;
        if newest.0 > before
            && let Some(view) = newest.1.upgrade()
        {
            return Ok(view);
        }
        let number = self.begun.fetch_add(1, Ordering::SeqCst) + 1;
        let view = Arc::new(begin.await?);
        *newest = (number, Arc::downgrade(&view));
        Ok(view)
    }
}
