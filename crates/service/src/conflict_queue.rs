//! Queues for calls that had a write conflict. Calls about the same resource are retried one after the other, so that
//! every one of them succeeds in the end.

use std::hash::{BuildHasher, RandomState};

use tokio::sync::{Mutex, MutexGuard};

/// The number of queues. Calls about different resources may share one.
const QUEUES: usize = 64;

/// The queues, by a hash of the resource.
pub(crate) struct ConflictQueue {
    queues: [Mutex<()>; QUEUES],
    hasher: RandomState,
}

impl Default for ConflictQueue {
    fn default() -> Self {
        ConflictQueue { queues: [const { Mutex::const_new(()) }; QUEUES], hasher: RandomState::new() }
    }
}

impl ConflictQueue {
    /// Waits until no earlier call of the queue is left. The next call continues when the guard is dropped.
    pub(crate) async fn wait(&self, resource: &str) -> MutexGuard<'_, ()> {
        let queue = self.hasher.hash_one(resource) as usize % QUEUES;
        self.queues[queue].lock().await
    }
}
