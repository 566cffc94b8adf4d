//! Follows the change log and publishes the newest snapshot.

use std::sync::Arc;
use std::sync::atomic::{
    AtomicU64,
    Ordering::{Relaxed, SeqCst},
};
use std::time::Duration;

use arc_swap::ArcSwapOption;
use bailiwick_model::{AccountId, ErrorCode, IamError, Partition, Result};
use bailiwick_storage::keys::{self, Kind};
use bailiwick_storage::{At, Changes, Inspected, OutageReason, Revision, Scan, Store, StoreError, Tally, View};
use futures_util::FutureExt;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

use crate::rows::{KINDS, SnapshotBuilder};
use crate::{Damage, Snapshot};

#[cfg(test)]
mod tests;

/// The kinds that are read before all others, of the deployment.
const FIRST: [Kind; 3] = [Kind::Meta, Kind::Keyring, Kind::Account];
/// How many rows are read at once when a view is built.
const PAGE_ROWS: usize = 1_024;
/// How many pages of rows may wait to be compiled.
const PAGES_AHEAD: usize = 8;
/// The maximum number of commits per published snapshot.
const COMMITS_PER_PUBLISH: usize = 256;
/// How long a call waits for a revision before it fails.
const WAIT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long a failed follower waits before it rebuilds the snapshot.
const REBUILD_PAUSE: Duration = Duration::from_millis(500);

/// Why no snapshot could be built.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// Rows are missing or out of date. They may have denied something, so no decision is possible.
    #[error("{0}")]
    Incomplete(#[source] StoreError),
    /// The store can't be read, or was written by a newer version.
    #[error("the store cannot be read: {0}")]
    Store(#[source] StoreError),
}

impl From<StoreError> for SnapshotError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Incomplete { .. } => SnapshotError::Incomplete(error),
            error => SnapshotError::Store(error),
        }
    }
}

/// The newest snapshot, updated by a background task.
///
/// When the follower fails, it withdraws the snapshot, so that no decision uses an outdated one, and rebuilds it until
/// it succeeds or the store is closed.
pub struct Snapshots {
    store: Arc<dyn Store>,
    shared: Arc<Shared>,
    damage: Arc<Damage>,
    follower: JoinHandle<()>,
}

#[derive(Default)]
struct Shared {
    current: ArcSwapOption<Snapshot>,
    /// The generation of the store that `current` was read in.
    generation: AtomicU64,
    /// How many snapshots were published: the version of the view of the newest.
    published: AtomicU64,
    /// The revision of `current`; none while there is none.
    reached: watch::Sender<Option<Revision>>,
}

impl Snapshots {
    /// Builds the snapshot, then follows the store. The snapshot is available once it is complete.
    ///
    /// Damaged rows are reported, and what depends on them is denied.
    ///
    /// # Errors
    /// When the store can't be read, was written by a newer version, or does not have every row that it must have.
    pub async fn start(store: Arc<dyn Store>, partition: Partition) -> Result<Self, SnapshotError> {
        let damage = Arc::<Damage>::default();
        let follower = Follower::build(&store, partition, &damage).await?;
        let shared = Arc::new(Shared::default());
        let mut follower = follower;
        shared.begin(&mut follower);
        let task = tokio::spawn(run(Arc::clone(&store), partition, shared.clone(), damage.clone(), follower));
        Ok(Snapshots { store, shared, damage, follower: task })
    }

    /// The rows that could not be read since the start.
    pub fn damage(&self) -> &Damage {
        &self.damage
    }

    /// The newest snapshot.
    ///
    /// # Errors
    /// `ServiceUnavailable` while there is none.
    pub fn current(&self) -> Result<Arc<Snapshot>> {
        // INVARIANT: compared before the snapshot is loaded, which may only be a newer one then. The follower may not have
        // withdrawn it yet.
        if self.store.generation() != Some(self.shared.generation.load(SeqCst)) {
            return Err(unavailable());
        }
        self.shared.current.load_full().ok_or_else(unavailable)
    }

