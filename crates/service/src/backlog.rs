//! How much of request bodies is held in memory, by all connections together.
//!
//! Bodies are read before anybody is authenticated, so strangers could fill the memory with requests that they never
//! finish. What they may fill is bounded: first large bodies are refused, then all.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Bytes beyond which large bodies are refused.
const FULL: usize = 24 * 1024 * 1024;
/// Bytes beyond which every body is refused.
const BRIM: usize = 32 * 1024 * 1024;
/// Bodies up to this size are taken until the brim.
const SMALL: usize = 32 * 1024;

/// The bytes of all bodies that are being received.
#[derive(Debug, Default)]
pub(crate) struct Backlog(AtomicUsize);

/// What one body takes of the memory for all; given back when it is dropped.
#[derive(Debug)]
pub struct Share {
    backlog: Arc<Backlog>,
    own: usize,
}

impl Share {
    pub(crate) fn of(backlog: &Arc<Backlog>) -> Self {
        Share { backlog: Arc::clone(backlog), own: 0 }
    }

    /// Takes room for further bytes; false when there is none, and the body must be refused.
    #[must_use]
    pub fn take(&mut self, bytes: usize) -> bool {
        self.own += bytes;
        let all = self.backlog.0.fetch_add(bytes, Ordering::Relaxed) + bytes;
        all <= if self.own > SMALL { FULL } else { BRIM }
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.backlog.0.fetch_sub(self.own, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_bodies_are_refused_before_small_ones() {
        let backlog = Arc::default();
        let share = || Share::of(&backlog);
        let mut held: Vec<Share> = (0..24).map(|_| share()).collect();
        assert!(held.iter_mut().all(|share| share.take(1024 * 1024)));
        assert!(!share().take(SMALL + 1), "no room for a large one");
        let mut small: Vec<Share> = (0..256).map(|_| share()).collect();
        assert!(small.iter_mut().all(|share| share.take(SMALL)));
        assert!(!share().take(1), "no room at all");
        drop((held, small));
        assert!(share().take(1024 * 1024), "what was given back is there again");
        assert_eq!(backlog.0.load(Ordering::Relaxed), 0);
    }
}
