//! The environment of the tests: a store, its snapshots, a clock and three accounts.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU8, Ordering};

use bailiwick_model::limits::Quotas;
use bailiwick_model::{IdKind, Partition, Region, UniqueId};
use bailiwick_operation::{Clock, Deployment, Random, RevisionScope};
use bailiwick_seal::{Keyring, Sealer};
use bailiwick_snapshot::Snapshots;
use bailiwick_storage::{Account, AccountState, MemoryStore, Revision, Store, Tx};
use jiff::Timestamp;

use super::{MAIN, OTHER, THIRD, account, noon};
use crate::Authz;

/// A clock that tests move.
pub(crate) struct ManualClock(AtomicI64);

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_second(self.0.load(Ordering::Relaxed)).unwrap()
    }
}

pub(crate) struct CountingRandom(AtomicU8);

impl Random for CountingRandom {
    fn fill(&self, buffer: &mut [u8]) {
        buffer.fill_with(|| self.0.fetch_add(1, Ordering::Relaxed));
    }
}

pub(crate) struct TestEnv {
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) deployment: Arc<Deployment>,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) snapshots: Arc<Snapshots>,
    pub(crate) authz: Authz,
    pub(crate) ids: AtomicU8,
}

impl TestEnv {
    pub(crate) async fn new() -> TestEnv {
        let clock = Arc::new(ManualClock(AtomicI64::new(noon().as_second())));
        let deployment = Arc::new(Deployment {
            partition: Partition::Aws,
            region: Region::parse("eu-central-1").unwrap(),
            cluster_id: "pond".into(),
            management_account: account(MAIN),
            quotas: Arc::new(Quotas::default()),
            revisions: RevisionScope { store_id: "pond".into(), epoch: 0 },
            clock: clock.clone(),
            random: Arc::new(CountingRandom(AtomicU8::new(0))),
            sealer: Arc::new(Sealer::new(Keyring::generate(0).unwrap())),
        });
        let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
        let snapshots = Arc::new(Snapshots::start(store.clone(), Partition::Aws).await.unwrap());
        let authz = Authz::new(deployment.clone(), snapshots.clone());
        let env = TestEnv { clock, deployment, store, snapshots, authz, ids: AtomicU8::new(0) };
        let mut tx = env.tx().await;
        for id in [MAIN, OTHER, THIRD] {
            tx.create_account(&Account {
                id: account(id),
                name: id.into(),
                email: format!("{id}@example.com"),
                state: AccountState::Active,
                created: noon(),
                management: id == MAIN,
                alias: None,
                role_name: None,
                state_changed: None,
                sessions_valid_after: None,
            })
            .await
            .unwrap();
        }
        env.commit(tx).await;
        env
    }

    pub(crate) fn pass(&self, seconds: i64) {
        self.clock.0.fetch_add(seconds, Ordering::Relaxed);
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(crate) fn next_id(&self, kind: IdKind) -> UniqueId {
        UniqueId::new(kind, [self.ids.fetch_add(1, Ordering::Relaxed); 17])
    }

    pub(crate) async fn tx(&self) -> Tx {
        Tx::begin(self.store.clone(), Arc::new(Quotas::default()), bailiwick_storage::At::Latest).await.unwrap()
    }

    pub(crate) async fn commit(&self, tx: Tx) -> Revision {
        let revision = tx.commit().await.unwrap();
        self.snapshots.at_least(revision).await.unwrap();
        revision
    }
}