    /// Returns a snapshot of at least this revision, and waits for it if necessary.
    ///
    /// # Errors
    /// `ServiceUnavailable` when the store does not reach the revision within some seconds, or there is no snapshot.
    pub async fn at_least(&self, revision: Revision) -> Result<Arc<Snapshot>> {
        let current = self.current()?;
        if current.revision() >= revision {
            return Ok(current);
        }
        let mut reached = self.shared.reached.subscribe();
        let there = reached.wait_for(|reached| reached.is_none_or(|reached| reached >= revision));
        match tokio::time::timeout(WAIT_TIMEOUT, there).await {
            Ok(Ok(_)) => {
                let current = self.current()?;
                if current.revision() >= revision { Ok(current) } else { Err(unavailable()) }
            }
            Ok(Err(_)) => Err(unavailable()),
            Err(_) => Err(IamError::new(ErrorCode::ServiceUnavailable, "the requested revision has not been reached")
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
    /// Publishes the first snapshot of a follower. There is none before it.
    fn begin(&self, follower: &mut Follower) {
        self.generation.store(follower.generation, SeqCst);
        self.publish(&mut follower.builder);
    }

    fn publish(&self, builder: &mut SnapshotBuilder) {
        // The revision cannot be the version of the view: damage may be found when a revision is read again.
        let version = self.published.fetch_add(1, Relaxed) + 1;
        let snapshot = builder.publish(version);
        let revision = snapshot.revision();
        // INVARIANT: the snapshot is available before its revision is announced.
        let old = self.current.swap(Some(Arc::new(snapshot)));
        self.reached.send_replace(Some(revision));
        drop(old);
    }

    fn withdraw(&self) {
        self.current.store(None);
        self.reached.send_replace(None);
    }
}

fn unavailable() -> IamError {
    IamError::new(ErrorCode::ServiceUnavailable, "decisions are not available at the moment")
        .retry_after(Duration::from_secs(1))
}

struct Follower {
    builder: SnapshotBuilder,
    /// Of the store, when the view and the subscription began.
    generation: u64,
    changes: Box<dyn Changes>,
}

impl Follower {
    async fn build(store: &Arc<dyn Store>, partition: Partition, damage: &Arc<Damage>) -> Result<Self, StoreError> {
        let generation = store.generation();
        let view = store.read(At::Latest).await?;
        // Subscribed before the view is read, so that the log cannot be pruned in between.
        let changes = store.watch(view.revision()).await?;
        let interrupted = || StoreError::Unreachable(OutageReason::Interrupted.into());
        let generation = generation.filter(|_| store.generation() == generation).ok_or_else(interrupted)?;
        let mut builder = SnapshotBuilder::new(partition, damage.clone());
        builder.set_revision(view.revision());
        // A separate task reads and checks rows while earlier rows are compiled.
        let (rows, mut read) = mpsc::channel(PAGES_AHEAD);
        let reader = tokio::spawn(Reader { tally: view.tally(), view, rows }.run());
        while let Some(rows) = read.recv().await {
            for row in rows {
                builder.apply_inspected(&row)?;
            }
        }
        reader.await.map_err(|error| StoreError::Backend(Box::new(error)))??;
        Ok(Follower { builder, generation, changes })
    }

    /// Waits for commits and applies all that are available.
    async fn step(&mut self) -> Result<(), StoreError> {
        let mut set = self.changes.next().await?;
        for _ in 1..COMMITS_PER_PUBLISH {
            self.builder.apply_set(&set)?;
            match self.changes.next().now_or_never() {
                Some(next) => set = next?,
                None => return Ok(()),
            }
        }
        self.builder.apply_set(&set)
    }
}

/// Reads all rows that the view consists of, and checks that no row of the decisive kinds is missing.
struct Reader {
    view: Arc<dyn View>,
    tally: Tally,
    rows: mpsc::Sender<Vec<Inspected>>,
}

impl Reader {
    async fn run(mut self) -> Result<(), StoreError> {
        let mut accounts = Vec::new();
        for kind in FIRST {
            self.read(&keys::kind(AccountId::NONE, kind), |key| {
                // The key names the account, whatever became of the row.
                let account = keys::parse(key).filter(|(_, kind, _)| *kind == Kind::Account);
                accounts.extend(account.and_then(|(_, _, id)| Some(keys::take_account(id)?.0)));
            })
            .await?;
        }
        accounts.push(AccountId::NONE);
        for account in accounts {
            for kind in KINDS {
                self.read(&keys::kind(account, kind), |_| ()).await?;
            }
        }
        self.count_others().await?;
        self.tally.finish()
    }

    /// Counts the rows of the other decisive kinds, which are read when they are needed.
    async fn count_others(&mut self) -> Result<(), StoreError> {
        let is_read =
            |key: &[u8]| keys::parse(key).is_some_and(|(_, kind, _)| FIRST.contains(&kind) || KINDS.contains(&kind));
        let mut after: Option<Vec<u8>> = None;
        loop {
            let rows = self.view.revisions(Scan { prefix: &[], after: after.as_deref(), limit: PAGE_ROWS }).await?;
            for (key, revision) in rows.iter().filter(|(key, _)| keys::is_decisive(key) && !is_read(key)) {
                self.tally.add(key, *revision);
            }
            let Some((last, _)) = rows.get(PAGE_ROWS - 1) else { return Ok(()) };
            let is_counted = keys::is_decisive(last) && !is_read(last);
            after = Some(if is_counted { last.to_vec() } else { keys::end_of_kind(last) });
        }
    }

    async fn read(&mut self, prefix: &[u8], mut each: impl FnMut(&[u8])) -> Result<(), StoreError> {
        let mut after: Option<bytes::Bytes> = None;
        loop {
            let rows = self.view.inspect(Scan { prefix, after: after.as_deref(), limit: PAGE_ROWS }).await?;
            for row in &rows {
                self.tally.add(&row.key, row.revision);
                each(&row.key);
            }
            after = rows.get(PAGE_ROWS - 1).map(|last| last.key.clone());
            // The receiver is closed only when building was aborted.
            if !rows.is_empty() && self.rows.send(rows).await.is_err() {
                return Ok(());
            }
            if after.is_none() {
                return Ok(());
            }
        }
    }
}

async fn run(
    store: Arc<dyn Store>,
    partition: Partition,
    shared: Arc<Shared>,
    damage: Arc<Damage>,
    mut follower: Follower,
) {
    loop {
        let failure = loop {
            match follower.step().await {
                Ok(()) => shared.publish(&mut follower.builder),
                Err(error) => break error,
            }
        };
        shared.withdraw();
        if matches!(failure, StoreError::Closed) {
            tracing::info!("the store is closed, so decisions end");
            return;
        }
        tracing::error!(error = %failure, "cannot follow the change log: rebuilding the snapshot");
        let mut reported = failure.to_string();
        follower = loop {
            match Follower::build(&store, partition, &damage).await {
                Ok(mut new) => {
                    shared.begin(&mut new);
                    break new;
                }
                Err(StoreError::Closed) => return,
                Err(error) => {
                    // Twice a second while a database is away.
                    let why = error.to_string();
                    if why != reported {
                        tracing::error!(%error, "cannot build the snapshot; this is tried again");
                    }
                    reported = why;
                }
            }
            tokio::time::sleep(REBUILD_PAUSE).await;
        };
    }
}
