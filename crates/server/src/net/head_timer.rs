//! Deadlines for the heads of requests. Each request sets one, and few are reached.
//!
//! The runtime's timer stays set between requests. It fires once per period instead of once per request, and is then
//! set for the current deadline.

use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use hyper::rt::{Sleep, Timer};

type Alarm = Pin<Box<tokio::time::Sleep>>;

/// The timer of one connection, with ascending deadlines, one at a time.
#[derive(Clone, Default)]
pub(super) struct HeadTimer {
    /// The alarm, while no deadline needs it.
    spare: Arc<Mutex<Option<Alarm>>>,
}

impl HeadTimer {
    fn spare(&self) -> std::sync::MutexGuard<'_, Option<Alarm>> {
        self.spare.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Timer for HeadTimer {
    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Sleep>> {
        self.sleep_until(self.now() + duration)
    }

    fn sleep_until(&self, deadline: Instant) -> Pin<Box<dyn Sleep>> {
        Box::pin(Deadline { at: deadline, alarm: self.spare().take(), timer: self.clone() })
    }

    fn now(&self) -> Instant {
        tokio::time::Instant::now().into_std()
    }
}

struct Deadline {
    at: Instant,
    /// Goes off at the deadline or before.
    alarm: Option<Alarm>,
    timer: HeadTimer,
}

impl Sleep for Deadline {}

impl Future for Deadline {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.get_mut();
        let at = this.at.into();
        let alarm = this.alarm.get_or_insert_with(|| Box::pin(tokio::time::sleep_until(at)));
        while alarm.as_mut().poll(cx).is_ready() {
            if tokio::time::Instant::now() >= at {
                return Poll::Ready(());
            }
            alarm.as_mut().reset(at);
        }
        Poll::Pending
    }
}

impl Drop for Deadline {
    fn drop(&mut self) {
        *self.timer.spare() = self.alarm.take();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_secs(10);

    /// Lets time pass until a deadline is over.
    async fn waited(timer: &HeadTimer) -> Duration {
        let begun = timer.now();
        timer.sleep(LIMIT).await;
        timer.now() - begun
    }

    #[tokio::test(start_paused = true)]
    async fn every_deadline_is_kept_to_the_moment() {
        let timer = HeadTimer::default();
        let close = |waited: Duration| waited >= LIMIT && waited < LIMIT + Duration::from_millis(5);
        assert!(close(waited(&timer).await));
        assert!(close(waited(&timer).await), "after one that was reached");
        for millis in [0, 1, 3_000, 9_999, 4_000] {
            // One that is given up, since the head came.
            let head = tokio::time::timeout(Duration::from_millis(millis), timer.sleep(LIMIT)).await;
            assert!(head.is_err());
        }
        assert!(close(waited(&timer).await), "after some that were given up");
        // Time passes while no deadline holds: the answer takes longer than the alarm was set for.
        drop(tokio::time::timeout(Duration::from_millis(1), timer.sleep(LIMIT)).await);
        tokio::time::sleep(LIMIT * 3).await;
        assert!(close(waited(&timer).await), "after a pause");
    }
}
