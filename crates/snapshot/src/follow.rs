//! Following the change log: the newest snapshot, and waiting for one.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwapOption;
use bailiwick_model::{ErrorCode, IamError, Partition, Result};
use bailiwick_storage::keys::{self, Kind};
use bailiwick_storage::{Account, At, Changes, Record, Revision, Scan, Store, StoreError, View};
use futures_util::FutureExt;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::Snapshot;
use crate::world::{KINDS, World};

#[cfg(test)]
mod tests;

/// How many rows are read at once when a view is built.
const PAGE: usize = 4_096;
/// How many commits one publication takes in at most.
const TOGETHER: usize = 256;
/// How long somebody waits for a revision before he is told to come back.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long a follower that has failed waits before it builds everything anew.
const PAUSE: Duration = Duration::from_millis(500);

/// Why there is no snapshot.
#[derive(Debug, thiserror::Error)]
#[error("the snapshot could not be built")]
pub struct SnapshotError(#[from] StoreError);

/// The newest snapshot, kept up to date by a task of its own.
///
/// When the follower can't go on there is no snapshot any more, so that nothing is decided on an old view; it tries
/// to build a new one until it succeeds or the store is closed.
pub struct Snapshots {
    shared: Arc<Shared>,
    follower: JoinHandle<()>,
}

struct Shared {
    current: ArcSwapOption<Snapshot>,
    /// The revision of `current`; none while there is none.
    reached: watch::Sender<Option<Revision>>,
}

impl Snapshots {
    /// Builds the whole view, then follows the store. No snapshot can be had before it is whole.
    ///
    /// # Errors
    /// When the store can't be read, or holds what this version does not understand.
    pub async fn start(store: Arc<dyn Store>, partition: Partition) -> Result<Self, SnapshotError> {
        let follower = Follower::build(&store, partition).await?;
        let shared = Arc::new(Shared { current: ArcSwapOption::empty(), reached: watch::Sender::new(None) });
        let mut follower = follower;
        shared.publish(&mut follower.world)?;
        let task = tokio::spawn(run(store, partition, shared.clone(), follower));
        Ok(Snapshots { shared, follower: task })
    }

    /// The newest snapshot.
    ///
    /// # Errors
    /// `ServiceUnavailable` while there is none.
    pub fn current(&self) -> Result<Arc<Snapshot>> {
        self.shared.current.load_full().ok_or_else(unavailable)
    }

    /// A snapshot that shows at least this revision; at once when there is one already.
    ///
    /// # Errors
    /// `ServiceUnavailable` when the store has not come that far within some seconds, or there is no snapshot.
    pub async fn at_least(&self, revision: Revision) -> Result<Arc<Snapshot>> {
        let current = self.current()?;
        if current.revision() >= revision {
            return Ok(current);
        }
        let mut reached = self.shared.reached.subscribe();
        let there = reached.wait_for(|reached| reached.is_none_or(|reached| reached >= revision));
        match tokio::time::timeout(PATIENCE, there).await {
            Ok(Ok(_)) => {
                let current = self.current()?;
                if current.revision() >= revision { Ok(current) } else { Err(unavailable()) }
            }
            Ok(Err(_)) => Err(unavailable()),
            Err(_) => Err(IamError::new(ErrorCode::ServiceUnavailable, "the revision asked for has not been reached")
                .retry_after(Duration::from_secs(1))),
        }
    }
}

impl Drop for Snapshots {
    fn drop(&mut self) {
        self.follower.abort();
    }
}

impl Shared {
    fn publish(&self, world: &mut World) -> Result<(), StoreError> {
        let snapshot = world.publish()?;
        let revision = snapshot.revision();
        // INVARIANT: the snapshot is there before anyone is told of it.
        let old = self.current.swap(Some(snapshot));
        self.reached.send_replace(Some(revision));
        drop(old);
        Ok(())
    }

    fn withdraw(&self) {
        self.current.store(None);
        self.reached.send_replace(None);
    }
}

fn unavailable() -> IamError {
    IamError::new(ErrorCode::ServiceUnavailable, "decisions can't be made at the moment")
        .retry_after(Duration::from_secs(1))
}

struct Follower {
    world: World,
    changes: Box<dyn Changes>,
}

impl Follower {
    async fn build(store: &Arc<dyn Store>, partition: Partition) -> Result<Self, StoreError> {
        let view = store.read(At::Latest).await?;
        // Subscribed before the view is read, so that the log can't be pruned away meanwhile.
        let changes = store.watch(view.revision()).await?;
        let mut world = World::new(partition);
        let mut accounts = vec![bailiwick_model::AccountId::NONE];
        let prefix = keys::kind(bailiwick_model::AccountId::NONE, Kind::Account);
        read(&*view, &prefix, |key, value| {
            accounts.push(Account::decode(value)?.id);
            world.apply(key, Some(value))
        })
        .await?;
        for account in accounts {
            for kind in KINDS {
                read(&*view, &keys::kind(account, kind), |key, value| world.apply(key, Some(value))).await?;
            }
        }
        world.set_revision(view.revision());
        Ok(Follower { world, changes })
    }

    /// Waits for commits and takes in all that are there.
    async fn step(&mut self) -> Result<(), StoreError> {
        let mut set = self.changes.next().await?;
        for _ in 1..TOGETHER {
            self.world.apply_set(&set)?;
            match self.changes.next().now_or_never() {
                Some(next) => set = next?,
                None => return Ok(()),
            }
        }
        self.world.apply_set(&set)
    }
}

async fn read(
    view: &dyn View,
    prefix: &[u8],
    mut each: impl FnMut(&[u8], &bytes::Bytes) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let mut after: Option<bytes::Bytes> = None;
    loop {
        let rows = view.scan(Scan { prefix, after: after.as_deref(), limit: PAGE }).await?;
        for row in &rows {
            each(&row.key, &row.value)?;
        }
        match rows.into_iter().nth(PAGE - 1) {
            Some(last) => after = Some(last.key),
            None => return Ok(()),
        }
    }
}

async fn run(store: Arc<dyn Store>, partition: Partition, shared: Arc<Shared>, mut follower: Follower) {
    loop {
        let failure = loop {
            let outcome = follower.step().await.and_then(|()| shared.publish(&mut follower.world));
            if let Err(error) = outcome {
                break error;
            }
        };
        shared.withdraw();
        if matches!(failure, StoreError::Closed) {
            tracing::info!("the store is closed: no more decisions");
            return;
        }
        tracing::error!(error = %failure, "the change log can't be followed: building the view anew");
        follower = loop {
            match Follower::build(&store, partition).await {
                Ok(mut new) => match shared.publish(&mut new.world) {
                    Ok(()) => break new,
                    Err(error) => tracing::error!(%error, "the view can't be published"),
                },
                Err(StoreError::Closed) => return,
                Err(error) => tracing::error!(%error, "the view can't be built"),
            }
            tokio::time::sleep(PAUSE).await;
        };
    }
}
