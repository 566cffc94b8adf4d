//! Rate limit of failed authentications, per source and per access key of a source.
//!
//! Beyond the limit a failure is answered with `Throttling`, and unknown credentials are not verified: no secret is
//! opened and no record written. A key that was valid from the same source before is still verified, so that neither
//! failures of others behind the same address nor their own mistakes lock a caller out. A call whose proof is in the
//! request names no caller before it is verified: beyond the limit of its source it waits, also for the failures of others.
//!
//! Memory is bounded: a bucket is removed when it is full again. If there are too many buckets, those with the fewest
//! failures are removed first, so that many false keys cannot reset the limit of a key or of a source.

use std::cmp::Ordering::{Equal, Greater, Less};
use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher as _;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bailiwick_model::SourceNetwork;
use jiff::Timestamp;

/// The burst: failures at the allowed rate over this number of milliseconds.
const BURST: i64 = 10_000;
/// The limit of a source as a multiple of the limit of one of its keys.
const KEYS: u32 = 5;
/// The maximum number of buckets.
const MAX_BUCKETS: usize = 16 * 1024;
/// The number of buckets that are removed at once if there are too many.
const EVICTED: usize = MAX_BUCKETS / 8;
/// The number of slots for valid claims. A new claim replaces an older one in its slot.
const SLOTS: usize = 32 * 1024;
/// The number of hours that a valid claim is remembered.
const REMEMBERED_HOURS: u64 = 12;
/// The bits of a slot that are the hour; the others identify the claim.
const HOUR_BITS: u64 = 0xFF_FFFF;

/// The unverified identity that a caller claims. Texts are compared by a keyed hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Claim {
    /// An access key id.
    Key(u64),
    /// A bearer token. An invalid one is different each time, so it has no limit of its own.
    Token(u64),
    /// Nothing that identifies a caller.
    Unnamed,
}

/// How an attempt is treated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Admission {
    /// It is verified.
    Free,
    /// It is verified, and a failure is answered with `Throttling`.
    OnlyIfValid,
    /// It is not verified, and can be repeated after this time.
    Throttled(Duration),
}

/// The rate limit and its state.
pub(crate) struct Failures {
    /// Failures per second of one source; none if unlimited.
    rate: Option<u32>,
    hasher: RandomState,
    buckets: Mutex<HashMap<u64, Bucket>>,
    /// The time at which all buckets are full again, in milliseconds. From then on they need not be read.
    full_at: AtomicI64,
    known: Box<[AtomicU64]>,
}

/// A token bucket, stored as the time at which it is full again, in milliseconds.
#[derive(Clone, Copy)]
struct Bucket {
    full_at: i64,
}

impl Failures {
    /// Makes a limit of this many failures per second and source, with bursts of ten times as many; a fifth of that per
    /// key. Zero means unlimited.
    pub(crate) fn new(rate: u32) -> Self {
        Failures {
            rate: (rate > 0).then_some(rate),
            hasher: RandomState::new(),
            buckets: Mutex::default(),
            full_at: AtomicI64::new(i64::MIN),
            known: (0..SLOTS).map(|_| AtomicU64::new(0)).collect(),
        }
    }

    /// The claim to have this access key.
    pub(crate) fn key(&self, id: &str) -> Claim {
        Claim::Key(self.hasher.hash_one(id))
    }

    /// The claim to have this bearer token.
    pub(crate) fn token(&self, token: &str) -> Claim {
        Claim::Token(self.hasher.hash_one(token))
    }

