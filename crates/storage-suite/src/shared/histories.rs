//! Databases that are not what a server read before: older ones, other changes in their place, damaged ones.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use bailiwick_storage::{At, OutageReason, Revision, Store, StoreError};

use super::{
    Server, SharedDatabase,
    tools::{put, servers, start, until, value},
};
use crate::proxy::{Mode, Proxy};

/// Nothing is read, and nothing is written.
async fn refuses(server: &impl Store) {
    let read = server.read(At::Latest).await.map(|view| view.revision());
    assert!(matches!(read, Err(StoreError::Unreachable(_))), "{read:?}");
    let written = server.commit(put("more", "text")).await;
    assert!(matches!(written, Err(StoreError::ReadOnly(_))), "{written:?}");
}

pub(super) async fn an_older_head_is_refused<D: SharedDatabase>() {
    let database = D::create().await;
    let [first, second] = servers::<D, 2>(&database).await;
    let copy = database.copy().await;
    first.commit(put("revoked", "yes")).await.expect("a commit");
    second.watch(Revision::new(1)).await.expect("a subscription").next().await.expect("the change set");
    database.put_head_back(&copy).await;
    for server in [&first, &second] {
        refuses(&**server).await;
    }
}

/// A database that was replaced by an older copy of itself.
struct Replaced<D: SharedDatabase> {
    /// Ends with the scenario.
    _database: D,
    /// The way of the first server to the database, which is cut.
    proxy: Proxy,
    /// Has read a change that the copy does not have.
    first: Arc<D::Store>,
    /// Has written other changes in its place.
    second: Arc<D::Store>,
}

impl<D: SharedDatabase> Replaced<D> {
    /// `max_staleness` and `retry` are those of the first server.
    async fn make(max_staleness: Duration, retry: Duration) -> Self {
        let (database, authenticator) = (D::create().await, D::authenticator());
        let proxy = Proxy::start(D::port()).await;
        let direct = start(&database, &Server::new::<D>(2), &authenticator).await;
        direct.commit(put("first", "start")).await.expect("a commit");
        let server = Server { port: proxy.port, max_staleness, retry, ..Server::new::<D>(1) };
        let first = start(&database, &server, &authenticator).await;
        let copy = database.copy().await;
        first.commit(put("lost", "yes")).await.expect("a commit");
        drop(direct);
        proxy.set(Mode::Cut);
        database.put_back(&copy).await;
        let second = start(&database, &Server::new::<D>(3), &authenticator).await;
        for value in ["one", "two"] {
            second.commit(put("revoked", value)).await.expect("a commit");
        }
        Replaced { _database: database, proxy, first, second }
    }
}

