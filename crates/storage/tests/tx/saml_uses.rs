//! Each SAML assertion is used once, and its use is forgotten after its end.

use bailiwick_storage::{CommitError, Tx};
use jiff::{SignedDuration, Timestamp};

use crate::env::{TestEnv, now};

fn later(seconds: i64) -> Timestamp {
    now() + SignedDuration::from_secs(seconds)
}

async fn used(tx: &mut Tx, assertion: u8, at: i64) -> bool {
    tx.use_saml_assertion(&[assertion; 32], later(at + 300), later(at)).await.expect("a store that works")
}

#[tokio::test]
async fn an_assertion_is_used_once() {
    let env = TestEnv::new();
    for (assertion, at, is_new) in [(1, 0, true), (1, 0, false), (2, 0, true), (1, 1, true), (1, 1, false)] {
        assert_eq!(env.run(async |tx| Ok(used(tx, assertion, at).await)).await, is_new, "{assertion} {at}");
    }
    // In one transaction as well.
    env.run(async |tx| {
        assert!(used(tx, 3, 0).await && !used(tx, 3, 0).await);
        Ok(())
    })
    .await;
}

/// Of two transactions that use an assertion at the same time, one conflicts; uses of different assertions do not.
#[tokio::test]
async fn one_of_two_uses_at_the_same_time_conflicts() {
    let env = TestEnv::new();
    let (mut first, mut second, mut other) = (env.tx().await, env.tx().await, env.tx().await);
    assert!(used(&mut first, 1, 0).await && used(&mut second, 1, 0).await && used(&mut other, 2, 0).await);
    first.commit().await.expect("the first use");
    assert!(matches!(second.commit().await, Err(CommitError::Conflict)));
    other.commit().await.expect("the use of another assertion");
}

/// The rows are as many as the uses of about twenty minutes, and no more are left by a burst.
#[tokio::test]
async fn uses_are_forgotten_after_the_end_of_the_assertion() {
    let env = TestEnv::new();
    for assertion in 0..100 {
        assert!(env.run(async |tx| Ok(used(tx, assertion, 0).await)).await);
    }
    assert_eq!(env.keys().await.len(), 100);
    // Expired, but kept for clocks that differ.
    assert!(env.run(async |tx| Ok(used(tx, 200, 300 + 900).await)).await);
    assert_eq!(env.keys().await.len(), 101);
    let mut before = 101;
    for assertion in 201..220 {
        assert!(env.run(async |tx| Ok(used(tx, assertion, 300 + 901).await)).await);
        let after = env.keys().await.len();
        assert!(after <= before.max(21), "{after}");
        before = after;
    }
    assert_eq!(before, 20);
}
