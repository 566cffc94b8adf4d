//! Processes with the id of one server, whose data folders are copies.

use std::time::{Duration, Instant};

use bailiwick_storage::{At, Store as _, StoreError};

use super::{
    Refusal, Server, SharedDatabase,
    tools::{put, start},
};

/// After this time without a sign of life, a process has ended.
const SILENT: Duration = Duration::from_secs(3);

pub(super) async fn a_second_process_of_a_server_is_refused<D: SharedDatabase>() {
    let (database, authenticator) = (D::create().await, D::authenticator());
    let own = Server::new::<D>(1);
    let first = start(&database, &own, &authenticator).await;
    first.commit(put("first", "start")).await.expect("a commit");
    let refused = database.open(&own).await.map(drop);
    assert_eq!(refused, Err(Refusal::SameServer));
    first.commit(put("second", "text")).await.expect("the first one goes on");
    let other = database.open(&Server::new::<D>(2)).await.expect("another server");
    assert!(D::has_others(&other).await);
    D::leave(other).await;

    // One that was closed is followed at once.
    D::close(&first).await;
    let begun = Instant::now();
    let second = start(&database, &own, &authenticator).await;
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    second.commit(put("third", "text")).await.expect("a commit");
    D::close(&second).await;

    // One that was killed is waited for, and forgotten.
    database.revive(own.id).await;
    let begun = Instant::now();
    let again = database.open(&own).await.expect("it has ended");
    assert!(begun.elapsed() > SILENT - Duration::from_millis(500), "{:?}", begun.elapsed());
    assert!(!database.is_known(own.id).await);
    assert!(!D::has_others(&again).await);
    let store = D::start(again, authenticator).expect("a store");

    // Another process began before, and was paused meanwhile: the later one stops.
    let mut follower = store.watch(store.head().await.expect("the head")).await.expect("a subscription");
    let signs = async {
        loop {
            database.revive(own.id).await;
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
    };
    let ended = tokio::select! {
        ended = follower.next() => ended,
        () = signs => unreachable!("they do not end"),
        () = tokio::time::sleep(Duration::from_secs(10)) => panic!("it goes on"),
    };
    assert!(matches!(ended, Err(StoreError::Closed)), "{ended:?}");
    assert!(matches!(store.read(At::Latest).await.map(|view| view.revision()), Err(StoreError::Closed)));
}
