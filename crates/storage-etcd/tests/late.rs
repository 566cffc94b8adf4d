//! Requests that arrive late, other histories of a cluster, and tokens that are replaced.

mod common;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use bailiwick_storage::{At, Batch, Scan, ServerId, Store, StoreCopy, StoreError, StoredRow};
use bailiwick_storage_etcd::{Address, Database, EtcdStore, Options};
use bailiwick_storage_suite::proxy::{Mode, Proxy};
use bytes::Bytes;
use common::{Cluster, Empty, call_as, call_at, put};
use serde_json::json;

const ALL: Scan<'_> = Scan { prefix: b"", after: None, limit: usize::MAX };

/// The sealed state and the rows of a store.
async fn copy(store: &EtcdStore) -> (Vec<u8>, Vec<StoredRow>) {
    let copy = StoreCopy::of(store.read(At::Latest).await.expect("a view"));
    let (mut rows, sealed) = (Vec::<StoredRow>::new(), copy.sealed_state().expect("the state"));
    loop {
        let next = copy.next(rows.last().map(|row| &row.key[..])).await.expect("the rows");
        if next.is_empty() {
            return (sealed, rows);
        }
        rows.extend(next);
    }
}

/// A restore removes what an interrupted one left. A request for that whose answer was late removed rows that had been written
/// after it.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_late_request_removes_no_row_of_a_restore() {
    let (database, authenticator) = (Empty::create(), common::authenticator());
    let options = Options::of(ServerId([1; 16]));
    let server = database.open(&options, &authenticator).await;
    let row = |number: usize| (Bytes::from(format!("key {number:03}")), Bytes::from("text"));
    server.commit(Batch { put: (0..250).map(row).collect(), ..Batch::default() }).await.expect("a commit");
    let (sealed, rows) = copy(&server).await;
    server.close().await;
    database.clear();

    let proxy = Proxy::start(common::port()).await;
    let address = Address::parse(&database.through(proxy.port), None).expect("an address");
    let empty = Database::open(address, options.clone()).await.expect("a database");
    // The end of the range of parts, which only that request names.
    proxy.hold(format!("{}/part0", database.prefix).as_bytes());
    let mut is_released = false;
    let given = rows.into_iter().enumerate().map(|(number, row)| {
        // Most rows are written.
        if number == 220 {
            is_released = proxy.release();
            std::thread::sleep(Duration::from_secs(1));
        }
        Ok(row)
    });
    empty.restore(&authenticator, &sealed, 7, given).await.expect("a restored store");
    assert!(is_released, "the request was held back");
    let restored = database.open(&options, &authenticator).await;
    assert_eq!(restored.read(At::Latest).await.expect("a view").scan(ALL).await.expect("all rows").len(), 250);
    assert!(database.get(b"fill").is_none(), "nothing of the restore stays");
}

/// A cluster that is restored from a snapshot has other changes with the same revisions, and the same id. A view that was open
/// read rows of both histories.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_open_view_does_not_read_another_history() {
    let authenticator = common::authenticator();
    let clusters = [Cluster::start(&[], 1), Cluster::start(&[], 1)];
    let options = |number| Options { retry: Duration::from_millis(50), ..Options::of(ServerId([number; 16])) };
    for (cluster, value) in clusters.iter().zip(["granted", "revoked"]) {
        let direct =
            common::open(&format!("etcd://127.0.0.1:{}/iam", cluster.ports[0]), &options(1), &authenticator).await;
        for key in ["first", "second"] {
            direct.commit(put(key, value)).await.expect("a commit");
        }
        // Both have the revision of the view.
        for _ in 0..50 {
            direct.commit(put("more", value)).await.expect("a commit");
        }
        direct.close().await;
    }
    let proxy = Proxy::start(clusters[0].ports[0]).await;
    let store = common::open(&format!("etcd://127.0.0.1:{}/iam", proxy.port), &options(2), &authenticator).await;
    let view = store.read(At::Latest).await.expect("a view");
    assert_eq!(view.get(b"first").await.expect("a read").map(|found| found.value), Some("granted".into()));
    let other =
        common::open(&format!("etcd://127.0.0.1:{}/iam", clusters[1].ports[0]), &options(3), &authenticator).await;
    for _ in 0..50 {
        other.commit(put("more", "revoked")).await.expect("a commit");
    }
    proxy.set(Mode::Cut);
    proxy.redirect(clusters[1].ports[0]);
    tokio::time::sleep(Duration::from_millis(300)).await;
    proxy.set(Mode::Open);
    let read = view.get(b"second").await.map(|found| found.map(|found| found.value));
    assert!(matches!(read, Err(StoreError::Unreachable(_))), "{read:?}");
    let read = view.scan(ALL).await.map(|found| found.len());
    assert!(matches!(read, Err(StoreError::Unreachable(_))), "{read:?}");
}

