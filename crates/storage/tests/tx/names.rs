//! New names on a store on another machine, which are presumed to be free without a read.

use std::sync::Arc;

use async_trait::async_trait;
use bailiwick_model::{IamError, limits::Quotas};
use bailiwick_storage::{
    At, Batch, Changes, CommitError, Group, Inspected, Revision, Scan, Store, StoreError, Tally, Tx, Versioned, View,
};

use crate::env::{ACCOUNT, TestEnv, group, user};

/// A store on another machine.
struct Elsewhere(Arc<dyn Store>);

struct ElsewhereView(Arc<dyn View>);

#[async_trait]
impl Store for Elsewhere {
    async fn read(&self, at: At) -> Result<Arc<dyn View>, StoreError> {
        Ok(Arc::new(ElsewhereView(self.0.read(at).await?)))
    }

    async fn commit(&self, batch: Batch) -> Result<Revision, StoreError> {
        self.0.commit(batch).await
    }

    async fn watch(&self, after: Revision) -> Result<Box<dyn Changes>, StoreError> {
        self.0.watch(after).await
    }

    async fn head(&self) -> Result<Revision, StoreError> {
        self.0.head().await
    }
}

#[async_trait]
impl View for ElsewhereView {
    fn revision(&self) -> Revision {
        self.0.revision()
    }

    async fn get(&self, key: &[u8]) -> Result<Option<Versioned>, StoreError> {
        self.0.get(key).await
    }

    fn is_elsewhere(&self, _: &[u8]) -> bool {
        true
    }

    async fn inspect(&self, scan: Scan<'_>) -> Result<Vec<Inspected>, StoreError> {
        self.0.inspect(scan).await
    }

    fn tally(&self) -> Tally {
        self.0.tally()
    }
}

async fn presuming(env: &TestEnv) -> Tx {
    let mut tx = env.tx().await;
    tx.presume_names();
    tx
}

async fn env() -> TestEnv {
    let env = TestEnv::with(Quotas { users: 1, ..Quotas::default() });
    let env = TestEnv { store: Arc::new(Elsewhere(env.store)), ..env };
    env.run(async |tx| tx.create(&group(1, "Taken")).await).await;
    env
}

#[tokio::test]
async fn the_commit_finds_out_whether_a_presumed_name_is_free() {
    let env = env().await;
    let mut free = presuming(&env).await;
    free.create(&group(2, "Free")).await.expect("a free name");
    assert!(free.has_presumed());
    free.commit().await.expect("a free name");
    for name in ["Taken", "TAKEN", "Free"] {
        let mut taken = presuming(&env).await;
        taken.create(&group(3, name)).await.expect("a name that is not read");
        let committed = taken.commit().await;
        assert!(matches!(committed, Err(CommitError::Conflict)), "{name}: {committed:?}");
        let refusal = env.refusal(async |tx| tx.create(&group(3, name)).await).await;
        assert!(refusal.contains("already exists"), "{refusal}");
    }
}

#[tokio::test]
async fn what_the_transaction_has_read_or_written_is_not_presumed() {
    let env = env().await;
    let mut tx = presuming(&env).await;
    assert!(tx.find::<Group>(ACCOUNT, &group(1, "taken").name).await.expect("a read").is_some());
    let refused: Result<(), IamError> = tx.create(&group(2, "taken")).await;
    assert!(refused.is_err() && !tx.has_presumed());
    tx.create(&group(3, "New")).await.expect("a free name");
    assert!(tx.create(&group(4, "new")).await.is_err(), "its own write");
}

// The name would be refused first, so the caller must not return this error.
#[tokio::test]
async fn an_error_after_a_presumption_is_known_by_it() {
    let env = env().await;
    env.run(async |tx| tx.create(&user(1, "Bob")).await).await;
    let mut tx = presuming(&env).await;
    let error = tx.create(&user(2, "bob")).await.expect_err("too many users").to_string();
    assert!(!error.contains("already exists") && tx.has_presumed(), "{error}");
    assert!(env.refusal(async |tx| tx.create(&user(2, "bob")).await).await.contains("already exists"));
}
