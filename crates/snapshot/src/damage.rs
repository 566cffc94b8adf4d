//! The register of damaged rows: each is logged once and counted.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bailiwick_storage::keys;
use bytes::Bytes;

/// The maximum number of keys that are stored and logged.
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
    /// The number of damaged rows. The same row is counted once, up to a thousand rows.
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
                tracing::error!("more rows of the store are damaged; they are counted but not logged");
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
