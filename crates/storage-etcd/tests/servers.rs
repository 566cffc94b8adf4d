//! Several servers on one cluster.

mod common;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use bailiwick_storage::{Add, At, Batch, Expect, Revision, Scan, ServerId, Store, StoreCopy, StoreError, StoredRow};
use bailiwick_storage_etcd::{Address, Database, EtcdStore, OpenError, Options};
use bailiwick_storage_suite::proxy::{Mode, Proxy};
use bytes::Bytes;
use common::{Empty, put};

async fn value(store: &EtcdStore, key: &str) -> Option<Bytes> {
    let view = store.read(At::Latest).await.expect("a view");
    view.get(key.as_bytes()).await.expect("a read").map(|found| found.value)
}

async fn servers<const N: usize>(database: &Empty) -> [Arc<EtcdStore>; N] {
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
    let servers = servers::<3>(&Empty::create()).await;
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
    let servers = servers::<3>(&Empty::create()).await;
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
    let database = Empty::create();
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
    let database = Empty::create();
    let open = async || {
        let address = Address::parse(&database.address(), None).expect("an address");
        Database::open(address, Options::of(ServerId([0; 16]))).await.expect("a database")
    };
    drop(open().await);
    let second = tokio::time::timeout(Duration::from_secs(5), open()).await.expect("no wait");
    assert!(second.is_unused());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_older_copy_of_the_store_is_refused() {
    let database = Empty::create();
    let [first, second] = servers::<2>(&database).await;
    let head = database.get(b"head").expect("a head");
    first.commit(put("revoked", "yes")).await.expect("a commit");
    second.watch(Revision::new(1)).await.expect("a subscription").next().await.expect("the change set");
    database.set(b"head", Some(&head));
    for server in [&first, &second] {
        let read = server.read(At::Latest).await.map(|view| view.revision());
        assert!(matches!(read, Err(StoreError::Unreachable(_))), "{read:?}");
        let written = server.commit(put("more", "text")).await;
        assert!(matches!(written, Err(StoreError::ReadOnly(_))), "{written:?}");
    }
}

/// After a snapshot of etcd was restored, other servers may have written as many changes as were lost.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_with_other_changes_is_refused() {
    let (database, authenticator) = (Empty::create(), common::authenticator());
    let options = |number| Options { retry: Duration::from_millis(50), ..Options::of(ServerId([number; 16])) };
    let proxy = Proxy::start(common::port()).await;
    let direct = database.open(&options(2), &authenticator).await;
    direct.commit(put("first", "start")).await.expect("a commit");
    let first = common::open(&database.through(proxy.port), &options(1), &authenticator).await;
    let copy = database.all();
    first.commit(put("lost", "yes")).await.expect("a commit");
    drop(direct);
    proxy.set(Mode::Cut);
    database.clear();
    for (key, value) in &copy {
        database.set(key, Some(value));
    }
    let second = database.open(&options(2), &authenticator).await;
    for value in ["one", "two"] {
        second.commit(put("revoked", value)).await.expect("a commit");
    }
    // Until its reads were found out to be too old.
    tokio::time::sleep(Options::of(ServerId([1; 16])).max_staleness).await;
    proxy.set(Mode::Open);
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

/// The same, of a server that has seen no change since it started, before its reads are too old.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_with_other_changes_is_refused_by_a_server_that_has_seen_none() {
    let (database, authenticator) = (Empty::create(), common::authenticator());
    let options = |number| Options {
        retry: Duration::from_millis(50),
        max_staleness: Duration::from_secs(60),
        ..Options::of(ServerId([number; 16]))
    };
    let proxy = Proxy::start(common::port()).await;
    let direct = database.open(&options(2), &authenticator).await;
    direct.commit(put("first", "start")).await.expect("a commit");
    let copy = database.all();
    direct.commit(put("lost", "yes")).await.expect("a commit");
    direct.close().await;
    let first = common::open(&database.through(proxy.port), &options(1), &authenticator).await;
    let mut follower = first.watch(Revision::new(2)).await.expect("a subscription");
    tokio::time::sleep(Duration::from_secs(1)).await;
    proxy.set(Mode::Cut);
    database.clear();
    for (key, value) in &copy {
        database.set(key, Some(value));
    }
    let second = database.open(&options(2), &authenticator).await;
    for value in ["one", "two"] {
        second.commit(put("revoked", value)).await.expect("a commit");
    }
    proxy.set(Mode::Open);
    let ended = tokio::time::timeout(Duration::from_secs(10), follower.next()).await.expect("an end");
    assert!(matches!(ended, Err(StoreError::Unreachable(_))), "{ended:?}");
    let written = first.commit(put("more", "text")).await;
    assert!(matches!(written, Err(StoreError::ReadOnly(_))), "{written:?}");
}

