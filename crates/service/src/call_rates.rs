//! Rate limits of calls, per principal and per source. There are none by default.
//!
//! Decisions for other services are not limited: a service asks for all its users.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher as _, Hash};
use std::time::Duration;

use bailiwick_model::SourceNetwork;
use jiff::Timestamp;

use crate::token_buckets::TokenBuckets;

/// The burst: calls at the allowed rate over this number of microseconds.
const BURST: i64 = 10_000_000;

/// The rate limits and their state.
pub(crate) struct CallRates {
    of_principals: Option<RateLimit>,
    of_sources: Option<RateLimit>,
}

struct RateLimit {
    /// The microseconds between two calls at the allowed rate.
    cost: i64,
    hasher: RandomState,
    buckets: TokenBuckets,
}

impl CallRates {
    /// Limits of calls per second of one principal and of one source, with bursts of ten times as many. Zero means
    /// unlimited.
    pub(crate) fn new(of_principals: u32, of_sources: u32) -> Self {
        CallRates { of_principals: RateLimit::new(of_principals), of_sources: RateLimit::new(of_sources) }
    }

    /// Counts a call of a principal.
    ///
    /// # Errors
    /// The time to wait, beyond the limit. Such a call is not counted.
    pub(crate) fn admit_principal(&self, principal: impl FnOnce() -> String, now: Timestamp) -> Result<(), Duration> {
        self.of_principals.as_ref().map_or(Ok(()), |limit| limit.admit(principal(), now))
    }

    /// Counts a call from a source.
    ///
    /// # Errors
    /// As [`Self::admit_principal`].
    pub(crate) fn admit_source(&self, source: SourceNetwork, now: Timestamp) -> Result<(), Duration> {
        self.of_sources.as_ref().map_or(Ok(()), |limit| limit.admit(source, now))
    }
}

impl RateLimit {
    fn new(per_second: u32) -> Option<Self> {
        let cost = 1_000_000_i64.checked_div(i64::from(per_second))?.max(1);
        Some(RateLimit { cost, hasher: RandomState::new(), buckets: TokenBuckets::new(BURST) })
    }

    fn admit(&self, whose: impl Hash, now: Timestamp) -> Result<(), Duration> {
        let (hash, now) = (self.hasher.hash_one(whose), now.as_microsecond());
        let wait = self.buckets.wait([hash], now);
        if wait > 0 {
            return Err(Duration::from_micros(wait.unsigned_abs()));
        }
        self.buckets.take(&[(hash, self.cost)], now);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millisecond(1_800_000_000_000 + millis).unwrap()
    }

    #[test]
    fn a_principal_has_a_burst_and_then_the_rate() {
        let rates = CallRates::new(5, 0);
        let call = |who: &str, millis| rates.admit_principal(|| who.to_owned(), at(millis));
        // The burst of 50, and the call that empties the bucket.
        let burst = (0..100).filter(|_| call("anna", 0).is_ok()).count();
        assert_eq!(burst, 51);
        assert_eq!(call("anna", 0), Err(Duration::from_millis(200)));
        assert_eq!(call("ben", 0), Ok(()), "principals have limits of their own");
        assert_eq!(call("anna", 199), Err(Duration::from_millis(1)), "what was refused does not count");
        assert_eq!(call("anna", 200), Ok(()));
        assert_eq!(call("anna", 201), Err(Duration::from_millis(199)));
    }

    #[test]
    fn sources_are_limited_by_network() {
        let rates = CallRates::new(0, 1);
        let call = |ip: &str| rates.admit_source(SourceNetwork::of(ip.parse().unwrap()), at(0));
        assert_eq!((0..100).filter(|i| call(&format!("2001:db8::{i}")).is_ok()).count(), 11, "a /64 is one source");
        assert_eq!(call("2001:db8:0:1::1"), Ok(()));
        assert_eq!(call("192.0.2.1"), Ok(()));
        assert_eq!(rates.admit_principal(|| unreachable!("there is no limit of principals"), at(0)), Ok(()));
    }

    #[test]
    fn a_rate_beyond_the_resolution_is_the_highest() {
        let rates = CallRates::new(u32::MAX, 0);
        assert!((0..10_000).all(|_| rates.admit_principal(String::new, at(0)).is_ok()));
    }
}
