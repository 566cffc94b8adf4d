//! A database that cannot be reached, and one whose answers are lost.

mod common;

use std::{sync::Arc, time::Duration};

use bailiwick_storage::{At, Batch, Revision, ServerId, Store, StoreError};
use bailiwick_storage_postgres::{Options, PostgresStore};
use bailiwick_storage_suite::proxy::{Mode, Proxy};
use bytes::Bytes;
use common::Empty;

/// How long a connection may be unconfirmed in these tests.
const STALENESS: Duration = Duration::from_millis(600);

fn options() -> Options {
    Options { max_staleness: STALENESS, retry: Duration::from_millis(50), ..Options::of(ServerId([7; 16])) }
}

fn put(key: &str) -> Batch {
    Batch { put: vec![(Bytes::copy_from_slice(key.as_bytes()), "value".into())], ..Batch::default() }
}

/// A store whose connections go through a proxy, and one whose connections do not.
async fn both() -> (Proxy, Arc<PostgresStore>, PostgresStore) {
    let (database, authenticator, proxy) =
        (Empty::create().await, common::authenticator(), Proxy::start(common::port()).await);
    let direct = database.open(&Options::of(ServerId([8; 16])), &authenticator).await;
    direct.commit(put("first")).await.expect("a commit");
    let store = common::open(&database.through(proxy.port), &options(), &authenticator).await;
    (proxy, Arc::new(store), direct)
}

async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let tried = async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), tried).await.unwrap_or_else(|_| panic!("not in 20 s: {what}"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_cut_off_reads_nothing_after_the_staleness_limit() {
    for mode in [Mode::Cut, Mode::NoAnswers] {
        let (proxy, store, direct) = both().await;
        let mut follower = store.watch(store.head().await.expect("the head")).await.expect("a subscription");
        proxy.set(mode);
        direct.commit(put("meanwhile")).await.expect("a commit");
        let ended = tokio::time::timeout(STALENESS + Duration::from_secs(2), follower.next()).await;
        assert!(matches!(ended, Ok(Err(StoreError::Unreachable(_)))), "{mode:?}: {ended:?}");
        let read = store.read(At::Latest).await.map(|view| view.revision());
        assert!(matches!(read, Err(StoreError::Unreachable(_))), "{mode:?}: {read:?}");
        assert!(store.health().refuses_changes.is_some(), "{mode:?}");
        assert!(matches!(store.watch(Revision::ZERO).await.map(drop), Err(StoreError::Unreachable(_))), "{mode:?}");
        proxy.set(Mode::Open);
        until("reads succeed again", async || store.read(At::Latest).await.is_ok()).await;
        until("changes are accepted again", async || store.commit(put("after")).await.is_ok()).await;
        until("the store says so", async || store.health().refuses_changes.is_none()).await;
        let view = store.read(At::Latest).await.expect("a view");
        assert!(view.get(b"meanwhile").await.expect("a read").is_some(), "{mode:?}");
    }
}

/// A follower that waits for the database, since it is too far behind for the change sets in memory, ends in time as well.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_follower_that_reads_the_database_ends_when_the_server_is_cut_off() {
    let (database, authenticator, proxy) =
        (Empty::create().await, common::authenticator(), Proxy::start(common::port()).await);
    let direct = database.open(&Options::of(ServerId([8; 16])), &authenticator).await;
    for number in 0..300 {
        direct.commit(put(&format!("key {number}"))).await.expect("a commit");
    }
    let store = common::open(&database.through(proxy.port), &Options { recent: 1, ..options() }, &authenticator).await;
    let mut follower = store.watch(Revision::ZERO).await.expect("a subscription");
    let ended = async {
        proxy.set(Mode::NoAnswers);
        loop {
            if let Err(error) = follower.next().await {
                return error;
            }
        }
    };
    let ended = tokio::time::timeout(STALENESS + Duration::from_secs(2), ended).await;
    assert!(matches!(ended, Ok(StoreError::Unreachable(_))), "{ended:?}");
}

/// A commit whose answer is lost is found in the log afterwards, or was not written.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lost_answer_does_not_hide_the_outcome() {
    let (proxy, store, direct) = both().await;
    let (mut written, mut refused) = (0, 0);
    for number in 0..40u64 {
        let key = format!("key {number}");
        let commit = tokio::spawn({
            let (store, batch) = (store.clone(), put(&key));
            async move { store.commit(batch).await }
        });
        // At another point of the transaction each time.
        tokio::time::sleep(Duration::from_micros(number * 250)).await;
        proxy.set(if number % 2 == 0 { Mode::NoAnswers } else { Mode::Cut });
        tokio::time::sleep(Duration::from_millis(5)).await;
        proxy.set(Mode::Cut);
        tokio::time::sleep(Duration::from_millis(5)).await;
        proxy.set(Mode::Open);
        let outcome = commit.await.expect("no panics");
        let view = direct.read(At::Latest).await.expect("a view");
        let is_there = view.get(key.as_bytes()).await.expect("a read").is_some();
        match outcome {
            Ok(revision) => {
                assert!(is_there && view.revision() >= revision, "{number}");
                written += 1;
            }
            Err(StoreError::ReadOnly(_)) => {
                assert!(!is_there, "{number}: a refused change was written");
                refused += 1;
            }
            Err(StoreError::Unknown(_)) => {}
            Err(error) => panic!("{number}: {error}"),
        }
        until("changes are accepted again", async || store.commit(Batch::default()).await.is_ok()).await;
    }
    assert!(written > 0 && refused > 0, "{written} written, {refused} refused");
}

