//! What is known of rows that cannot be read: reported once, counted, and denied.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bailiwick_storage::keys;
use bytes::Bytes;

/// How many keys are kept, and named in the log.
const MAX_NAMED: usize = 1_000;

/// The rows that could not be read since the start.
#[derive(Debug, Default)]
pub struct Damage {
    known: Mutex<Known>,
}

#[derive(Debug, Default)]
struct Known {
    keys: BTreeSet<Bytes>,
    count: u64,
}

impl Damage {
    /// How many rows there were; a row that is read again counts once, as long as there are less than a thousand.
    pub fn count(&self) -> u64 {
        self.known().count
    }

    /// Their keys in words, the first thousand.
    pub fn described(&self) -> Vec<String> {
        self.known().keys.iter().map(|key| keys::describe(key)).collect()
    }

    pub(crate) fn report(&self, key: &[u8], why: &str) {
        let mut known = self.known();
        if known.keys.contains(key) {
            return;
        }
        known.count += 1;
        if known.keys.len() == MAX_NAMED {
            if known.count == MAX_NAMED as u64 + 1 {
                tracing::error!("more rows of the store are damaged; they are counted and not named");
            }
            return;
        }
        known.keys.insert(Bytes::copy_from_slice(key));
        drop(known);
        tracing::error!(row = keys::describe(key), why, "a row of the store is damaged: what depends on it is denied");
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
