//! Store failures: callers see no internal detail, the log has all of it, and the outcome is never wrong.

use std::sync::Arc;

use bailiwick_model::{ErrorCode, IamError};
use bailiwick_storage::{At, CommitError, MemoryStore, Revision, Tx, User};
use bailiwick_storage_suite::{Fault, Faulty};

use crate::env::{ACCOUNT, user, user_name};

async fn tx(store: &Arc<Faulty>, at: At) -> Result<Tx, IamError> {
    Tx::begin(store.clone(), Arc::default(), at).await
}

async fn create_bob(store: &Arc<Faulty>) -> Result<Revision, CommitError> {
    let mut tx = tx(store, At::Latest).await?;
    tx.create(&user(1, "Bob")).await?;
    tx.commit().await
}

async fn exists(store: &Arc<Faulty>) -> bool {
    let mut tx = tx(store, At::Latest).await.expect("a transaction");
    tx.find::<User>(ACCOUNT, &user_name("bob")).await.expect("a read").is_some()
}

#[tokio::test]
async fn a_failed_commit_differs_from_a_conflict() {
    for (fault, there) in [(Fault::Conflict, false), (Fault::Before, false), (Fault::After, true)] {
        let store = Arc::new(Faulty::new(Arc::new(MemoryStore::new()), [fault]));
        match create_bob(&store).await {
            Err(CommitError::Conflict) => assert_eq!(fault, Fault::Conflict),
            Err(CommitError::Failed(error)) => {
                assert_ne!(fault, Fault::Conflict);
                assert_eq!(error.code(), ErrorCode::ServiceFailure);
                assert!(!error.message().contains("planned"), "the caller learns nothing");
                assert!(error.cause().is_some(), "the log does");
            }
            Ok(revision) => panic!("{revision:?}"),
        }
        assert_eq!(exists(&store).await, there, "{fault:?}");
        assert_eq!(create_bob(&store).await.is_ok(), !there, "{fault:?}");
    }
}

#[tokio::test]
async fn a_failed_read_is_an_error_not_an_absence() {
    let store = Arc::new(Faulty::new(Arc::new(MemoryStore::new()), []));
    create_bob(&store).await.expect("a store that works");
    store.fail_reads(true);
    let error = tx(&store, At::Latest).await.map(drop).expect_err("reads fail");
    assert_eq!(error.code(), ErrorCode::ServiceFailure);
    store.fail_reads(false);
    let error = tx(&store, At::AtLeast(Revision::new(9))).await.map(drop).expect_err("there is no such revision");
    assert_eq!(error.code(), ErrorCode::ServiceUnavailable);
}

#[tokio::test]
async fn a_slow_commit_does_not_block_others() {
    let store = Arc::new(Faulty::new(Arc::new(MemoryStore::new()), [Fault::Held]));
    let held = tokio::spawn({
        let store = store.clone();
        async move { create_bob(&store).await }
    });
    tokio::task::yield_now().await;
    assert!(!exists(&store).await);
    let mut other = tx(&store, At::Latest).await.expect("a transaction");
    other.create(&user(2, "Eve")).await.expect("it is new");
    other.commit().await.expect("a commit without rivals");
    store.release();
    held.await.expect("a task").expect("it had no rival for its keys");
    assert!(exists(&store).await);
}