/// A connection that the database ends, as with a restart, is replaced.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_are_replaced() {
    let (database, authenticator) = (Empty::create().await, common::authenticator());
    let store = database.open(&options(), &authenticator).await;
    let client = database.client().await;
    for number in 0..5 {
        until("a commit succeeds", async || store.commit(put(&format!("key {number}"))).await.is_ok()).await;
        let ended = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                     WHERE datname = current_database() AND pid <> pg_backend_pid()";
        client.query(ended, &[]).await.expect("an end");
        let view = store.read(At::Latest).await.expect("a view over another connection");
        assert!(view.get(format!("key {number}").as_bytes()).await.expect("a read").is_some());
    }
}

/// When the follower connects again, perhaps to a standby that was promoted, no view uses the connections from before.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_for_reading_are_not_older_than_that_of_the_follower() {
    let (database, authenticator) = (Empty::create().await, common::authenticator());
    let store = database.open(&options(), &authenticator).await;
    store.commit(put("first")).await.expect("a commit");
    let client = database.client().await;
    let idle = "SELECT pid FROM pg_stat_activity
                WHERE datname = current_database() AND state = 'idle' AND query = 'ROLLBACK'";
    let mut before = Vec::<i32>::new();
    until("a connection waits for the next view", async || {
        store.read(At::Latest).await.map(drop).expect("a view");
        let rows = client.query(idle, &[]).await.expect("a list");
        before = rows.iter().map(|row| row.get(0)).collect();
        !before.is_empty()
    })
    .await;
    let ended = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                 WHERE datname = current_database() AND query LIKE 'SELECT revision, entry FROM bailiwick_log%'
                 AND NOT pid = ANY($1)";
    let count = "SELECT count(*) FROM pg_stat_activity WHERE pid = ANY($1)";
    until("the connection is ended", async || {
        client.query(ended, &[&before]).await.expect("an end");
        client.query_one(count, &[&before]).await.expect("a count").get::<_, i64>(0) == 0
    })
    .await;
    assert!(store.read(At::Latest).await.is_ok());
}

/// After a time in which the process was stopped, calls may run before the tasks that watch the connection.
#[tokio::test]
async fn what_was_read_is_not_used_after_a_time_without_the_process() {
    let database = Empty::create().await;
    let store = database.open(&options(), &common::authenticator()).await;
    store.commit(put("first")).await.expect("a commit");
    let generation = store.generation();
    assert!(generation.is_some());
    tokio::time::sleep(STALENESS * 2).await;
    assert_eq!(store.generation(), generation, "confirmed meanwhile");
    std::thread::sleep(STALENESS + Duration::from_millis(50));
    assert_eq!(store.generation(), None);
    until("the connection is confirmed", async || store.generation().is_some()).await;
    assert_ne!(store.generation(), generation, "what was read before is out of date");
}
