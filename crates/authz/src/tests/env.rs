//! The environment of the tests: `bailiwick_testing::World` with its snapshots, and the service under test.

use std::ops::Deref;
use std::sync::Arc;

use bailiwick_model::Arn;
use bailiwick_operation::Clock as _;
use bailiwick_snapshot::Snapshots;
use bailiwick_storage::{Group, Revision, Role, Tx, User};
use bailiwick_testing::{Key, World};
use jiff::Timestamp;

use crate::Authz;

/// A world whose snapshots contain every record that its methods have committed.
pub(crate) struct TestEnv {
    world: World,
    pub(crate) snapshots: Arc<Snapshots>,
    pub(crate) authz: Authz,
}

impl Deref for TestEnv {
    type Target = World;

    fn deref(&self) -> &World {
        &self.world
    }
}

impl TestEnv {
    pub(crate) async fn new() -> TestEnv {
        let world = World::new().await;
        let snapshots = Snapshots::start(world.store.clone(), world.deployment.partition).await.unwrap();
        let snapshots = Arc::new(snapshots);
        let authz = Authz::new(world.deployment.clone(), snapshots.clone());
        TestEnv { world, snapshots, authz }
    }

    pub(crate) fn pass(&self, seconds: i64) {
        self.clock.advance(seconds);
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    pub(crate) async fn tx(&self) -> Tx {
        self.begin().await
    }

    pub(crate) async fn commit(&self, tx: Tx) -> Revision {
        self.followed(self.world.commit(tx).await).await
    }

    pub(crate) async fn user(&self, of: &str, name: &str, document: &str) -> User {
        let user = self.world.user(of, name, document).await;
        self.catch_up(user).await
    }

    pub(crate) async fn group(&self, name: &str, document: &str, members: &[&User]) -> Group {
        let group = self.world.group(name, document, members).await;
        self.catch_up(group).await
    }

    pub(crate) async fn role(&self, of: &str, name: &str, trust: &str, document: &str) -> Role {
        let role = self.world.role(of, name, trust, document).await;
        self.catch_up(role).await
    }

    pub(crate) async fn managed(&self, name: &str, document: &str) -> Arn {
        let arn = self.world.managed_policy(name, document).await;
        self.catch_up(arn).await
    }

    pub(crate) async fn key(&self, of: &str, user: Option<&User>) -> Key {
        let key = self.world.key(of, user).await;
        self.catch_up(key).await
    }

    /// Waits until the snapshots contain everything that was committed.
    async fn catch_up<T>(&self, created: T) -> T {
        self.followed(self.store.head().await.unwrap()).await;
        created
    }

    async fn followed(&self, revision: Revision) -> Revision {
        self.snapshots.at_least(revision).await.unwrap();
        revision
    }
}
