//! First starts, and stores that are made of a copy.

use std::{sync::Arc, time::Duration};

use bailiwick_storage::{At, Scan, Store as _, StoreError};

use super::{
    Refusal, Server, SharedDatabase,
    tools::{copied, put, start, until, value},
};

pub(super) async fn of_first_starts_at_the_same_time_one_makes_the_store<D: SharedDatabase>() {
    let (database, authenticator) = (Arc::new(D::create().await), D::authenticator());
    let mut starts = tokio::task::JoinSet::new();
    for number in 0..4 {
        let (database, authenticator) = (database.clone(), authenticator.clone());
        starts.spawn(async move {
            let opened = database.open(&Server::new::<D>(number)).await.expect("a database");
            let is_unused = D::is_unused(&opened);
            let store = D::start(opened, authenticator).expect("a store");
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

pub(super) async fn a_first_start_that_is_given_up_lets_the_next_begin<D: SharedDatabase>() {
    let database = D::create().await;
    let server = Server::new::<D>(0);
    drop(database.open(&server).await.expect("a database"));
    let second = tokio::time::timeout(Duration::from_secs(5), database.open(&server)).await.expect("no wait");
    let second = second.expect("a database");
    assert!(D::is_unused(&second));
}

/// Servers that use the store while a backup is restored into it know that it is another store.
pub(super) async fn a_restored_store_is_another_one<D: SharedDatabase>() {
    let (database, authenticator) = (D::create().await, D::authenticator());
    let own = Server::new::<D>(1);
    let server = start(&database, &own, &authenticator).await;
    for number in 0..300 {
        server.commit(put(&format!("key {number}"), "text")).await.expect("a commit");
    }
    let (sealed, rows) = copied(&*server).await;
    let revision = server.head().await.expect("the head");
    let mut follower = server.watch(revision).await.expect("a subscription");
    database.clear().await;
    // Another server, since the first one goes on with its signs of life.
    let open = async || database.open(&Server::new::<D>(2)).await.expect("a database");
    // What an interrupted attempt leaves is not taken for a store, nor started, and is replaced.
    if database.interrupt_restore().await {
        let refused = D::start(open().await, authenticator.clone()).map(drop);
        assert_eq!(refused, Err(Refusal::Corrupt));
    }
    let changed = rows.iter().skip(1).cloned().collect();
    let refused = D::restore(open().await, &authenticator, &sealed, 7, changed).await;
    assert_eq!(refused, Err(Refusal::Incomplete));
    D::restore(open().await, &authenticator, &sealed, 7, rows).await.expect("a restored store");
    let ended = tokio::time::timeout(Duration::from_secs(5), follower.next()).await.expect("an end");
    assert!(matches!(ended, Err(StoreError::Closed | StoreError::Unreachable(_))), "{ended:?}");
    until("the server stops", async || matches!(server.read(At::Latest).await, Err(StoreError::Closed))).await;
    let written = server.commit(put("more", "text")).await;
    assert!(matches!(written, Err(StoreError::ReadOnly(_) | StoreError::Closed)), "{written:?}");
    let again = start(&database, &Server::new::<D>(3), &authenticator).await;
    let view = again.read(At::Latest).await.expect("a view");
    assert!(view.revision() > revision);
    let all = Scan { prefix: b"", after: None, limit: usize::MAX };
    assert_eq!(view.scan(all).await.expect("all rows").len(), 300);
    again.commit(put("more", "text")).await.expect("a commit");
}
