//! Points in time on a clock that also runs while the system is suspended.

use std::{ops::Add, time::Duration};

use rustix::time::{ClockId, clock_gettime};

/// As [`std::time::Instant`], whose clock stands still on Linux while the system is suspended: what was read before would
/// count as current for that much longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct BootInstant(Duration);

/// On other systems, this clock runs while the system is suspended.
#[cfg(not(target_os = "linux"))]
const CLOCK: ClockId = ClockId::Monotonic;
#[cfg(target_os = "linux")]
const CLOCK: ClockId = ClockId::Boottime;

impl BootInstant {
    /// Now.
    pub fn now() -> Self {
        let time = clock_gettime(CLOCK);
        // Neither part is negative.
        BootInstant(Duration::new(time.tv_sec.unsigned_abs(), time.tv_nsec.unsigned_abs() as u32))
    }

    /// How long ago it was; zero for a time to come.
    pub fn elapsed(self) -> Duration {
        BootInstant::now().until_here(self)
    }

    /// How long it takes until then; zero for a time that has passed.
    pub fn remaining(self) -> Duration {
        self.until_here(BootInstant::now())
    }

    fn until_here(self, earlier: BootInstant) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

impl Add<Duration> for BootInstant {
    type Output = BootInstant;

    fn add(self, time: Duration) -> BootInstant {
        BootInstant(self.0.saturating_add(time))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_runs() {
        let begun = BootInstant::now();
        let end = begun + Duration::from_millis(5);
        assert!(end > begun && end.remaining() > Duration::ZERO);
        std::thread::sleep(Duration::from_millis(10));
        assert_eq!(end.remaining(), Duration::ZERO);
        assert!(begun.elapsed() >= Duration::from_millis(10) && end < BootInstant::now());
    }
}
