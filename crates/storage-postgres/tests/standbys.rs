//! A database that waits for a standby which is not there: what is not durable on it is neither acknowledged nor trusted.

mod common;

use std::{sync::Arc, time::Duration};

use bailiwick_storage::{Authenticator, Batch, Revision, ServerId, Store};
use bailiwick_storage_postgres::{Address, Database, Options, PostgresStore};
use bytes::Bytes;
use tokio_postgres::Client;

/// A server of its own, whose settings can be changed.
struct Server {
    port: u16,
    client: Client,
}

impl Server {
    async fn start() -> Self {
        let port = common::start();
        Server { port, client: common::connect(port, "postgres").await }
    }

    fn address(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.port)
    }

    async fn set(&self, setting: &str) {
        self.client.batch_execute(&format!("ALTER SYSTEM {setting}")).await.expect("a setting");
        self.client.batch_execute("SELECT pg_reload_conf()").await.expect("a setting");
    }

    /// The process of a commit that waits for the standby.
    async fn waiting(&self, query: &str) -> i32 {
        let waiting = "SELECT pid FROM pg_stat_activity WHERE wait_event = 'SyncRep' AND query = $1";
        loop {
            if let Some(row) = self.client.query_opt(waiting, &[&query]).await.expect("a list") {
                return row.get(0);
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// From now on commits wait for a standby.
    async fn require_standby(&self) {
        self.set("SET synchronous_standby_names = 'missing'").await;
        let write = "SELECT pg_logical_emit_message(true, 'test', '')";
        let writer = common::connect(self.port, "postgres").await;
        let written = async {
            for _ in 0..100_000 {
                writer.batch_execute(write).await.expect("a write");
            }
        };
        let waits = tokio::time::timeout(Duration::from_secs(20), self.waiting(write));
        tokio::select! {
            () = written => panic!("commits do not wait"),
            found = waits => assert!(found.is_ok(), "commits wait"),
        }
    }
}

fn put(key: &str) -> Batch {
    Batch { put: vec![(Bytes::copy_from_slice(key.as_bytes()), "value".into())], ..Batch::default() }
}

async fn store(address: &str, authenticator: &Authenticator) -> Arc<PostgresStore> {
    let store = common::open(address, &Options::of(ServerId([1; 16])), authenticator).await;
    store.commit(put("first")).await.expect("a commit");
    Arc::new(store)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn commits_wait_for_the_standby_whatever_the_session_has() {
    let server = Server::start().await;
    let address = format!("{}?options=-c%20synchronous_commit%3Dlocal", server.address());
    let store = store(&address, &common::authenticator()).await;
    server.require_standby().await;
    let committed = tokio::time::timeout(Duration::from_secs(1), store.commit(put("key"))).await;
    assert!(committed.is_err(), "{committed:?}");
}

/// A transaction whose connection ends while it waits for the standby can be read, and is not durable.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_that_is_found_after_a_lost_connection_is_durable_before_it_is_acknowledged() {
    let server = Server::start().await;
    let store = store(&server.address(), &common::authenticator()).await;
    server.require_standby().await;
    let commit = tokio::spawn({
        let store = store.clone();
        async move { store.commit(put("key")).await }
    });
    let pid = tokio::time::timeout(Duration::from_secs(20), server.waiting("COMMIT")).await.expect("the commit waits");
    server.client.execute("SELECT pg_terminate_backend($1)", &[&pid]).await.expect("an end");
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(!commit.is_finished(), "it is not durable");
    server.set("RESET synchronous_standby_names").await;
    assert_eq!(commit.await.expect("no panics").expect("a commit"), Revision::new(2));
}

/// A primary that was replaced answers reads of what may be long out of date.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_confirms_nothing_is_not_opened() {
    let server = Server::start().await;
    drop(store(&server.address(), &common::authenticator()).await);
    server.require_standby().await;
    let address = Address::parse(&server.address(), None).expect("an address");
    let opening = Database::open(address, Options::of(ServerId([2; 16])));
    let opened = tokio::time::timeout(Duration::from_secs(2), opening).await;
    assert!(opened.is_err(), "{opened:?}");
}