/// Servers that use the store while a backup is restored into it know that it is another store.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restored_store_has_another_epoch() {
    let (database, authenticator) = (Empty::create(), common::authenticator());
    let options = Options::of(ServerId([1; 16]));
    let server = database.open(&options, &authenticator).await;
    for number in 0..300 {
        server.commit(put(&format!("key {number}"), "text")).await.expect("a commit");
    }
    let copy = StoreCopy::of(server.read(At::Latest).await.expect("a view"));
    let (mut rows, sealed) = (Vec::new(), copy.sealed_state().expect("the state"));
    while let Some(next) = Some(copy.next(rows.last().map(|row: &StoredRow| &row.key[..])).await.expect("the rows"))
        && !next.is_empty()
    {
        rows.extend(next);
    }
    let revision = copy.revision();
    let mut follower = server.watch(revision).await.expect("a subscription");
    drop(copy);
    database.clear();
    // What an interrupted attempt leaves is not taken for a store, nor started, and is replaced.
    database.set(b"row/other", Some(b"text"));
    let open = async || {
        let address = Address::parse(&database.address(), None).expect("an address");
        Database::open(address, options.clone()).await.expect("a database")
    };
    let refused = open().await.start(authenticator.clone()).map(drop);
    assert!(matches!(refused, Err(OpenError::Corrupt(_))), "{refused:?}");
    let changed = rows.iter().skip(1).cloned().map(Ok);
    let refused = open().await.restore(&authenticator, &sealed, 7, changed).await;
    assert!(matches!(refused, Err(OpenError::Store(StoreError::Incomplete { .. }))), "{refused:?}");
    open().await.restore(&authenticator, &sealed, 7, rows.into_iter().map(Ok)).await.expect("a restored store");
    let ended = tokio::time::timeout(Duration::from_secs(5), follower.next()).await.expect("an end");
    assert!(matches!(ended, Err(StoreError::Closed | StoreError::Unreachable(_))), "{ended:?}");
    let written = server.commit(put("more", "text")).await;
    assert!(matches!(written, Err(StoreError::ReadOnly(_) | StoreError::Closed)), "{written:?}");
    let again = database.open(&options, &authenticator).await;
    let view = again.read(At::Latest).await.expect("a view");
    assert!(view.revision() > revision);
    let all = Scan { prefix: b"", after: None, limit: usize::MAX };
    assert_eq!(view.scan(all).await.expect("all rows").len(), 300);
    again.commit(put("more", "text")).await.expect("a commit");
}

/// A head that no server wrote does not end the task that confirms it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_head_ends_decisions() {
    for head in [Some(&b"not a message"[..]), None] {
        let (database, authenticator) = (Empty::create(), common::authenticator());
        let options = Options { max_staleness: Duration::from_millis(600), ..Options::of(ServerId([1; 16])) };
        let server = database.open(&options, &authenticator).await;
        server.commit(put("first", "start")).await.expect("a commit");
        let mut follower = server.watch(Revision::new(1)).await.expect("a subscription");
        database.set(b"head", head);
        let ended = tokio::time::timeout(Duration::from_secs(5), follower.next()).await.expect("an end");
        assert!(matches!(ended, Err(StoreError::Unreachable(_))), "{ended:?}");
        let read = server.read(At::Latest).await.map(|view| view.revision());
        assert!(read.is_err(), "{read:?}");
        let written = server.commit(put("more", "text")).await;
        assert!(matches!(written, Err(StoreError::ReadOnly(_))), "{written:?}");
    }
}

/// The data folder of a server may have been copied.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_process_of_a_server_is_refused() {
    let (database, authenticator) = (Empty::create(), common::authenticator());
    let options = Options::of(ServerId([1; 16]));
    let first = database.open(&options, &authenticator).await;
    first.commit(put("first", "start")).await.expect("a commit");
    let address = || Address::parse(&database.address(), None).expect("an address");
    let refused = Database::open(address(), options.clone()).await.map(drop);
    assert!(matches!(refused, Err(OpenError::SameServer)), "{refused:?}");
    let other = Database::open(address(), Options::of(ServerId([2; 16]))).await.expect("another server");
    assert!(other.has_other_servers().await.expect("an answer"));
    other.leave().await;
    // What a process leaves that was killed.
    first.close().await;
    let key = [b"server/", &[1; 16][..], b"/", &9u64.to_be_bytes()].concat();
    database.set(&key, Some(b""));
    let begun = Instant::now();
    let again = Database::open(address(), options).await.expect("it has ended");
    assert!(begun.elapsed() > Duration::from_secs(3) && database.get(&key).is_none());
    assert!(!again.has_other_servers().await.expect("an answer"));
    let store = again.start(authenticator).expect("a store");
    // Another process began before, and was paused meanwhile.
    let mut follower = store.watch(store.head().await.expect("the head")).await.expect("a subscription");
    let beats = async {
        loop {
            database.set(&key, Some(b""));
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    };
    tokio::select! {
        ended = follower.next() => assert!(matches!(ended, Err(StoreError::Closed)), "{ended:?}"),
        () = beats => {}
        () = tokio::time::sleep(Duration::from_secs(10)) => panic!("it goes on"),
    }
}
