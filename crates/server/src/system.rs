//! Where the time and randomness of the whole program come from.

use std::sync::{Mutex, PoisonError};

use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use bailiwick_operation::{Clock, Random};
use jiff::Timestamp;
use zeroize::Zeroizing;

/// The clock of the machine.
pub(crate) struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the clock")]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

/// Random bytes that are fetched at once; a call needs a few dozen, and fetching costs more than they do.
const POOL: usize = 2_048;

/// The random number generator of the cryptographic library.
///
/// Small amounts come from a pool that is filled ahead; what was given out is cleared from it.
pub(crate) struct SystemRandomness {
    source: SystemRandom,
    pool: Mutex<Pool>,
}

struct Pool {
    bytes: Zeroizing<[u8; POOL]>,
    used: usize,
}

impl Default for SystemRandomness {
    #[expect(clippy::disallowed_methods, reason = "this is the one place that makes the generator")]
    fn default() -> Self {
        let pool = Pool { bytes: Zeroizing::new([0; POOL]), used: POOL };
        SystemRandomness { source: SystemRandom::new(), pool: Mutex::new(pool) }
    }
}

impl SystemRandomness {
    fn fetch(&self, buffer: &mut [u8]) {
        if self.source.fill(buffer).is_err() {
            // Going on with bytes that can be guessed would hand out keys that can be guessed.
            tracing::error!("the system gives no random bytes, stopping");
            std::process::abort();
        }
    }
}

impl Random for SystemRandomness {
    fn fill(&self, buffer: &mut [u8]) {
        if buffer.len() > POOL / 8 {
            return self.fetch(buffer);
        }
        let mut pool = self.pool.lock().unwrap_or_else(PoisonError::into_inner);
        if pool.used + buffer.len() > POOL {
            self.fetch(pool.bytes.as_mut_slice());
            pool.used = 0;
        }
        let (from, to) = (pool.used, pool.used + buffer.len());
        buffer.copy_from_slice(&pool.bytes[from..to]);
        pool.bytes[from..to].fill(0);
        pool.used = to;
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn no_bytes_are_given_out_twice() {
        let random = SystemRandomness::default();
        let mut seen = HashSet::new();
        for length in [16, 17, 30, 6, 256, 257, 4_096] {
            for _ in 0..500 {
                let mut bytes = vec![0; length];
                random.fill(&mut bytes);
                assert!(bytes.iter().any(|b| *b != 0));
                // Six bytes are enough to make a chance repetition one in a million runs.
                assert!(seen.insert(bytes[..6].to_vec()), "{length}");
            }
        }
        let pool = random.pool.lock().unwrap();
        assert!(pool.bytes[..pool.used].iter().all(|b| *b == 0), "what was given out is cleared");
    }
}