    /// Returns how an attempt is treated. `claim` is called only if the result depends on it.
    pub(crate) fn admit(&self, source: SourceNetwork, claim: impl FnOnce() -> Claim, now: Timestamp) -> Admission {
        let millis = now.as_millisecond();
        if self.full_at.load(Ordering::Relaxed) <= millis {
            return Admission::Free;
        }
        let claim = claim();
        let buckets = self.buckets();
        let wait = |bucket: u64| buckets.get(&bucket).map_or(0, |bucket| bucket.full_at - BURST - millis);
        let wait = wait(self.hash(source, None))
            .max(with_bucket(claim).map_or(0, |claim| wait(self.hash(source, Some(claim)))));
        if wait <= 0 {
            Admission::Free
        } else if self.is_known(source, claim, now) {
            Admission::OnlyIfValid
        } else {
            Admission::Throttled(Duration::from_millis(wait.unsigned_abs()))
        }
    }

    /// Records a failed attempt.
    pub(crate) fn failed(&self, source: SourceNetwork, claim: Claim, now: Timestamp) {
        let Some(rate) = self.rate else { return };
        let millis = now.as_millisecond();
        let mut buckets = self.buckets();
        if buckets.len() + 2 > MAX_BUCKETS {
            buckets.retain(|_, bucket| bucket.full_at > millis);
            if buckets.len() + 2 > MAX_BUCKETS {
                remove_lightest(&mut buckets, EVICTED);
            }
        }
        let mut take = |bucket: u64, cost: i64| {
            let bucket = buckets.entry(bucket).or_insert(Bucket { full_at: millis });
            // A clock that moves back must not prolong the wait, and the wait does not grow with the number of failures.
            bucket.full_at = bucket.full_at.clamp(millis, millis + BURST) + cost;
            self.full_at.fetch_max(bucket.full_at, Ordering::Relaxed);
        };
        let cost = 1_000 / i64::from(rate);
        take(self.hash(source, None), cost.max(1));
        if let Some(claim) = with_bucket(claim) {
            take(self.hash(source, Some(claim)), (cost * i64::from(KEYS)).max(1));
        }
    }

    /// Records a successful attempt.
    pub(crate) fn succeeded(&self, source: SourceNetwork, claim: Claim, now: Timestamp) {
        let (slot, mark) = self.slot(source, claim);
        let entry = mark | hour(now);
        if slot.load(Ordering::Relaxed) != entry {
            slot.store(entry, Ordering::Relaxed);
        }
        if self.full_at.load(Ordering::Relaxed) > now.as_millisecond()
            && let Some(claim) = with_bucket(claim)
        {
            self.buckets().remove(&self.hash(source, Some(claim)));
        }
    }

    fn is_known(&self, source: SourceNetwork, claim: Claim, now: Timestamp) -> bool {
        let (slot, mark) = self.slot(source, claim);
        let entry = slot.load(Ordering::Relaxed);
        let age = hour(now).saturating_sub(entry & HOUR_BITS);
        claim != Claim::Unnamed && entry & !HOUR_BITS == mark && age <= REMEMBERED_HOURS
    }

    fn slot(&self, source: SourceNetwork, claim: Claim) -> (&AtomicU64, u64) {
        let hash = self.hash(source, Some(claim));
        // The lowest bits are the index of the slot, the highest identify the claim.
        let index = usize::try_from(hash % SLOTS as u64).unwrap_or(0);
        (&self.known[index], hash & !HOUR_BITS)
    }

    fn hash(&self, source: SourceNetwork, claim: Option<Claim>) -> u64 {
        self.hasher.hash_one((source, claim))
    }

    fn buckets(&self) -> MutexGuard<'_, HashMap<u64, Bucket>> {
        self.buckets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Removes the buckets that are full again first, which have the fewest recent failures.
fn remove_lightest(buckets: &mut HashMap<u64, Bucket>, count: usize) {
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

/// Returns the claim if it has a bucket of its own.
fn with_bucket(claim: Claim) -> Option<Claim> {
    matches!(claim, Claim::Key(_)).then_some(claim)
}

/// Hours since 1970. Fits its bits for some two thousand years.
fn hour(now: Timestamp) -> u64 {
    u64::try_from(now.as_second() / 3_600).unwrap_or(0) & HOUR_BITS
}

#[cfg(test)]
mod tests;
