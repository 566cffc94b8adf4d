//! Rows that a group of batches creates, which are not read before.

use bailiwick_storage::{Batch, Expect, Revision, Store as _, StoreError};
use bytes::Bytes;
use futures_util::future::join_all;

use super::{
    Server, SharedDatabase,
    tools::{put, start, value},
};

fn absent(key: &str) -> Expect {
    Expect { key: Bytes::copy_from_slice(key.as_bytes()), revision: None }
}

/// A batch that creates a row.
fn create(key: &str) -> Batch {
    Batch { expect: vec![absent(key)], ..put(key, "created") }
}

/// A server has not read rows that exist, and takes them for absent: what depends on this is refused, whatever becomes of the batch
/// that creates them.
pub(super) async fn a_row_that_is_taken_for_absent_is_found<D: SharedDatabase>() {
    let (database, authenticator) = (D::create().await, D::authenticator());
    let other = start(&database, &Server::new::<D>(1), &authenticator).await;
    let kinds = ["created", "beside", "refused", "removed"];
    for kind in kinds {
        for round in 0..8 {
            other.commit(put(&format!("{kind} {round}"), "first")).await.expect("a commit");
        }
    }
    let store = start(&database, &Server::new::<D>(2), &authenticator).await;
    for round in 0..8 {
        let [created, beside, refused, removed] = kinds.map(|kind| format!("{kind} {round}"));
        let fresh = format!("fresh {round}");
        let mut never = create(&refused);
        never.expect.push(Expect { key: "first".into(), revision: Some(Revision::new(u64::MAX)) });
        // Each with whether its batches are refused.
        let groups = [
            vec![(create(&created), true)],
            vec![(create(&beside), true), (create(&fresh), false)],
            // The first one is refused in any case, so that nothing is written to the row.
            vec![(never, true), (Batch { expect: vec![absent(&refused)], ..put("other", "value") }, true)],
            vec![(create(&removed), true), (Batch { delete: vec![removed.clone().into()], ..Batch::default() }, false)],
        ];
        for group in groups {
            let (batches, expected): (Vec<Batch>, Vec<bool>) = group.into_iter().unzip();
            // The writer is at work on the first one until the others wait.
            let batches = std::iter::once(put("before", &fresh)).chain(batches);
            let outcomes = join_all(batches.map(|batch| store.commit(batch))).await;
            let found = outcomes[1..].iter().map(|outcome| match outcome {
                Ok(_) => false,
                Err(StoreError::Conflict { .. }) => true,
                Err(error) => panic!("{error}"),
            });
            assert_eq!(found.collect::<Vec<_>>(), expected, "round {round}: {outcomes:?}");
        }
        for key in [created, beside, refused] {
            assert_eq!(value(&*store, &key).await.as_deref(), Some(&b"first"[..]));
        }
        assert_eq!(value(&*store, &removed).await, None);
        assert_eq!(value(&*store, &fresh).await.as_deref(), Some(&b"created"[..]));
    }
    assert_eq!(value(&*store, "other").await, None);
}
