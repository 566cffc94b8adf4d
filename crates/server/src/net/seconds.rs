//! A coarse clock in whole seconds.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use tokio::time::Instant;

/// Seconds since the server started, as of the last time that the real clock was read.
pub(crate) struct Seconds {
    began: Instant,
    now: AtomicU32,
}

impl Seconds {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Seconds { began: Instant::now(), now: AtomicU32::new(0) })
    }

    pub(crate) fn now(&self) -> u32 {
        self.now.load(Ordering::Relaxed)
    }

    /// Reads the real clock.
    pub(crate) fn update(&self) {
        // More seconds than fit are a century of running.
        let seconds = u32::try_from(self.began.elapsed().as_secs()).unwrap_or(u32::MAX - 1);
        self.now.fetch_max(seconds, Ordering::Relaxed);
    }

    /// Advances the time without waiting.
    #[cfg(test)]
    pub(crate) fn advance(&self, seconds: u32) {
        self.now.fetch_add(seconds, Ordering::Relaxed);
    }
}
