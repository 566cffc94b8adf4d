//! Until when what was read counts as current, and what happens then.

use std::time::Duration;

use async_trait::async_trait;
use bailiwick_storage::{OutageReason, StoreError};
use tokio::sync::watch;

use crate::{boot_instant::BootInstant, generation::Generations};

/// Reads the change log of a store on other machines.
#[async_trait]
pub trait Follow: Sync {
    /// Publishes what is committed, and confirms that it is current, until that fails. Sets `is_reported`, which says that the
    /// log has a message about a failure, to false when it succeeds again.
    async fn follow(&self, is_reported: &mut bool) -> StoreError;
}

/// Until when what was read is current.
#[derive(Debug)]
pub struct Trust {
    until: watch::Sender<BootInstant>,
    staleness: Duration,
}

impl Trust {
    /// Begins with a store whose head was confirmed at this time, and is trusted for `staleness`.
    pub fn new(confirmed: BootInstant, staleness: Duration) -> Self {
        Trust { until: watch::Sender::new(confirmed + staleness), staleness }
    }

    /// Until when what was read is current.
    pub fn subscribe(&self) -> watch::Receiver<BootInstant> {
        self.until.subscribe()
    }

    /// Records that everything which was committed before `begun` has been published, and that the store was the one that all
    /// servers write to. Afterwards the next feed may begin, if the last one has ended.
    pub fn confirm(&self, generations: &Generations, begun: BootInstant) {
        if *self.until.borrow() <= BootInstant::now() {
            // The other task may not have run yet.
            generations.interrupt(OutageReason::Unconfirmed);
        }
        generations.set_failure(None);
        self.until.send_replace(begun + self.staleness);
    }

    /// Follows until the store is closed or the task is aborted; what fails is tried again after a pause.
    pub async fn follow(&self, generations: &Generations, pause: Duration, log: &impl Follow) {
        let _ending = Ending(generations);
        let work = async {
            let (mut is_reported, mut reported) = (false, None);
            loop {
                let error = log.follow(&mut is_reported).await;
                if matches!(error, StoreError::Closed) {
                    return;
                }
                let outage = error.outage();
                let reason = Some(outage.reason);
                generations.set_failure(reason);
                if !is_reported || reported != reason {
                    tracing::warn!(error = %outage, "the change log of the database cannot be read; it is tried again");
                }
                (is_reported, reported) = (true, reason);
                tokio::time::sleep(pause).await;
            }
        };
        tokio::select! {
            () = work => {}
            () = interrupt_in_time(generations, self.until.subscribe()) => {}
        }
    }
}

/// Ends the feed whenever the connection was not confirmed in time.
async fn interrupt_in_time(generations: &Generations, mut trusted: watch::Receiver<BootInstant>) {
    loop {
        let until = *trusted.borrow_and_update();
        tokio::time::sleep(until.remaining()).await;
        if BootInstant::now() < *trusted.borrow() {
            continue;
        }
        tracing::error!("the connection to the database is not confirmed: decisions are refused until it is");
        generations.interrupt(OutageReason::Unconfirmed);
        if trusted.changed().await.is_err() {
            return;
        }
    }
}

/// Ends the feed for good when the follower ends, whatever the reason: nothing would confirm what was read.
struct Ending<'g>(&'g Generations);

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        self.0.close();
    }
}

#[cfg(test)]
mod tests {
    use bailiwick_storage::Revision;

    use super::*;

    // The clock of the runtime stands still, as it does while the system is suspended: what was read before it was trusted for
    // that much longer.
    #[tokio::test(start_paused = true)]
    async fn time_in_which_the_system_is_suspended_counts() {
        let generations = Generations::new(Revision::ZERO, 1, 1);
        let trust = Trust::new(BootInstant::now(), Duration::from_millis(30));
        let trusted = trust.subscribe();
        trust.confirm(&generations, BootInstant::now());
        assert!(generations.live().is_ok() && BootInstant::now() < *trusted.borrow());
        std::thread::sleep(Duration::from_millis(40));
        assert!(*trusted.borrow() <= BootInstant::now());
        trust.confirm(&generations, BootInstant::now());
        assert!(generations.live().is_err(), "followers read again what they may have missed");
    }
}
