//! Token buckets by a hash of what they limit.
//!
//! Memory is bounded: a bucket is removed when it is full again. If there are too many buckets, those from which the least
//! was taken are removed first, so that many others cannot reset a bucket.

use std::cmp::Ordering::{Equal, Greater, Less};
use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The maximum number of buckets.
pub(crate) const MAX_BUCKETS: usize = 16 * 1024;
/// The number of buckets that are removed at once if there are too many.
const EVICTED: usize = MAX_BUCKETS / 8;

/// The buckets. All times are in milliseconds since 1970.
pub(crate) struct TokenBuckets {
    /// What an empty bucket takes to be full again.
    burst: i64,
    buckets: Mutex<HashMap<u64, Bucket>>,
    /// The time at which all buckets are full again. From then on they need not be read.
    full_at: AtomicI64,
}

/// A token bucket, stored as the time at which it is full again.
#[derive(Clone, Copy)]
pub(crate) struct Bucket {
    full_at: i64,
}

impl TokenBuckets {
    pub(crate) fn new(burst: i64) -> Self {
        TokenBuckets { burst, buckets: Mutex::default(), full_at: AtomicI64::new(i64::MIN) }
    }

    /// Whether all buckets are full.
    pub(crate) fn are_full(&self, now: i64) -> bool {
        self.full_at.load(Ordering::Relaxed) <= now
    }

    /// The longest time until one of these buckets is not empty any more; zero or less if none is empty.
    pub(crate) fn wait(&self, hashes: impl IntoIterator<Item = u64>, now: i64) -> i64 {
        let buckets = self.buckets();
        let waits = hashes.into_iter().map(|hash| buckets.get(&hash).map_or(0, |b| b.full_at - self.burst - now));
        waits.max().unwrap_or(0)
    }

    /// Takes from buckets, also from empty ones. A cost is the time in which a bucket gets as much again.
    pub(crate) fn take(&self, costs: &[(u64, i64)], now: i64) {
        let mut buckets = self.buckets();
        if buckets.len() + costs.len() > MAX_BUCKETS {
            buckets.retain(|_, bucket| bucket.full_at > now);
            if buckets.len() + costs.len() > MAX_BUCKETS {
                remove_fullest(&mut buckets, EVICTED);
            }
        }
        for &(hash, cost) in costs {
            let bucket = buckets.entry(hash).or_insert(Bucket { full_at: now });
            // A clock that moves back must not prolong the wait, and the wait does not grow with what was taken from an
            // empty bucket.
            bucket.full_at = bucket.full_at.clamp(now, now + self.burst) + cost;
            self.full_at.fetch_max(bucket.full_at, Ordering::Relaxed);
        }
    }

    /// Fills a bucket.
    pub(crate) fn fill(&self, hash: u64) {
        self.buckets().remove(&hash);
    }

    pub(crate) fn buckets(&self) -> MutexGuard<'_, HashMap<u64, Bucket>> {
        self.buckets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Removes the buckets that are full again first.
fn remove_fullest(buckets: &mut HashMap<u64, Bucket>, count: usize) {
    let mut ends: Vec<i64> = buckets.values().map(|bucket| bucket.full_at).collect();
    let Some(at) = count.min(ends.len()).checked_sub(1) else { return };
    let (lighter, &mut last, _) = ends.select_nth_unstable(at);
    let mut ties = count - lighter.iter().filter(|end| **end < last).count();
    buckets.retain(|_, bucket| match bucket.full_at.cmp(&last) {
        Less => false,
        Equal if ties > 0 => {
            ties -= 1;
            false
        }
        Equal | Greater => true,
    });
}
