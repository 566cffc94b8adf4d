//! Batches at the limits of etcd, and members of which some are gone.

mod common;

use std::{sync::Arc, time::Duration};

use bailiwick_storage::{Add, At, Batch, Expect, Revision, Scan, ServerId, Store, StoreError};
use bailiwick_storage_etcd::{Address, Database, EtcdStore, Options};
use bytes::Bytes;
use common::{Cluster, Empty, call_at, put};
use serde_json::json;

fn rows(count: usize, size: usize) -> Batch {
    let row = |number: usize| (Bytes::from(format!("row {number}")), Bytes::from(vec![b'x'; size]));
    Batch { put: (0..count).map(row).collect(), ..Batch::default() }
}

/// What a follower of another server receives, and what a view shows.
async fn check_read(reader: &EtcdStore, revision: Revision, batch: &Batch) {
    let before = Revision::new(revision.number() - 1);
    let set = reader.watch(before).await.expect("a subscription").next().await.expect("a change set");
    assert_eq!((set.revision, set.changes.len()), (revision, batch.put.len()));
    let view = reader.read(At::Latest).await.expect("a view");
    let found = view.scan(Scan { prefix: b"row ", after: None, limit: usize::MAX }).await.expect("rows");
    assert_eq!(found.len(), batch.put.len());
    assert!(
        found.iter().all(|row| row.revision == revision && batch.put.contains(&(row.key.clone(), row.value.clone())))
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn large_batches_are_written_whole_or_refused() {
    let (database, authenticator) = (Empty::create(), common::authenticator());
    // Change sets in memory would hide what is stored.
    let options = |number| Options { recent: 0, ..Options::of(ServerId([number; 16])) };
    let writer = database.open(&options(1), &authenticator).await;
    writer.commit(put("first", "text")).await.expect("a commit");
    let reader = database.open(&options(2), &authenticator).await;
    let mut last = Batch::default();
    for (count, size) in [(127, 10), (3600, 10), (1, 1 << 20), (20, 60_000), (1, 10)] {
        let batch = Batch { delete: last.put.iter().map(|(key, _)| key.clone()).collect(), ..Batch::default() };
        writer.commit(batch).await.expect("a removal");
        let batch = rows(count, size);
        let revision = writer.commit(batch.clone()).await.unwrap_or_else(|error| panic!("{count} {size}: {error}"));
        check_read(&reader, revision, &batch).await;
        last = batch;
    }
    let head = reader.head().await.expect("the head");
    for (count, size) in [(3601, 10), (2, 900_000)] {
        let refused = writer.commit(rows(count, size)).await;
        assert!(matches!(refused, Err(StoreError::TooLarge(_))), "{refused:?}");
    }
    assert_eq!(reader.head().await.expect("the head"), head, "nothing was written");
    writer.commit(put("after", "text")).await.expect("a commit after a refusal");
}

/// More keys are expected than one transaction reads.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_keys_are_compared() {
    let (database, authenticator) = (Empty::create(), common::authenticator());
    let store = database.open(&Options::of(ServerId([1; 16])), &authenticator).await;
    let revision = store.commit(rows(500, 10)).await.expect("a commit");
    let expect = |number: usize, revision| Expect { key: format!("row {number}").into(), revision: Some(revision) };
    let mut batch = Batch { expect: (0..500).map(|n| expect(n, revision)).collect(), ..put("more", "text") };
    store.commit(batch.clone()).await.expect("all hold");
    batch.expect[499].revision = Some(Revision::new(9));
    let refused = store.commit(batch).await;
    assert!(matches!(&refused, Err(StoreError::Conflict { keys }) if keys[..] == ["row 499"]), "{refused:?}");
}

/// Members are paused and killed in turn; no acknowledged change is lost, and none is applied twice.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_goes_on_without_one_member() {
    let cluster = Cluster::start(&["--heartbeat-interval=50", "--election-timeout=500"], 3);
    let hosts: Vec<String> = cluster.ports.iter().map(|port| format!("127.0.0.1:{port}")).collect();
    let authenticator = common::authenticator();
    let mut stores = Vec::new();
    for number in 0..2u8 {
        // Each prefers another member.
        let mut hosts = hosts.clone();
        hosts.rotate_left(usize::from(number));
        let options = Options { retry: Duration::from_millis(50), ..Options::of(ServerId([number; 16])) };
        let store = common::open(&format!("etcd://{}/iam", hosts.join(",")), &options, &authenticator).await;
        if number == 0 {
            store.commit(put("first", "start")).await.expect("a commit");
        }
        stores.push(Arc::new(store));
    }
    let writers: Vec<_> = stores.iter().cloned().map(|store| tokio::spawn(write_on(store))).collect();
    for (member, signal) in [(0, "-STOP"), (0, "-CONT"), (1, "-STOP"), (1, "-CONT"), (2, "-KILL")] {
        cluster.signal(member, signal);
        tokio::time::sleep(Duration::from_secs(3)).await;
    }
    let (mut written, mut unknown) = (0, 0);
    for writer in writers {
        let (own, own_unknown) = writer.await.expect("no panics");
        written += own;
        unknown += own_unknown;
    }
    assert!(written > 100, "{written} changes");
    let view = stores[0].read(At::Latest).await.expect("a view");
    let found = view.get(b"counter").await.expect("a read").expect("a counter");
    let found = bailiwick_storage::counter_value(&found.value).expect("a number");
    assert!((written..=written + unknown).contains(&found), "{found}: {written} written, {unknown} unknown");
}

