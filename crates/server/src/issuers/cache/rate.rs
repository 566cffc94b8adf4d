//! A rate limit with a burst.

use std::time::Duration;

use tokio::time::Instant;

/// So many at once, then one every so often.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rate {
    pub(super) burst: u32,
    pub(super) every: Duration,
}

/// A token bucket, stored as the time at which it is full again.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Bucket {
    full_at: Option<Instant>,
}

impl Bucket {
    /// Takes one, if the rate allows it.
    pub(super) fn take(&mut self, rate: Rate, now: Instant) -> bool {
        let full_at = self.full_at.map_or(now, |time| time.max(now));
        if full_at + rate.every > now + rate.every * rate.burst {
            return false;
        }
        self.full_at = Some(full_at + rate.every);
        true
    }

    pub(super) fn is_full(&self, now: Instant) -> bool {
        self.full_at.is_none_or(|time| time <= now)
    }
}
