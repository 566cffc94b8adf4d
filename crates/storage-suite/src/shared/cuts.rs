//! Databases that cannot be reached, and answers that are lost.

use std::{sync::Arc, time::Duration};

use bailiwick_storage::{At, Batch, Revision, Store, StoreError};

use super::{
    Server, SharedDatabase,
    tools::{put, start, until},
};
use crate::proxy::{Mode, Proxy};

/// How long a connection may be unconfirmed in these scenarios.
const STALENESS: Duration = Duration::from_millis(600);

fn server<D: SharedDatabase>(proxy: &Proxy) -> Server {
    Server { port: proxy.port, max_staleness: STALENESS, ..Server::new::<D>(7) }
}

/// A store whose connections go through a proxy, and one whose connections do not.
async fn both<D: SharedDatabase>() -> (Proxy, Arc<D::Store>, Arc<D::Store>) {
    let (database, authenticator, proxy) = (D::create().await, D::authenticator(), Proxy::start(D::port()).await);
    let direct = start(&database, &Server::new::<D>(8), &authenticator).await;
    direct.commit(put("first", "value")).await.expect("a commit");
    let store = start(&database, &server::<D>(&proxy), &authenticator).await;
    (proxy, store, direct)
}

pub(super) async fn a_server_that_is_cut_off_reads_nothing_after_the_staleness_limit<D: SharedDatabase>() {
    for mode in [Mode::Cut, Mode::NoAnswers] {
        let (proxy, store, direct) = both::<D>().await;
        let mut follower = store.watch(store.head().await.expect("the head")).await.expect("a subscription");
        proxy.set(mode);
        direct.commit(put("meanwhile", "value")).await.expect("a commit");
        let ended = tokio::time::timeout(STALENESS + Duration::from_secs(2), follower.next()).await;
        assert!(matches!(ended, Ok(Err(StoreError::Unreachable(_)))), "{mode:?}: {ended:?}");
        let read = store.read(At::Latest).await.map(|view| view.revision());
        assert!(matches!(read, Err(StoreError::Unreachable(_))), "{mode:?}: {read:?}");
        assert!(store.health().refuses_changes.is_some(), "{mode:?}");
        assert!(matches!(store.watch(Revision::ZERO).await.map(drop), Err(StoreError::Unreachable(_))), "{mode:?}");
        proxy.set(Mode::Open);
        until("reads succeed again", async || store.read(At::Latest).await.is_ok()).await;
        until("changes are accepted again", async || store.commit(put("after", "value")).await.is_ok()).await;
        until("the store says so", async || store.health().refuses_changes.is_none()).await;
        let view = store.read(At::Latest).await.expect("a view");
        assert!(view.get(b"meanwhile").await.expect("a read").is_some(), "{mode:?}");
    }
}

/// A follower that waits for the database, since it is too far behind for the change sets in memory, ends in time as well.
pub(super) async fn a_follower_that_reads_the_database_ends_when_the_server_is_cut_off<D: SharedDatabase>() {
    let (database, authenticator, proxy) = (D::create().await, D::authenticator(), Proxy::start(D::port()).await);
    let direct = start(&database, &Server::new::<D>(8), &authenticator).await;
    for number in 0..300 {
        direct.commit(put(&format!("key {number}"), "value")).await.expect("a commit");
    }
    let server = Server { recent: 1, ..server::<D>(&proxy) };
    let store = start(&database, &server, &authenticator).await;
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
pub(super) async fn a_lost_answer_does_not_hide_the_outcome<D: SharedDatabase>() {
    let (proxy, store, direct) = both::<D>().await;
    let commit = |key: &str| {
        let (store, batch) = (store.clone(), put(key, &format!("the value of {key}")));
        tokio::spawn(async move { store.commit(batch).await })
    };
    let is_there = async |key: &str| {
        let view = direct.read(At::Latest).await.expect("a view");
        view.get(key.as_bytes()).await.expect("a read").is_some()
    };
    // The request does not arrive.
    proxy.hold(b"the value of one");
    let refused = commit("one");
    until("the request is sent", async || proxy.holds()).await;
    proxy.end();
    let refused = refused.await.expect("no panics");
    assert!(matches!(refused, Err(StoreError::ReadOnly(_))), "{refused:?}");
    assert!(!is_there("one").await);
    until("changes are accepted again", async || store.commit(Batch::default()).await.is_ok()).await;
    // The answer does not arrive.
    proxy.lose_answer(b"the value of two");
    let written = commit("two");
    until("the change is written", async || is_there("two").await).await;
    proxy.end();
    proxy.set(Mode::Open);
    let written = written.await.expect("no panics");
    assert!(written.is_ok(), "{written:?}");
    until("changes are accepted again", async || store.commit(Batch::default()).await.is_ok()).await;
    let mut written = 0;
    for number in 0..40u64 {
        let key = format!("key {number}");
        let commit = commit(&key);
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
            Err(StoreError::ReadOnly(_)) => assert!(!is_there, "{number}: a refused change was written"),
            Err(StoreError::Unknown(_)) => {}
            Err(error) => panic!("{number}: {error}"),
        }
        until("changes are accepted again", async || store.commit(Batch::default()).await.is_ok()).await;
    }
    assert!(written > 0);
}

