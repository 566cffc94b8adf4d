//! Reads the head through the quorum again and again, which confirms that what was read is current, and what is missing of the
//! change log.

use std::{
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use bailiwick_storage::{OutageReason, Revision, StoreError};
use bailiwick_storage_remote::{BootInstant, Follow, Trust};
use tokio::sync::{Notify, watch};

use crate::{
    Options, Shared,
    api::{self, TxnRequest},
    compaction, groups,
    head::Seen,
    history, watch as change_log,
};

pub(crate) struct Follower {
    shared: Arc<Shared>,
    options: Options,
    trust: Trust,
}

impl Follower {
    /// Follows a store whose head was confirmed at this time.
    pub(crate) fn new(shared: Arc<Shared>, options: Options, confirmed: BootInstant) -> Self {
        let trust = Trust::new(confirmed, options.max_staleness);
        Follower { shared, options, trust }
    }

    /// Until when what was read is current.
    pub(crate) fn trusted(&self) -> watch::Receiver<BootInstant> {
        self.trust.subscribe()
    }

    /// Follows until the task is aborted or the store is closed.
    pub(crate) async fn run(self) {
        self.trust.follow(&self.shared.generations, self.options.retry, &self).await;
    }

    /// Confirms until that fails.
    async fn confirm(
        &self,
        is_reported: &mut bool,
        missing: &Notify,
        newest: &AtomicI64,
    ) -> Result<Infallible, StoreError> {
        history::check(&self.shared).await?;
        let interval = (self.options.max_staleness / 5).clamp(Duration::from_millis(50), Duration::from_millis(250));
        loop {
            let (begun, faults) = (BootInstant::now(), self.shared.backend.client.faults());
            let CaughtUp { head, at, is_live } = self.catch_up().await?;
            let has_ended = self.shared.generations.live().is_err();
            if has_ended && is_live {
                // Meanwhile, perhaps because the history is another one.
                continue;
            }
            newest.store(at, Ordering::Relaxed);
            self.trust.confirm(&self.shared.generations, begun);
            if has_ended {
                self.shared.generations.resume(head);
            }
            history::remember(&self.shared, faults).await?;
            if std::mem::take(is_reported) {
                tracing::info!("the change log of the database is read again");
            }
            tokio::select! {
                () = tokio::time::sleep((begun + interval).remaining()) => {}
                () = missing.notified() => {}
            }
        }
    }

    /// Publishes what was committed. If the feed has ended, only finds out whether the history is the same.
    async fn catch_up(&self) -> Result<CaughtUp, StoreError> {
        let (generations, reader) = (&self.shared.generations, &self.shared.backend);
        loop {
            let is_live = generations.live().is_ok();
            let after = generations.position();
            let mut success = vec![api::range(api::get(reader.layout.head()))];
            if is_live {
                success.push(api::range(groups::after(&reader.layout, after)));
            }
            let answer = reader.client.transact(&TxnRequest { success, ..TxnRequest::default() }).await?;
            if is_live {
                history::check_after_faults(&self.shared).await?;
            } else {
                history::check(&self.shared).await?;
            }
            let at = api::revision_of(&answer);
            let mut found = api::ranges(answer);
            let head = found.next().and_then(|found| found.kvs.into_iter().next());
            let groups = found.next().unwrap_or_default();
            let head = Seen::read(head)?;
            if head.epoch != self.shared.epoch {
                tracing::error!("the store was restored from a backup: start the server again");
                generations.close();
                return Err(StoreError::Closed);
            }
            if head.revision < after {
                return Err(StoreError::Unreachable(OutageReason::Older.into()));
            }
            let caught_up = CaughtUp { head: head.revision, at, is_live };
            if !is_live {
                return Ok(caught_up);
            }
            let published = groups::read(&self.shared, after, groups.kvs).await?;
            match published.map(|sets| generations.publish(&sets)) {
                Ok(_) if groups.more => {}
                Ok(_) if generations.position() >= head.revision => return Ok(caught_up),
                // The writer published them before, and pruned them meanwhile.
                Err(_) if generations.position() > after => {}
                // Entries were pruned before they were read, or are damaged. Followers read all rows again.
                missing => {
                    let error =
                        missing.err().map_or_else(|| "entries are missing".to_owned(), |error| error.to_string());
                    tracing::error!(error, "the change log cannot be followed: the store is read again");
                    generations.interrupt(OutageReason::MissingChanges);
                    history::check(&self.shared).await?;
                    generations.resume(head.revision);
                    return Ok(caught_up);
                }
            }
        }
    }
}

/// What [`Follower::catch_up`] has found.
struct CaughtUp {
    /// The newest revision.
    head: Revision,
    /// The revision of the key space.
    at: i64,
    /// Whether the feed had not ended before, so that the history was checked only after faults.
    is_live: bool,
}

#[async_trait]
impl Follow for Follower {
    async fn follow(&self, is_reported: &mut bool) -> StoreError {
        let (missing, newest) = (Notify::new(), AtomicI64::new(0));
        let Err(error) = tokio::select! {
            confirmed = self.confirm(is_reported, &missing, &newest) => confirmed,
            ended = self.shared.backend.presence.keep() => Err(ended),
            never = change_log::publish(&self.shared, &missing, self.options.retry) => Ok(never),
            never = self.shared.backend.presence.sweep(self.options.history) => Ok(never),
            never = compaction::run(&self.shared.backend.client, &newest, self.options.history) => Ok(never),
        };
        error
    }
}
