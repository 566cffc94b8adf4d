//! Where the time and randomness of the whole program come from.

use aws_lc_rs::rand::{SecureRandom, SystemRandom};
use bailiwick_operation::{Clock, Random};
use jiff::Timestamp;

/// The clock of the machine.
pub(crate) struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the clock")]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

/// The random number generator of the cryptographic library.
#[derive(Default)]
pub(crate) struct SystemRandomness(SystemRandom);

impl Random for SystemRandomness {
    fn fill(&self, buffer: &mut [u8]) {
        if self.0.fill(buffer).is_err() {
            // Going on with bytes that can be guessed would hand out keys that can be guessed.
            tracing::error!("the system gives no random bytes, stopping");
            std::process::abort();
        }
    }
}
