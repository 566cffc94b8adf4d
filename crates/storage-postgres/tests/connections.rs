//! Connections that the database ends.

mod common;

use std::time::Duration;

use bailiwick_storage::{At, Batch, ServerId, Store as _};
use bailiwick_storage_postgres::Options;
use bytes::Bytes;
use common::Empty;

fn options() -> Options {
    let (max_staleness, retry) = (Duration::from_millis(600), Duration::from_millis(50));
    Options { max_staleness, retry, ..Options::of(ServerId([7; 16])) }
}

fn put(key: &str) -> Batch {
    Batch { put: vec![(Bytes::copy_from_slice(key.as_bytes()), "value".into())], ..Batch::default() }
}

async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let tried = async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), tried).await.unwrap_or_else(|_| panic!("not in 20 s: {what}"));
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
