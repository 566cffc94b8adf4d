//! Helpers for scenarios.

use std::{sync::Arc, time::Duration};

use bailiwick_storage::{At, Authenticator, Batch, Store, StoreCopy, StoredRow};
use bytes::Bytes;

use super::{Server, SharedDatabase};

pub(super) fn put(key: &str, value: &str) -> Batch {
    let (key, value) = (Bytes::copy_from_slice(key.as_bytes()), Bytes::copy_from_slice(value.as_bytes()));
    Batch { put: vec![(key, value)], ..Batch::default() }
}

pub(super) async fn value(store: &impl Store, key: &str) -> Option<Bytes> {
    let view = store.read(At::Latest).await.expect("a view");
    view.get(key.as_bytes()).await.expect("a read").map(|found| found.value)
}

/// Starts a server.
pub(super) async fn start<D: SharedDatabase>(
    database: &D,
    server: &Server,
    authenticator: &Authenticator,
) -> Arc<D::Store> {
    let opened = database.open(server).await.expect("a database");
    Arc::new(D::start(opened, authenticator.clone()).expect("a store"))
}

/// Starts servers of one store, which has a first change.
pub(super) async fn servers<D: SharedDatabase, const N: usize>(database: &D) -> [Arc<D::Store>; N] {
    let authenticator = D::authenticator();
    let mut servers = Vec::new();
    for number in 0..N {
        let store = start(database, &Server::new::<D>(number as u8), &authenticator).await;
        if number == 0 {
            // From now on the others may start.
            store.commit(put("first", "start")).await.expect("a commit");
        }
        servers.push(store);
    }
    servers.try_into().unwrap_or_else(|_| panic!("{N} servers"))
}

/// The sealed state and all rows of a store.
pub(super) async fn copied(store: &impl Store) -> (Vec<u8>, Vec<StoredRow>) {
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

pub(super) async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let tried = async {
        while !holds().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), tried).await.unwrap_or_else(|_| panic!("not in 20 s: {what}"));
}
