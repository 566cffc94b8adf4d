//! Several servers on one database, which cannot be reached at times.

mod common;

use std::time::{Duration, Instant};

use bailiwick_storage::{At, Batch, Revision, ServerId, Store as _, StoreError};
use bailiwick_storage_postgres::{Options, PostgresStore};
use bytes::Bytes;
use common::Empty;

bailiwick_storage_suite::shared_suite!(common::Empty);

fn put(key: &str, value: &str) -> Batch {
    let (key, value) = (Bytes::copy_from_slice(key.as_bytes()), Bytes::copy_from_slice(value.as_bytes()));
    Batch { put: vec![(key, value)], ..Batch::default() }
}

/// A server of a store that has one change.
async fn server(database: &Empty) -> PostgresStore {
    let store = database.open(&Options::of(ServerId([1; 16])), &common::authenticator()).await;
    store.commit(put("first", "start")).await.expect("a commit");
    store
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn servers_of_a_restored_store_stop() {
    let database = Empty::create().await;
    let server = server(&database).await;
    let mut follower = server.watch(Revision::new(1)).await.expect("a subscription");
    database.client().await.batch_execute("UPDATE bailiwick_head SET epoch = epoch + 1").await.expect("a restore");
    let ended = tokio::time::timeout(Duration::from_secs(5), follower.next()).await.expect("an end");
    assert!(matches!(ended, Err(StoreError::Closed)), "{ended:?}");
    let read = server.read(At::Latest).await.map(|view| view.revision());
    assert!(matches!(read, Err(StoreError::Closed)), "{read:?}");
    let written = server.commit(put("more", "text")).await;
    assert!(matches!(written, Err(StoreError::ReadOnly(_))), "{written:?}");
}

/// The row of a process that was killed stayed as long as the servers kept their connections.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_of_killed_processes_are_removed() {
    let database = Empty::create().await;
    let _server = server(&database).await;
    let client = database.client().await;
    let killed = "INSERT INTO bailiwick_servers VALUES ('one', now() - interval '25 hours'), ('two', now() - interval '23 hours')";
    client.batch_execute(killed).await.expect("rows");
    let begun = Instant::now();
    let count = "SELECT count(*) FROM bailiwick_servers";
    while client.query_one(count, &[]).await.expect("a count").get::<_, i64>(0) != 2 {
        assert!(begun.elapsed() < Duration::from_secs(10), "it stays");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(client.query_one(count, &[]).await.expect("a count").get::<_, i64>(0), 2, "a day has not passed");
}