/// Each change of a user or a role of etcd makes all tokens invalid. A call that renewed its token took away that of the calls
/// at the same time, which failed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tokens_are_renewed_while_other_calls_use_them() {
    let cluster = Cluster::start(&["--bcrypt-cost=4"], 1);
    let port = cluster.ports[0];
    call_at(port, "auth/role/add", &json!({ "name": "root" }));
    call_at(port, "auth/user/add", &json!({ "name": "root", "password": "word" }));
    call_at(port, "auth/user/grant", &json!({ "user": "root", "role": "root" }));
    call_at(port, "auth/enable", &json!({}));
    let address = Address::parse(&format!("etcd://root@127.0.0.1:{port}/iam"), Some("word")).expect("an address");
    let database = Database::open(address, Options::of(ServerId([1; 16]))).await.expect("a database");
    let store = Arc::new(database.start(common::authenticator()).expect("a store"));
    let is_over = Arc::new(AtomicBool::new(false));
    let calls = (0..12).map(|number| {
        let (store, is_over) = (store.clone(), is_over.clone());
        tokio::spawn(async move {
            let mut answered = 0;
            while !is_over.load(Ordering::SeqCst) {
                store.commit(put(&format!("key {number}"), "text")).await.expect("a commit");
                let view = store.read(At::Latest).await.expect("a view");
                for _ in 0..20 {
                    assert!(view.get(format!("key {number}").as_bytes()).await.expect("a read").is_some());
                }
                answered += 1;
            }
            answered
        })
    });
    let calls: Vec<_> = calls.collect();
    for number in 0..20 {
        let token = call_at(port, "auth/authenticate", &json!({ "name": "root", "password": "word" }));
        let user = json!({ "name": format!("user {number}"), "password": "word" });
        call_as(token["token"].as_str().expect("a token"), port, "auth/user/add", &user);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    is_over.store(true, Ordering::SeqCst);
    for call in calls {
        assert!(call.await.expect("every call succeeds") > 0);
    }
}

/// The key of a process that was killed stayed for ever.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_of_killed_processes_are_removed() {
    let (database, authenticator) = (Empty::create(), common::authenticator());
    let options = |number| Options { history: Duration::from_secs(3), ..Options::of(ServerId([number; 16])) };
    let first = database.open(&options(1), &authenticator).await;
    first.commit(put("first", "text")).await.expect("a commit");
    let second = database.open(&options(2), &authenticator).await;
    let killed = [b"server/", &[9; 16][..], b"/", &1u64.to_be_bytes()].concat();
    database.set(&killed, Some(b""));
    let processes = || database.all().into_iter().filter(|(key, _)| key.starts_with(b"server/")).count();
    assert_eq!(processes(), 3);
    let begun = Instant::now();
    while database.get(&killed).is_some() {
        assert!(begun.elapsed() < Duration::from_secs(20), "it stays");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(begun.elapsed() > Duration::from_secs(2), "a process that is slow keeps its key");
    tokio::time::sleep(Duration::from_secs(4)).await;
    assert_eq!(processes(), 2, "those that run keep theirs");
    for store in [first, second] {
        assert!(store.read(At::Latest).await.is_ok());
    }
}
