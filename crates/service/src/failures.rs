//! Rate limit of failed authentications, per source and per access key of a source.
//!
//! Beyond the limit a failure is answered with `Throttling`, and unknown credentials are not verified: no secret is
//! opened and no record written. A key that was valid from the same source before is still verified, so that neither
//! failures of others behind the same address nor their own mistakes lock a caller out. A call whose proof is in the
//! request names no caller before it is verified: beyond the limit of its source it waits, also for the failures of others.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bailiwick_model::SourceNetwork;
use jiff::Timestamp;

use crate::token_buckets::TokenBuckets;

/// The burst: failures at the allowed rate over this number of milliseconds.
const BURST: i64 = 10_000;
/// The limit of a source as a multiple of the limit of one of its keys.
const KEYS: u32 = 5;
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
    buckets: TokenBuckets,
    known: Box<[AtomicU64]>,
}

impl Failures {
    /// Makes a limit of this many failures per second and source, with bursts of ten times as many; a fifth of that per
    /// key. Zero means unlimited.
    pub(crate) fn new(rate: u32) -> Self {
        Failures {
            rate: (rate > 0).then_some(rate),
            hasher: RandomState::new(),
            buckets: TokenBuckets::new(BURST),
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

    /// The claim to have this certificate, by its digest.
    pub(crate) fn certificate(&self, sha256: &[u8; 32]) -> Claim {
        Claim::Key(self.hasher.hash_one(sha256))
    }

    /// Returns how an attempt is treated. `claim` is called only if the result depends on it.
    pub(crate) fn admit(&self, source: SourceNetwork, claim: impl FnOnce() -> Claim, now: Timestamp) -> Admission {
        let millis = now.as_millisecond();
        if self.buckets.are_full(millis) {
            return Admission::Free;
        }
        let claim = claim();
        let limits = [Some(None), with_bucket(claim).map(Some)].into_iter().flatten();
        let wait = self.buckets.wait(limits.map(|claim| self.hash(source, claim)), millis);
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
        let cost = 1_000 / i64::from(rate);
        let of_source = (self.hash(source, None), cost.max(1));
        let of_claim = with_bucket(claim);
        let of_claim = of_claim.map(|claim| (self.hash(source, Some(claim)), (cost * i64::from(KEYS)).max(1)));
        let costs = [of_source, of_claim.unwrap_or(of_source)];
        self.buckets.take(&costs[..1 + usize::from(of_claim.is_some())], now.as_millisecond());
    }

    /// Records a successful attempt.
    pub(crate) fn succeeded(&self, source: SourceNetwork, claim: Claim, now: Timestamp) {
        let (slot, mark) = self.slot(source, claim);
        let entry = mark | hour(now);
        if slot.load(Ordering::Relaxed) != entry {
            slot.store(entry, Ordering::Relaxed);
        }
        if !self.buckets.are_full(now.as_millisecond())
            && let Some(claim) = with_bucket(claim)
        {
            self.buckets.fill(self.hash(source, Some(claim)));
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
