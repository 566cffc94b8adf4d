//! Counters of the audit trail, for metrics and health.

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};

use jiff::Timestamp;

/// Counts since the start.
#[derive(Debug, Default)]
pub struct Stats {
    written: AtomicU64,
    /// Milliseconds since 1970; zero before the first.
    last_written: AtomicI64,
    suppressed: AtomicU64,
    lost: AtomicU64,
    waiting: AtomicU64,
    is_failing: AtomicBool,
    is_store_behind: AtomicBool,
}

impl Stats {
    /// Records that were written to segments.
    pub fn written(&self) -> u64 {
        self.written.load(Ordering::Relaxed)
    }

    /// When records were last written to segments; none if that was before the start.
    pub fn last_written(&self) -> Option<Timestamp> {
        let millis = self.last_written.load(Ordering::Relaxed);
        Timestamp::from_millisecond(millis).ok().filter(|_| millis != 0)
    }

    /// Calls that were counted instead of recorded individually.
    pub fn suppressed(&self) -> u64 {
        self.suppressed.load(Ordering::Relaxed)
    }

    /// Records that were lost because writing failed and the queue was full.
    pub fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }

    /// Outbox rows that had not been shipped at the last look.
    pub fn waiting(&self) -> u64 {
        self.waiting.load(Ordering::Relaxed)
    }

    /// Whether writing records fails at the moment.
    pub fn is_failing(&self) -> bool {
        self.is_failing.load(Ordering::Relaxed)
    }

    /// Whether the segments, when they were opened, had changes that the store did not have.
    pub fn is_store_behind(&self) -> bool {
        self.is_store_behind.load(Ordering::Relaxed)
    }

    pub(crate) fn set_store_behind(&self) {
        self.is_store_behind.store(true, Ordering::Relaxed);
    }

    pub(crate) fn add_written(&self, records: u64, now: Timestamp) {
        self.written.fetch_add(records, Ordering::Relaxed);
        self.last_written.store(now.as_millisecond(), Ordering::Relaxed);
    }

    pub(crate) fn add_suppressed(&self) {
        self.suppressed.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn add_lost(&self, records: u64) {
        self.lost.fetch_add(records, Ordering::Relaxed);
    }

    pub(crate) fn set_waiting(&self, rows: u64) {
        self.waiting.store(rows, Ordering::Relaxed);
    }

    pub(crate) fn set_failing(&self, is_failing: bool) {
        self.is_failing.store(is_failing, Ordering::Relaxed);
    }
}