/// After a failover that lost a change, or when a snapshot was restored, other servers may have written as many changes as
/// were lost.
pub(super) async fn other_changes_are_refused<D: SharedDatabase>() {
    let Server { max_staleness, retry, .. } = Server::new::<D>(1);
    let Replaced { _database, proxy, first, second } = Replaced::<D>::make(max_staleness, retry).await;
    // Until its reads were found out to be too old.
    tokio::time::sleep(max_staleness).await;
    proxy.set(Mode::Open);
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(2) {
        let written = first.commit(put("more", "text")).await;
        assert!(matches!(written, Err(StoreError::ReadOnly(_))), "{written:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    refuses(&*first).await;
    assert_eq!(value(&*second, "revoked").await.as_deref(), Some(&b"two"[..]));
}

/// The same, of a server that has seen no change since it started, before its reads are too old.
pub(super) async fn other_changes_are_refused_by_a_server_that_has_seen_none<D: SharedDatabase>() {
    let (database, authenticator) = (D::create().await, D::authenticator());
    let proxy = Proxy::start(D::port()).await;
    let direct = start(&database, &Server::new::<D>(2), &authenticator).await;
    direct.commit(put("first", "start")).await.expect("a commit");
    let copy = database.copy().await;
    direct.commit(put("lost", "yes")).await.expect("a commit");
    D::close(&direct).await;
    let server = Server { port: proxy.port, max_staleness: Duration::from_secs(60), ..Server::new::<D>(1) };
    let first = start(&database, &server, &authenticator).await;
    let mut follower = first.watch(Revision::new(2)).await.expect("a subscription");
    tokio::time::sleep(Duration::from_secs(2)).await;
    proxy.set(Mode::Cut);
    database.put_back(&copy).await;
    let second = start(&database, &Server::new::<D>(3), &authenticator).await;
    for value in ["one", "two"] {
        second.commit(put("revoked", value)).await.expect("a commit");
    }
    proxy.set(Mode::Open);
    let ended = tokio::time::timeout(Duration::from_secs(10), follower.next()).await.expect("an end");
    assert!(matches!(ended, Err(StoreError::Unreachable(_))), "{ended:?}");
    let written = first.commit(put("more", "text")).await;
    assert!(matches!(written, Err(StoreError::ReadOnly(_))), "{written:?}");
}

/// A view over a new connection compares the history by itself, before the task does that confirms the connection.
pub(super) async fn other_changes_are_not_read_over_a_new_connection<D: SharedDatabase>() {
    let (max_staleness, retry) = (Duration::from_secs(60), Duration::from_secs(10));
    let Replaced { _database, proxy, first, second: _second } = Replaced::<D>::make(max_staleness, retry).await;
    proxy.set(Mode::Open);
    let read = first.read(At::Latest).await.map(|view| view.revision());
    let Err(StoreError::Unreachable(outage)) = read else { panic!("{read:?}") };
    assert_eq!(outage.reason, OutageReason::OtherHistory);
    refuses(&*first).await;
}

/// Without the newest entry, followers must not go on as if there had been no change.
pub(super) async fn a_missing_end_of_the_change_log_is_noticed<D: SharedDatabase>() {
    let (database, authenticator) = (D::create().await, D::authenticator());
    let proxy = Proxy::start(D::port()).await;
    let second = start(&database, &Server::new::<D>(2), &authenticator).await;
    second.commit(put("first", "start")).await.expect("a commit");
    let server = Server { port: proxy.port, max_staleness: Duration::from_secs(60), ..Server::new::<D>(1) };
    let first = start(&database, &server, &authenticator).await;
    let mut follower = first.watch(Revision::new(1)).await.expect("a subscription");
    // So that it does not read the entry before it is removed.
    proxy.set(Mode::Cut);
    second.commit(put("revoked", "yes")).await.expect("a commit");
    database.remove_entry(2).await;
    proxy.set(Mode::Open);
    let ended = tokio::time::timeout(Duration::from_secs(10), follower.next()).await.expect("an end");
    assert!(matches!(ended, Err(StoreError::Unreachable(_))), "{ended:?}");
    until("it goes on after the entry", async || first.watch(Revision::new(2)).await.is_ok()).await;
    assert_eq!(value(&*first, "revoked").await.as_deref(), Some(&b"yes"[..]));
}

/// A head that no server wrote does not end the task that confirms it.
pub(super) async fn a_damaged_head_ends_decisions<D: SharedDatabase>() {
    for way in 0..D::DAMAGES {
        let (database, authenticator) = (D::create().await, D::authenticator());
        let server = Server { max_staleness: Duration::from_millis(600), ..Server::new::<D>(1) };
        let store = start(&database, &server, &authenticator).await;
        store.commit(put("first", "start")).await.expect("a commit");
        let mut follower = store.watch(Revision::new(1)).await.expect("a subscription");
        database.damage_head(way).await;
        let ended = tokio::time::timeout(Duration::from_secs(5), follower.next()).await.expect("an end");
        assert!(matches!(ended, Err(StoreError::Unreachable(_))), "{way}: {ended:?}");
        refuses(&*store).await;
    }
}
