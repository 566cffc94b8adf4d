//! Locks over parts of a map.

use std::hash::{BuildHasher as _, Hash, RandomState};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A power of two.
const COUNT: usize = 16;

/// A value in parts, each with a lock of its own. Each key belongs to one part. Work on all parts locks one at a time, so
/// that a round of writing many uses does not stop the calls that note one.
pub(super) struct Shards<T> {
    parts: [Mutex<T>; COUNT],
    hasher: RandomState,
}

impl<T: Default> Default for Shards<T> {
    fn default() -> Self {
        Shards { parts: std::array::from_fn(|_| Mutex::default()), hasher: RandomState::new() }
    }
}

impl<T> Shards<T> {
    /// Locks the part of a key.
    pub(super) fn of(&self, key: &impl Hash) -> MutexGuard<'_, T> {
        let part = self.hasher.hash_one(key) as usize % COUNT;
        lock(&self.parts[part])
    }

    /// Locks one part after the other.
    pub(super) fn each(&self) -> impl Iterator<Item = MutexGuard<'_, T>> {
        self.parts.iter().map(lock)
    }
}

fn lock<T>(part: &Mutex<T>) -> MutexGuard<'_, T> {
    part.lock().unwrap_or_else(PoisonError::into_inner)
}