/// Many changes, in groups.
async fn write_many(store: &Arc<impl Store + 'static>, count: usize) {
    let mut tasks = tokio::task::JoinSet::new();
    for part in 0..32 {
        let store = store.clone();
        tasks.spawn(async move {
            for number in (part..count).step_by(32) {
                store.commit(put(&format!("many {}", number % 100), "value")).await.expect("a commit");
            }
        });
    }
    while let Some(done) = tasks.join_next().await {
        done.expect("no panics");
    }
}

/// Whether the change was committed cannot be found out, if the entry may have been removed from the log.
pub(super) async fn a_lost_answer_whose_entry_was_pruned_is_unknown<D: SharedDatabase>() {
    let (database, authenticator, proxy) = (D::create().await, D::authenticator(), Proxy::start(D::port()).await);
    let direct = Server { log_retention: 1, ..Server::new::<D>(8) };
    let direct = start(&database, &direct, &authenticator).await;
    direct.commit(put("first", "value")).await.expect("a commit");
    let server = Server { port: proxy.port, max_staleness: Duration::from_secs(60), ..Server::new::<D>(7) };
    let store = start(&database, &server, &authenticator).await;
    // The connection of the writer is there.
    store.commit(put("second", "value")).await.expect("a commit");
    proxy.lose_answer(b"the lost value");
    let commit = tokio::spawn(async move { store.commit(put("lost", "the lost value")).await });
    until("the change is written", async || {
        let view = direct.read(At::Latest).await.expect("a view");
        view.get(b"lost").await.expect("a read").is_some()
    })
    .await;
    write_many(&direct, 1_500).await;
    proxy.end();
    proxy.set(Mode::Open);
    let outcome = tokio::time::timeout(Duration::from_secs(30), commit).await.expect("an end").expect("no panics");
    assert!(matches!(outcome, Err(StoreError::Unknown(_))), "{outcome:?}");
}

/// More entries were written than a follower has in memory, and the database keeps no old versions.
pub(super) async fn a_follower_misses_nothing_after_a_long_cut<D: SharedDatabase>() {
    let (database, authenticator, proxy) = (D::create().await, D::authenticator(), Proxy::start(D::port()).await);
    let direct = start(&database, &Server::new::<D>(8), &authenticator).await;
    direct.commit(put("first", "value")).await.expect("a commit");
    let server = Server { port: proxy.port, max_staleness: Duration::from_secs(60), recent: 64, ..Server::new::<D>(7) };
    let store = start(&database, &server, &authenticator).await;
    let mut follower = store.watch(Revision::new(1)).await.expect("a subscription");
    proxy.set(Mode::Cut);
    write_many(&direct, 1_500).await;
    database.compact().await;
    proxy.set(Mode::Open);
    for number in 2..=1_501 {
        let set = tokio::time::timeout(Duration::from_secs(20), follower.next()).await.expect("a change in time");
        assert_eq!(set.expect("a change set").revision, Revision::new(number));
    }
    assert_eq!(store.head().await.expect("the head"), Revision::new(1_501));
}

/// The same, and the log does not reach back: followers are ended, so that they read all rows again.
pub(super) async fn a_follower_begins_again_if_the_log_was_pruned_during_a_long_cut<D: SharedDatabase>() {
    let (database, authenticator, proxy) = (D::create().await, D::authenticator(), Proxy::start(D::port()).await);
    let direct = Server { log_retention: 1, ..Server::new::<D>(8) };
    let direct = start(&database, &direct, &authenticator).await;
    direct.commit(put("first", "value")).await.expect("a commit");
    let server = Server { port: proxy.port, max_staleness: Duration::from_secs(60), ..Server::new::<D>(7) };
    let store = start(&database, &server, &authenticator).await;
    let generation = store.generation();
    let mut follower = store.watch(Revision::new(1)).await.expect("a subscription");
    proxy.set(Mode::Cut);
    write_many(&direct, 1_500).await;
    database.compact().await;
    proxy.set(Mode::Open);
    let ended = async {
        loop {
            if let Err(error) = follower.next().await {
                return error;
            }
        }
    };
    let ended = tokio::time::timeout(Duration::from_secs(20), ended).await.expect("an end");
    assert!(matches!(ended, StoreError::Unreachable(_)), "{ended:?}");
    let head = direct.head().await.expect("the head");
    until("it goes on", async || store.watch(head).await.is_ok()).await;
    assert_ne!(store.generation(), generation, "what was read before is out of date");
    assert_eq!(store.head().await.expect("the head"), head);
    let refused = store.watch(Revision::new(1)).await.map(drop);
    assert!(matches!(refused, Err(StoreError::Compacted { .. })), "{refused:?}");
    store.commit(put("after", "value")).await.expect("a commit");
}

/// After a time in which the process was stopped, calls may run before the tasks that watch the connection.
pub(super) async fn what_was_read_is_not_used_after_a_time_without_the_process<D: SharedDatabase>() {
    let server = Server { max_staleness: STALENESS, ..Server::new::<D>(7) };
    let store = start(&D::create().await, &server, &D::authenticator()).await;
    store.commit(put("first", "value")).await.expect("a commit");
    let generation = store.generation();
    assert!(generation.is_some());
    tokio::time::sleep(STALENESS * 2).await;
    assert_eq!(store.generation(), generation, "confirmed meanwhile");
    std::thread::sleep(STALENESS + Duration::from_millis(50));
    assert_eq!(store.generation(), None);
    until("the connection is confirmed", async || store.generation().is_some()).await;
    assert_ne!(store.generation(), generation, "what was read before is out of date");
}
