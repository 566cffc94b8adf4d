//! Databases that cannot be reached, and answers that are lost.

use std::{sync::Arc, time::Duration};

use bailiwick_storage::{At, Batch, Revision, Store as _, StoreError};

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
    let (mut written, mut refused) = (0, 0);
    for number in 0..40u64 {
        let key = format!("key {number}");
        let commit = tokio::spawn({
            let (store, batch) = (store.clone(), put(&key, "value"));
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
