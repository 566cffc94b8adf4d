//! How often callers may fail to authenticate, by where they call from and by whose key they claim to have.
//!
//! Beyond the limit a failure is answered with `Throttling`, and what is not known to be good is not looked at: neither
//! a secret is opened nor a record written. A key that was good from the same source before is still verified, so that
//! nobody is locked out by a neighbour who fails, nor by their own mistakes.
//!
//! Memory is bounded: buckets are forgotten when they are full again. When there are too many, those of the fewest
//! failures go first, so that a source cannot reset the limit of a key or of a source by many false keys.

use std::cmp::Ordering::{Equal, Greater, Less};
use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher as _;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bailiwick_model::SourceNetwork;
use jiff::Timestamp;

/// Milliseconds of failures at the allowed rate that may come at once.
const BURST: i64 = 10_000;
/// How many times as many failures a source may have as one key of it.
const KEYS: u32 = 5;
/// The most buckets.
const MAX_BUCKETS: usize = 16 * 1024;
/// How many buckets are removed at once when there are too many.
const EVICTED: usize = MAX_BUCKETS / 8;
/// Places for what was good; a new one takes the place of an older one.
const KNOWN: usize = 32 * 1024;
/// Hours that what was good is remembered for.
const KNOWN_HOURS: u64 = 12;
/// The bits of a place that are the hour; the others tell whose it is.
const HOUR_BITS: u64 = 0xFF_FFFF;

/// What a caller claims to be, before it is verified. Texts are told apart by a keyed hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Claim {
    /// An access key id.
    Key(u64),
    /// A bearer token. Each wrong one is another, so there is no limit for one.
    Token(u64),
    /// Nothing that names anyone.
    Unnamed,
}

/// How an attempt may be treated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Admission {
    /// As any other.
    Free,
    /// It is verified; if that fails, the answer is `Throttling` like the others'.
    OnlyIfValid,
    /// It is not verified, and may be tried again after this.
    Throttled(Duration),
}

/// The limits, and who is near them.
pub(crate) struct Failures {
    /// Failures per second of one source; none for no limit.
    rate: Option<u32>,
    hasher: RandomState,
    buckets: Mutex<HashMap<u64, Bucket>>,
    /// When all buckets are full again, in milliseconds; until then they are looked at.
    full_at: AtomicI64,
    known: Box<[AtomicU64]>,
}

/// A bucket of tokens, told by when it is full again, in milliseconds.
#[derive(Clone, Copy)]
struct Bucket {
    full_at: i64,
}

impl Failures {
    /// So many failures per second may come from one source, in bursts of ten times as many; a fifth of that for one
    /// key. Zero is no limit.
    pub(crate) fn new(rate: u32) -> Self {
        Failures {
            rate: (rate > 0).then_some(rate),
            hasher: RandomState::new(),
            buckets: Mutex::default(),
            full_at: AtomicI64::new(i64::MIN),
            known: (0..KNOWN).map(|_| AtomicU64::new(0)).collect(),
        }
    }

    /// The claim to be who an access key belongs to.
    pub(crate) fn key(&self, id: &str) -> Claim {
        Claim::Key(self.hasher.hash_one(id))
    }

    /// The claim that a bearer token is a good one.
    pub(crate) fn token(&self, token: &str) -> Claim {
        Claim::Token(self.hasher.hash_one(token))
    }

    /// How an attempt may be treated. The claim is asked for only when that depends on it.
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

    /// An attempt failed.
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
            // A clock that goes back must not make anyone wait for it; and a flood waits no longer than its last.
            bucket.full_at = bucket.full_at.clamp(millis, millis + BURST) + cost;
            self.full_at.fetch_max(bucket.full_at, Ordering::Relaxed);
        };
        let cost = 1_000 / i64::from(rate);
        take(self.hash(source, None), cost.max(1));
        if let Some(claim) = with_bucket(claim) {
            take(self.hash(source, Some(claim)), (cost * i64::from(KEYS)).max(1));
        }
    }

    /// An attempt succeeded.
    pub(crate) fn succeeded(&self, source: SourceNetwork, claim: Claim, now: Timestamp) {
        let (place, mark) = self.place(source, claim);
        let entry = mark | hour(now);
        if place.load(Ordering::Relaxed) != entry {
            place.store(entry, Ordering::Relaxed);
        }
        if self.full_at.load(Ordering::Relaxed) > now.as_millisecond()
            && let Some(claim) = with_bucket(claim)
        {
            self.buckets().remove(&self.hash(source, Some(claim)));
        }
    }

    fn is_known(&self, source: SourceNetwork, claim: Claim, now: Timestamp) -> bool {
        let (place, mark) = self.place(source, claim);
        let entry = place.load(Ordering::Relaxed);
        let age = hour(now).saturating_sub(entry & HOUR_BITS);
        claim != Claim::Unnamed && entry & !HOUR_BITS == mark && age <= KNOWN_HOURS
    }

    fn place(&self, source: SourceNetwork, claim: Claim) -> (&AtomicU64, u64) {
        let hash = self.hash(source, Some(claim));
        // The lowest bits say where it is, the highest whose.
        let index = usize::try_from(hash % KNOWN as u64).unwrap_or(0);
        (&self.known[index], hash & !HOUR_BITS)
    }

    fn hash(&self, source: SourceNetwork, claim: Option<Claim>) -> u64 {
        self.hasher.hash_one((source, claim))
    }

    fn buckets(&self) -> MutexGuard<'_, HashMap<u64, Bucket>> {
        self.buckets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Removes the buckets that are full again first: those of the fewest recent failures.
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

/// What has a bucket of its own.
fn with_bucket(claim: Claim) -> Option<Claim> {
    matches!(claim, Claim::Key(_)).then_some(claim)
}

/// Hours since 1970. Fits its bits for some two thousand years.
fn hour(now: Timestamp) -> u64 {
    u64::try_from(now.as_second() / 3_600).unwrap_or(0) & HOUR_BITS
}

#[cfg(test)]
mod tests;
