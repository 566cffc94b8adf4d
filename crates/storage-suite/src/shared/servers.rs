//! Servers that read and write at the same time.

use std::time::{Duration, Instant};

use bailiwick_storage::{Add, At, Batch, Expect, Revision, Store as _, StoreError};

use super::{
    SharedDatabase,
    tools::{put, servers, value},
};

pub(super) async fn a_write_is_read_on_every_server_and_reaches_every_follower<D: SharedDatabase>() {
    let servers = servers::<D, 3>(&D::create().await).await;
    let mut followers = Vec::new();
    for server in &servers {
        followers.push(server.watch(server.head().await.expect("the head")).await.expect("a subscription"));
    }
    for (number, writer) in servers.iter().enumerate() {
        let written = number.to_string();
        let revision = writer.commit(put("key", &written)).await.expect("a commit");
        for reader in &servers {
            assert_eq!(value(&**reader, "key").await.as_deref(), Some(written.as_bytes()));
        }
        let begun = Instant::now();
        for follower in &mut followers {
            assert_eq!(follower.next().await.expect("a change set").revision, revision);
        }
        let time = begun.elapsed();
        assert!(time < Duration::from_secs(1), "a revocation is in force within a second: {time:?}");
    }
}

pub(super) async fn writers_on_all_servers_lose_no_update<D: SharedDatabase>() {
    let servers = servers::<D, 3>(&D::create().await).await;
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
    assert_eq!(value(&*servers[0], "text").await.map(|text| text.len()), Some(120));
    assert_eq!(value(&*servers[1], "counter").await.as_deref(), Some(&120u64.to_be_bytes()[..]));
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