/// Adds to a counter for some time; the numbers of changes that were written, and of those that may have been.
async fn write_on(store: Arc<EtcdStore>) -> (u64, u64) {
    let (mut written, mut unknown) = (0, 0);
    let end = tokio::time::Instant::now() + Duration::from_secs(16);
    while tokio::time::Instant::now() < end {
        let add = bailiwick_storage::Add { key: "counter".into(), delta: 1, max: None };
        match store.commit(Batch { add: vec![add], ..Batch::default() }).await {
            Ok(_) => written += 1,
            Err(StoreError::Unknown(_)) => unknown += 1,
            Err(StoreError::ReadOnly(_)) => tokio::time::sleep(Duration::from_millis(20)).await,
            Err(error) => panic!("{error}"),
        }
    }
    (written, unknown)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_with_a_password_needs_only_the_prefix() {
    let cluster = Cluster::start(&[], 1);
    let port = cluster.ports[0];
    let ask = |method: &str, request| call_at(port, method, &request);
    for (name, password) in [("root", "root-word"), ("iam", "hidden-word")] {
        ask("auth/user/add", json!({ "name": name, "password": password }));
    }
    ask("auth/role/add", json!({ "name": "root" }));
    ask("auth/role/add", json!({ "name": "iam" }));
    // `iam/` to `iam0`.
    let permission = json!({ "permType": "READWRITE", "key": "aWFtLw==", "range_end": "aWFtMA==" });
    ask("auth/role/grant", json!({ "name": "iam", "perm": permission }));
    for name in ["root", "iam"] {
        ask("auth/user/grant", json!({ "user": name, "role": name }));
    }
    ask("auth/enable", json!({}));
    let open = async |address: String, password| {
        let options = Options { retry: Duration::from_millis(50), ..Options::of(ServerId([1; 16])) };
        let database = Database::open(Address::parse(&address, password).expect("an address"), options).await;
        database.map(|database| database.start(common::authenticator()).expect("a store"))
    };
    let store = open(format!("etcd://iam@127.0.0.1:{port}/iam"), Some("hidden-word")).await.expect("a store");
    store.commit(put("key", "text")).await.expect("a commit");
    assert!(store.read(At::Latest).await.expect("a view").get(b"key").await.expect("a read").is_some());
    let mut follower = store.watch(Revision::new(1)).await.expect("a subscription");
    store.commit(put("key", "other")).await.expect("a commit");
    assert_eq!(follower.next().await.expect("a change set").revision, Revision::new(2));
    for (address, password, expected) in [
        (format!("etcd://iam@127.0.0.1:{port}/iam"), Some("wrong-word"), "authentication failed"),
        (format!("etcd://iam@127.0.0.1:{port}/other"), Some("hidden-word"), "permission denied"),
        (format!("etcd://127.0.0.1:{port}/iam"), None, "user name is empty"),
    ] {
        let error = open(address, password).await.map(drop).expect_err("no store").to_string();
        assert!(error.contains(expected) && !error.contains("-word"), "{error}");
    }
}

/// Again and again, another server writes just after the rows of a change were found to be known.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_change_of_another_server_refuses_none_of_this_one() {
    let (database, authenticator) = (Empty::create(), common::authenticator());
    let first = database.open(&Options::of(ServerId([1; 16])), &authenticator).await;
    first.commit(put("first", "text")).await.expect("a commit");
    let second = Arc::new(database.open(&Options::of(ServerId([2; 16])), &authenticator).await);
    let other = tokio::spawn({
        let second = second.clone();
        async move {
            loop {
                second.commit(put("other", "text")).await.expect("a commit");
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }
    });
    let counters = |delta| {
        let add = |number| Add { key: format!("counter {number}").into(), delta, max: None };
        Batch { add: (0..400).map(add).collect(), ..Batch::default() }
    };
    for number in 0..60 {
        first.commit(counters(1)).await.unwrap_or_else(|error| panic!("{number}: {error}"));
    }
    other.abort();
}
