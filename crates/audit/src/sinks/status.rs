//! The counters of a sink.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use jiff::Timestamp;
use tokio::sync::watch;

use crate::checkpoint::Checkpoint;

/// What a sink has done since the start, and how far it is behind.
#[derive(Debug)]
pub struct SinkStatus {
    name: String,
    end: watch::Receiver<Checkpoint>,
    delivered: AtomicU64,
    failures: AtomicU64,
    missing: AtomicU64,
    sequence: AtomicU64,
    /// The time of the oldest event that waits, in microseconds; 0 if none waits.
    waits_since: AtomicI64,
}

impl SinkStatus {
    pub(super) fn new(name: String, end: watch::Receiver<Checkpoint>, sequence: u64) -> Self {
        SinkStatus {
            name,
            end,
            delivered: AtomicU64::new(0),
            failures: AtomicU64::new(0),
            missing: AtomicU64::new(0),
            sequence: AtomicU64::new(sequence),
            waits_since: AtomicI64::new(0),
        }
    }

    /// The name of the sink.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Messages that the receiver has acknowledged.
    pub fn delivered(&self) -> u64 {
        self.delivered.load(Ordering::Relaxed)
    }

    /// Attempts that failed.
    pub fn failures(&self) -> u64 {
        self.failures.load(Ordering::Relaxed)
    }

    /// Records that could not be delivered because retention had removed them, or because they were damaged.
    pub fn missing(&self) -> u64 {
        self.missing.load(Ordering::Relaxed)
    }

    /// Records of the trail that the sink has not come to.
    pub fn lag(&self) -> u64 {
        self.end.borrow().sequence.saturating_sub(self.sequence.load(Ordering::Relaxed))
    }

    /// The time of the oldest event that waits to be delivered.
    pub fn waits_since(&self) -> Option<Timestamp> {
        let since = self.waits_since.load(Ordering::Relaxed);
        Timestamp::from_microsecond(since).ok().filter(|_| since != 0)
    }

    pub(super) fn set_waiting(&self, since: Option<Timestamp>) {
        self.waits_since.store(since.map_or(0, Timestamp::as_microsecond), Ordering::Relaxed);
    }

    pub(super) fn add_delivered(&self, messages: u64, missing: u64) {
        self.delivered.fetch_add(messages, Ordering::Relaxed);
        self.missing.fetch_add(missing, Ordering::Relaxed);
    }

    pub(super) fn set_sequence(&self, sequence: u64) {
        self.sequence.store(sequence, Ordering::Relaxed);
    }

    pub(super) fn add_failure(&self) {
        self.failures.fetch_add(1, Ordering::Relaxed);
    }
}
