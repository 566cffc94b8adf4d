//! Reads of single rows by many calls at the same time.

mod common;

use std::{sync::Arc, time::Duration};

use bailiwick_storage::{At, ServerId, Store, StoreError, View};
use bailiwick_storage_etcd::Options;
use common::{Cluster, call_at, put};
use serde_json::json;
use tokio::task::JoinHandle;

type Found = Result<bool, StoreError>;

/// Reads rows that are not in memory; each is another one. Returns whether there is one.
fn read(view: &Arc<dyn View>, name: &str, count: usize) -> Vec<JoinHandle<Found>> {
    let read = |number: usize| {
        let (view, key) = (view.clone(), format!("{name} {number}"));
        tokio::spawn(async move { Ok(view.get(key.as_bytes()).await?.is_some()) })
    };
    (0..count).map(read).collect()
}

async fn ends(reads: Vec<JoinHandle<Found>>) -> Vec<Found> {
    let mut found = Vec::new();
    for read in reads {
        let ended = tokio::time::timeout(Duration::from_secs(30), read).await.expect("an answer in time");
        found.push(ended.expect("no panics"));
    }
    found
}

/// Calls that end before they are answered, and views whose versions etcd has removed, take nothing from other calls.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_call_is_answered() {
    let cluster = Cluster::start(&[], 1);
    let (address, options) = (format!("etcd://127.0.0.1:{}/iam", cluster.ports[0]), Options::of(ServerId([1; 16])));
    let store = common::open(&address, &options, &common::authenticator()).await;
    store.commit(put("first", "text")).await.expect("a commit");
    let old = store.read(At::Latest).await.expect("a view");
    for number in 0..3 {
        store.commit(put("first", &number.to_string())).await.expect("a commit");
    }
    let found = call_at(cluster.ports[0], "kv/range", &json!({ "key": "YQ==" }));
    let newest: i64 = found["header"]["revision"].as_str().and_then(|text| text.parse().ok()).expect("a revision");
    call_at(cluster.ports[0], "kv/compaction", &json!({ "revision": newest, "physical": true }));
    let new = store.read(At::Latest).await.expect("a view");

    for round in 0..5 {
        let (removed, kept) = (read(&old, &format!("old {round}"), 100), read(&new, &format!("new {round}"), 100));
        for (number, ended) in read(&new, &format!("ended {round}"), 200).into_iter().enumerate() {
            tokio::time::sleep(Duration::from_micros(number as u64 % 50)).await;
            ended.abort();
        }
        assert!(ends(removed).await.iter().all(|found| matches!(found, Err(StoreError::StaleView))));
        assert!(ends(kept).await.iter().all(|found| matches!(found, Ok(false))));
    }
}
