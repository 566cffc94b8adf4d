//! Turns: calls whose changes met go on one after the other, so that each gets through however many there are.

use std::hash::{BuildHasher, RandomState};

use tokio::sync::{Mutex, MutexGuard};

/// Of how many things at once there can be calls that go on.
const QUEUES: usize = 64;

/// Queues of calls, by what these are about.
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
    /// Waits for the turn of a call about a resource; it ends with what is returned. Fair: first come, first served.
    pub(crate) async fn wait(&self, resource: &str) -> MutexGuard<'_, ()> {
        let queue = self.hasher.hash_one(resource) as usize % QUEUES;
        self.queues[queue].lock().await
    }
}
