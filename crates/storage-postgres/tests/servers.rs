//! Several servers on one database.

mod common;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use bailiwick_storage::{Add, At, Batch, Expect, Revision, ServerId, Store, StoreCopy, StoreError};
use bailiwick_storage_postgres::{Address, Database, OpenError, Options, PostgresStore};
use bailiwick_storage_suite::proxy::{Mode, Proxy};
use bytes::Bytes;
use common::Empty;

fn put(key: &str, value: &str) -> Batch {
    Batch {
        put: vec![(Bytes::copy_from_slice(key.as_bytes()), Bytes::copy_from_slice(value.as_bytes()))],
        ..Batch::default()
    }
}

async fn value(store: &PostgresStore, key: &str) -> Option<Bytes> {
    let view = store.read(At::Latest).await.expect("a view");
    view.get(key.as_bytes()).await.expect("a read").map(|found| found.value)
}

async fn servers<const N: usize>(database: &Empty) -> [Arc<PostgresStore>; N] {
    let authenticator = common::authenticator();
    let mut servers = Vec::new();
    for number in 0..N {
        let options = Options::of(ServerId([number as u8; 16]));
        let store = database.open(&options, &authenticator).await;
        if number == 0 {
            // From now on the others may start.
            store.commit(put("first", "start")).await.expect("a commit");
        }
        servers.push(Arc::new(store));
    }
    servers.try_into().unwrap_or_else(|_| panic!("{N} servers"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_is_read_on_every_server_and_reaches_every_follower() {
    let servers = servers::<3>(&Empty::create().await).await;
    let mut followers = Vec::new();
    for server in &servers {
        followers.push(server.watch(server.head().await.expect("the head")).await.expect("a subscription"));
    }
    for (number, writer) in servers.iter().enumerate() {
        let written = number.to_string();
        let revision = writer.commit(put("key", &written)).await.expect("a commit");
        for reader in &servers {
            assert_eq!(value(reader, "key").await.as_deref(), Some(written.as_bytes()));
        }
        let begun = Instant::now();
        for follower in &mut followers {
            assert_eq!(follower.next().await.expect("a change set").revision, revision);
        }
        assert!(
            begun.elapsed() < Duration::from_secs(1),
            "a revocation is in force within a second: {:?}",
            begun.elapsed()
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writers_on_all_servers_lose_no_update() {
    let servers = servers::<3>(&Empty::create().await).await;
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..12 {
        let server = servers[number % servers.len()].clone();
        tasks.spawn(async move {
            for _ in 0..10 {
                let add = Add { key: "counter".into(), delta: 1, max: None };
                server.commit(Batch { add: vec![add], ..Batch::default() }).await.expect("a counter never conflicts");
                // Read, compare and write, until no other task wrote in between.
                loop {
                    let view = server.read(At::Latest).await.expect("a view");
                    let found = view.get(b"text").await.expect("a read");
                    let mut text = found.as_ref().map(|found| found.value.to_vec()).unwrap_or_default();
                    text.push(b'x');
                    let expect = Expect { key: "text".into(), revision: found.map(|found| found.revision) };
                    let batch =
                        Batch { expect: vec![expect], put: vec![("text".into(), text.into())], ..Batch::default() };
                    match server.commit(batch).await {
                        Ok(_) => break,
                        Err(StoreError::Conflict { .. }) => {}
                        Err(error) => panic!("{error}"),
                    }
                }
            }
        });
    }
    while let Some(done) = tasks.join_next().await {
        done.expect("no panics");
    }
    assert_eq!(value(&servers[0], "text").await.map(|text| text.len()), Some(120));
    assert_eq!(value(&servers[1], "counter").await.as_deref(), Some(&120u64.to_be_bytes()[..]));
    // The log of every server has each revision once.
    for server in &servers {
        let head = server.head().await.expect("the head");
        assert_eq!(head, Revision::new(241));
        let mut log = server.watch(Revision::ZERO).await.expect("a subscription");
        for number in 1..=head.number() {
            assert_eq!(log.next().await.expect("a change set").revision, Revision::new(number));
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_first_starts_at_the_same_time_one_makes_the_store() {
    let database = Empty::create().await;
    let authenticator = common::authenticator();
    let mut starts = tokio::task::JoinSet::new();
    for number in 0..4 {
        let (address, authenticator) = (database.address(), authenticator.clone());
        starts.spawn(async move {
            let address = Address::parse(&address, None).expect("an address");
            let database = Database::open(address, Options::of(ServerId([number; 16]))).await.expect("a database");
            let is_unused = database.is_unused();
            let store = database.start(authenticator).expect("a store");
            if is_unused {
                // Others still wait.
                tokio::time::sleep(Duration::from_millis(200)).await;
                store.commit(put("made by", "one")).await.expect("a commit");
            }
            (is_unused, value(&store, "made by").await)
        });
    }
    let mut made = 0;
    while let Some(started) = starts.join_next().await {
        let (is_unused, found) = started.expect("no panics");
        made += usize::from(is_unused);
        assert_eq!(found.as_deref(), Some(&b"one"[..]));
    }
    assert_eq!(made, 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_first_start_that_is_given_up_lets_the_next_begin() {
    let database = Empty::create().await;
    let open = async || {
        let address = Address::parse(&database.address(), None).expect("an address");
        Database::open(address, Options::of(ServerId([0; 16]))).await.expect("a database")
    };
    drop(open().await);
    let second = tokio::time::timeout(Duration::from_secs(5), open()).await.expect("no wait");
    assert!(second.is_unused());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_older_copy_of_the_database_is_refused() {
    let database = Empty::create().await;
    let [first, second] = servers::<2>(&database).await;
    let client = database.client().await;
    client.batch_execute("CREATE TABLE copy AS SELECT * FROM bailiwick_head").await.expect("a copy");
    first.commit(put("revoked", "yes")).await.expect("a commit");
    second.watch(Revision::new(1)).await.expect("a subscription").next().await.expect("the change set");
    let older = "UPDATE bailiwick_head SET revision = copy.revision, state = copy.state FROM copy";
    client.batch_execute(older).await.expect("an older head");
    for server in [&first, &second] {
        let read = server.read(At::Latest).await.map(|view| view.revision());
        assert!(matches!(read, Err(StoreError::Unreachable(_))), "{read:?}");
        let written = server.commit(put("more", "text")).await;
        assert!(matches!(written, Err(StoreError::ReadOnly(_))), "{written:?}");
    }
}

/// After a failover that lost a change, other servers may have written as many changes as were lost.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_with_other_changes_is_refused() {
    let (database, authenticator) = (Empty::create().await, common::authenticator());
    let options = |number| Options { retry: Duration::from_millis(50), ..Options::of(ServerId([number; 16])) };
    let first = database.open(&options(1), &authenticator).await;
    first.commit(put("first", "start")).await.expect("a commit");
    let client = database.client().await;
    let tables = ["head", "rows", "log"];
    for table in tables {
        let copy = format!("CREATE TABLE copy_{table} AS SELECT * FROM bailiwick_{table}");
        client.batch_execute(&copy).await.expect("a copy");
    }
    first.commit(put("lost", "yes")).await.expect("a commit");
    let restore = tables.map(|table| {
        format!("DELETE FROM bailiwick_{table}; INSERT INTO bailiwick_{table} SELECT * FROM copy_{table};")
    });
    client.batch_execute(&restore.concat()).await.expect("an older database");
    let ended = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                 WHERE datname = current_database() AND pid <> pg_backend_pid()";
    client.query(ended, &[]).await.expect("an end");
    let second = database.open(&options(2), &authenticator).await;
    for value in ["one", "two"] {
        second.commit(put("revoked", value)).await.expect("a commit");
    }
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(2) {
        let written = first.commit(put("more", "text")).await;
        assert!(matches!(written, Err(StoreError::ReadOnly(_))), "{written:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let read = first.read(At::Latest).await.map(|view| view.revision());
    assert!(matches!(read, Err(StoreError::Unreachable(_))), "{read:?}");
    assert_eq!(value(&second, "revoked").await.as_deref(), Some(&b"two"[..]));
}

/// The same, of a server that has seen no change since it started.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_with_other_changes_is_refused_by_a_server_that_has_seen_none() {
    let (database, authenticator) = (Empty::create().await, common::authenticator());
    let options = |number| Options {
        retry: Duration::from_millis(50),
        max_staleness: Duration::from_secs(60),
        ..Options::of(ServerId([number; 16]))
    };
    let direct = database.open(&options(2), &authenticator).await;
    direct.commit(put("first", "start")).await.expect("a commit");
    let client = database.client().await;
    let tables = ["head", "rows", "log"];
    for table in tables {
        let copy = format!("CREATE TABLE copy_{table} AS SELECT * FROM bailiwick_{table}");
        client.batch_execute(&copy).await.expect("a copy");
    }
    direct.commit(put("lost", "yes")).await.expect("a commit");
    direct.close().await;
    let proxy = Proxy::start(common::port()).await;
    let first = common::open(&database.through(proxy.port), &options(1), &authenticator).await;
    let mut follower = first.watch(Revision::new(2)).await.expect("a subscription");
    tokio::time::sleep(Duration::from_secs(2)).await;
    proxy.set(Mode::Cut);
    let restore = tables.map(|table| {
        format!("DELETE FROM bailiwick_{table}; INSERT INTO bailiwick_{table} SELECT * FROM copy_{table};")
    });
    client.batch_execute(&restore.concat()).await.expect("an older database");
    let second = database.open(&options(3), &authenticator).await;
    for value in ["one", "two"] {
        second.commit(put("revoked", value)).await.expect("a commit");
    }
    proxy.set(Mode::Open);
    let ended = tokio::time::timeout(Duration::from_secs(10), follower.next()).await.expect("an end");
    assert!(matches!(ended, Err(StoreError::Unreachable(_))), "{ended:?}");
    let written = first.commit(put("more", "text")).await;
    assert!(matches!(written, Err(StoreError::ReadOnly(_))), "{written:?}");
}

/// Without the newest entry, the others must not go on as if there had been no change.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_missing_end_of_the_change_log_is_noticed() {
    let (database, authenticator) = (Empty::create().await, common::authenticator());
    let options = Options { poll: Duration::from_secs(2), ..Options::of(ServerId([1; 16])) };
    let first = database.open(&options, &authenticator).await;
    first.commit(put("first", "start")).await.expect("a commit");
    let mut follower = first.watch(Revision::new(1)).await.expect("a subscription");
    let second = database.open(&Options::of(ServerId([2; 16])), &authenticator).await;
    let client = database.client().await;
    second.commit(put("revoked", "yes")).await.expect("a commit");
    let removed = "DELETE FROM bailiwick_log WHERE revision = 2";
    client.batch_execute(removed).await.expect("a missing entry");
    let ended = tokio::time::timeout(Duration::from_secs(10), follower.next()).await.expect("an end");
    assert!(matches!(ended, Err(StoreError::Unreachable(_))), "{ended:?}");
    let begun = Instant::now();
    while first.watch(Revision::new(2)).await.is_err() {
        assert!(begun.elapsed() < Duration::from_secs(5), "it goes on after the missing entry");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(value(&first, "revoked").await.as_deref(), Some(&b"yes"[..]));
}

/// Servers that use the database while a backup is restored into it know that it is another store.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restored_store_has_another_epoch() {
    let (database, authenticator) = (Empty::create().await, common::authenticator());
    let options = Options::of(ServerId([1; 16]));
    let server = database.open(&options, &authenticator).await;
    server.commit(put("first", "start")).await.expect("a commit");
    let mut follower = server.watch(Revision::new(1)).await.expect("a subscription");
    let copy = StoreCopy::of(server.read(At::Latest).await.expect("a view"));
    let rows = copy.next(None).await.expect("the rows").into_iter().map(Ok);
    let sealed = copy.sealed_state().expect("the state");
    drop(copy);
    let client = database.client().await;
    client.batch_execute("DROP TABLE bailiwick_head, bailiwick_rows, bailiwick_log").await.expect("no store");
    client.batch_execute("DROP TABLE bailiwick_servers").await.expect("no store");
    let address = Address::parse(&database.address(), None).expect("an address");
    let empty = Database::open(address, Options::of(ServerId([2; 16]))).await.expect("a database");
    empty.restore(&authenticator, &sealed, 7, rows).await.expect("a restored store");
    let ended = tokio::time::timeout(Duration::from_secs(5), follower.next()).await.expect("an end");
    assert!(matches!(ended, Err(StoreError::Closed)), "{ended:?}");
    let written = server.commit(put("more", "text")).await;
    assert!(matches!(written, Err(StoreError::ReadOnly(_))), "{written:?}");
}

/// A row that no server wrote does not end the task that watches the connection.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_head_ends_decisions() {
    let (database, authenticator) = (Empty::create().await, common::authenticator());
    let options = Options { max_staleness: Duration::from_millis(600), ..Options::of(ServerId([1; 16])) };
    let server = database.open(&options, &authenticator).await;
    server.commit(put("first", "start")).await.expect("a commit");
    let mut follower = server.watch(Revision::new(1)).await.expect("a subscription");
    let client = database.client().await;
    client.batch_execute("ALTER TABLE bailiwick_head ALTER epoch DROP NOT NULL").await.expect("a change");
    client.batch_execute("UPDATE bailiwick_head SET epoch = NULL").await.expect("a change");
    let ended = tokio::time::timeout(Duration::from_secs(5), follower.next()).await.expect("an end");
    assert!(matches!(ended, Err(StoreError::Unreachable(_))), "{ended:?}");
    let read = server.read(At::Latest).await.map(|view| view.revision());
    assert!(read.is_err(), "{read:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn servers_of_a_restored_store_stop() {
    let database = Empty::create().await;
    let [server] = servers::<1>(&database).await;
    let mut follower = server.watch(Revision::new(1)).await.expect("a subscription");
    database.client().await.batch_execute("UPDATE bailiwick_head SET epoch = epoch + 1").await.expect("a restore");
    let ended = tokio::time::timeout(Duration::from_secs(5), follower.next()).await.expect("an end");
    assert!(matches!(ended, Err(StoreError::Closed)), "{ended:?}");
    let read = server.read(At::Latest).await.map(|view| view.revision());
    assert!(matches!(read, Err(StoreError::Closed)), "{read:?}");
    let written = server.commit(put("more", "text")).await;
    assert!(matches!(written, Err(StoreError::ReadOnly(_))), "{written:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_is_one_process() {
    let (database, authenticator) = (Empty::create().await, common::authenticator());
    let options = Options::of(ServerId([1; 16]));
    let server = database.open(&options, &authenticator).await;
    server.commit(put("first", "start")).await.expect("a commit");
    let open = async || {
        let address = Address::parse(&database.address(), None).expect("an address");
        Database::open(address, options.clone()).await
    };
    assert!(matches!(open().await, Err(OpenError::SameServer)));
    server.commit(put("second", "text")).await.expect("the first one goes on");

    // One that was closed is followed at once, and one that ended without notice after some seconds.
    server.close().await;
    let begun = Instant::now();
    let server = open().await.expect("the next one").start(authenticator.clone()).expect("a store");
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    server.commit(put("third", "text")).await.expect("a commit");
    drop(server);
    let server = open().await.expect("the next one").start(authenticator.clone()).expect("a store");

    // Two that did not find each other at their starts, such as when the first one was paused: the later one stops.
    let client = database.client().await;
    let earlier = "INSERT INTO bailiwick_servers SELECT substring(server FROM 1 FOR 16) || '\\x00'::bytea, now() + interval '9 seconds'
                   FROM bailiwick_servers ON CONFLICT DO NOTHING";
    let mut follower = server.watch(server.head().await.expect("a head")).await.expect("a subscription");
    client.batch_execute(earlier).await.expect("a row");
    let ended = tokio::time::timeout(Duration::from_secs(5), follower.next()).await.expect("an end");
    assert!(matches!(ended, Err(StoreError::Closed)), "{ended:?}");
    assert!(matches!(server.read(At::Latest).await.map(|view| view.revision()), Err(StoreError::Closed)));
}

/// The row of a process that was killed stayed as long as the servers kept their connections.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_of_killed_processes_are_removed() {
    let database = Empty::create().await;
    let [_server] = servers::<1>(&database).await;
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
