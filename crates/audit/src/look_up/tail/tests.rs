use tempfile::TempDir;

use super::*;
use crate::look_up::tests::{both, record, segments};

/// The ids that a tail finds from a position on, call by call, and the position after them.
async fn followed(look_up: &LookUp, query: &Query, mut after: u64) -> (Vec<String>, u64) {
    let mut ids = Vec::new();
    loop {
        let tail = look_up.tail("caller", query, after).await.unwrap();
        assert!(tail.events.len() <= query.limit && tail.last >= after);
        ids.extend(tail.events.iter().map(|event| event.values(Attribute::EventId).remove(0)));
        after = tail.last;
        if !tail.has_more {
            return (ids, after);
        }
    }
}

#[tokio::test]
async fn the_tail_has_each_event_once_in_the_order_of_writing() {
    for (_folder, (_segments, look_up, records)) in both() {
        let wanted = |from: usize| records[from..].iter().filter(|r| r.read_only).map(|r| r.event_id.clone());
        for from in [0, 1, 150, 298, 300] {
            let query = Query { limit: 13, ..Query::default() }.filter(Attribute::ReadOnly, Some("true".into()));
            let (ids, last) = followed(&look_up, &query, from as u64).await;
            assert_eq!((ids, last), (wanted(from).collect(), 300), "{from}");
        }
    }
}

#[tokio::test]
async fn a_wait_ends_with_an_event_that_is_found() {
    let folder = TempDir::new().unwrap();
    let mut segments = segments(folder.path());
    let look_up = LookUp::new(folder.path().to_owned(), segments.follow_end());
    let query = Query { limit: 9, ..Query::default() }.filter(Attribute::Username, Some("ann".into()));
    let long = Duration::from_secs(600);
    let waiting = tokio::spawn({
        let (look_up, query) = (look_up.clone(), query.clone());
        async move { look_up.wait("caller", &query, 0, long).await }
    });
    for id in 0..20 {
        segments.append(&[record(id, 1, "111122223333", "bob")]).unwrap();
        tokio::task::yield_now().await;
    }
    let own = crate::Record { event_name: OWN.into(), ..record(20, 1, "111122223333", "ann") };
    segments.append(&[own]).unwrap();
    tokio::task::yield_now().await;
    assert!(!waiting.is_finished(), "events of others and of the operation itself");
    segments.append(&[record(21, 1, "111122223333", "ann")]).unwrap();
    waiting.await.unwrap().unwrap();
    // Nothing comes any more: the time ends the wait, or the end of the writer.
    look_up.wait("caller", &query, 22, Duration::from_millis(1)).await.unwrap();
    drop(segments);
    look_up.wait("caller", &query, 22, long).await.unwrap();
}

#[tokio::test]
async fn too_many_calls_do_not_wait() {
    let folder = TempDir::new().unwrap();
    let segments = segments(folder.path());
    let look_up = LookUp::new(folder.path().to_owned(), segments.follow_end());
    let all = look_up.0.waits.acquire_many(super::super::WAITS as u32).await.unwrap();
    look_up.wait("caller", &Query::default(), 0, Duration::from_secs(600)).await.unwrap();
    drop(all);
}
