//! Counts failed sign-ins, so that many of one user or source are one alert.

use std::collections::HashMap;

use bailiwick_model::SourceNetwork;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::alerts::SIGN_INS;

/// The largest number of users and sources that are counted at once.
const MAX_KEYS: usize = 20_000;

/// When failed sign-ins become an alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignInThreshold {
    /// How many of one user, or of one source.
    pub failures: u64,
    /// Within which time, in seconds. There is no other alert of the same user or source in it.
    pub seconds: u32,
}

impl SignInThreshold {
    /// Five in ten minutes.
    pub const USUAL: SignInThreshold = SignInThreshold { failures: 5, seconds: 600 };
}

/// The failed sign-ins that a sink has come to.
pub(super) struct FailedSignIns {
    threshold: SignInThreshold,
    counts: HashMap<String, Count>,
}

/// Those of one user or source.
struct Count {
    begin: Timestamp,
    failures: u64,
    is_alerted: bool,
}

impl FailedSignIns {
    pub(super) fn new(threshold: SignInThreshold) -> Self {
        FailedSignIns { threshold, counts: HashMap::new() }
    }

    /// Counts a record. Returns the number of failures if they are to be an alert now.
    pub(super) fn note(&mut self, record: &Value, time: Timestamp) -> Option<u64> {
        if !is_failed_sign_in(record) {
            return None;
        }
        let failures = 1 + record["additionalEventData"]["suppressed"].as_u64().unwrap_or(0);
        // Users who do not exist have no identity, and what was typed for one is not in the record.
        let user = record["userIdentity"]["arn"].as_str().map(str::to_owned);
        let source = record["sourceIPAddress"].as_str().map(network);
        [user, source].into_iter().flatten().filter_map(|key| self.count(key, failures, time)).max()
    }

    fn count(&mut self, key: String, failures: u64, time: Timestamp) -> Option<u64> {
        let window = SignedDuration::from_secs(self.threshold.seconds.into());
        let is_over = |count: &Count| time.duration_since(count.begin) >= window;
        if self.counts.len() >= MAX_KEYS && !self.counts.contains_key(&key) {
            self.counts.retain(|_, count| !is_over(count));
            if self.counts.len() >= MAX_KEYS {
                // The one that began first, in place of the new one.
                let first = self.counts.iter().min_by_key(|(_, count)| count.begin).map(|(key, _)| key.clone());
                first.and_then(|first| self.counts.remove(&first));
            }
        }
        let new = || Count { begin: time, failures: 0, is_alerted: false };
        let count = self.counts.entry(key).or_insert_with(new);
        if is_over(count) {
            *count = new();
        }
        count.failures = count.failures.saturating_add(failures);
        let is_due = count.failures >= self.threshold.failures && !count.is_alerted;
        count.is_alerted |= is_due;
        is_due.then_some(count.failures)
    }
}

/// The network of a source, as the lockout counts it: one client has all addresses of an IPv6 /64.
fn network(source: &str) -> String {
    source.parse().map_or_else(|_| source.to_owned(), |address| SourceNetwork::of(address).to_string())
}

/// Whether a sign-in failed because of what proves the user's identity, or was refused by the lockout.
fn is_failed_sign_in(record: &Value) -> bool {
    let is_sign_in = record["eventName"].as_str().is_some_and(|name| SIGN_INS.contains(&name));
    let is_failure =
        |code: &str| ["AccessDenied", "InvalidAuthenticationCode"].contains(&code) || code.starts_with("Throttling");
    is_sign_in && record["errorCode"].as_str().is_some_and(is_failure)
}

#[cfg(test)]
mod tests;
