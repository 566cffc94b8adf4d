//! The time and the randomness of tests.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use bailiwick_operation::{Clock, Random};
use jiff::Timestamp;

/// The time at which a [`ManualClock`] starts: noon of 1 March 2026, in UTC.
pub fn noon() -> Timestamp {
    time("12:00:00")
}

/// A time of 1 March 2026, such as `12:00:00.25`, in UTC.
pub fn time(text: &str) -> Timestamp {
    format!("2026-03-01T{text}Z").parse().unwrap()
}

/// A clock that moves only when a test moves it. It counts in microseconds.
#[derive(Debug)]
pub struct ManualClock(AtomicI64);

impl ManualClock {
    /// A clock that starts at this time.
    pub fn new(now: Timestamp) -> Self {
        ManualClock(AtomicI64::new(now.as_microsecond()))
    }

    /// Sets the clock.
    pub fn set(&self, now: Timestamp) {
        self.0.store(now.as_microsecond(), Ordering::Relaxed);
    }

    /// Moves the clock forward by so many microseconds.
    pub fn advance_micros(&self, micros: i64) {
        self.0.fetch_add(micros, Ordering::Relaxed);
    }

    /// Moves the clock by so many seconds, which may be negative.
    pub fn advance(&self, seconds: i64) {
        self.0.fetch_add(seconds * 1_000_000, Ordering::Relaxed);
    }
}

impl Default for ManualClock {
    fn default() -> Self {
        ManualClock::new(noon())
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_microsecond(self.0.load(Ordering::Relaxed)).unwrap()
    }
}

/// A sequence of bytes that look random and are the same in every run (SplitMix64).
#[derive(Debug)]
pub struct SeededRandom(AtomicU64);

impl SeededRandom {
    /// The sequence of a seed.
    pub fn new(seed: u64) -> Self {
        SeededRandom(AtomicU64::new(seed))
    }
}

impl Default for SeededRandom {
    fn default() -> Self {
        SeededRandom::new(7)
    }
}

impl Random for SeededRandom {
    fn fill(&self, buffer: &mut [u8]) {
        buffer.fill_with(|| {
            let mut x = self.0.fetch_add(0x9e37_79b9_7f4a_7c15, Ordering::Relaxed);
            x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            (x ^ (x >> 31)) as u8
        });
    }
}
