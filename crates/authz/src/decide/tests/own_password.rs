//! The grant of AllowUsersToChangePassword.

use bailiwick_policy_lang::{PolicyKind, parse};

use crate::tests::*;

const ALICE: &str = "arn:aws:iam::111122223333:user/Alice";

/// Returns whether a caller may do `action`, if the account grants it and if not.
fn check(env: &TestEnv, who: &Authenticated, action: &'static str, resource: &str) -> [bool; 2] {
    [true, false].map(|granted| {
        let check = Check::new(action, &arn(resource)).own_password(granted);
        env.authz.decide(&env.snapshots.current().unwrap(), who, &env.cx(who), &check).is_ok()
    })
}

#[tokio::test]
async fn the_grant_is_as_strong_as_a_policy_of_the_user() {
    for (why, document, boundary, expected) in [
        ("nothing else", String::new(), None, [true, false]),
        ("a policy allows", allow("iam:ChangePassword", "*"), None, [true, true]),
        ("an explicit deny", statement("Deny", "iam:*", "*", "{}"), None, [false, false]),
        ("a boundary allows", String::new(), Some(allow("iam:*", "*")), [true, false]),
        ("a boundary does not allow", String::new(), Some(allow("s3:*", "*")), [false, false]),
    ] {
        let env = TestEnv::new().await;
        let alice = env.user(MAIN, "Alice", &document).await;
        if let Some(boundary) = boundary {
            let bound = env.managed_of(MAIN, "Bound", &boundary).await;
            let mut tx = env.tx().await;
            tx.update(&alice, &User { boundary: Some(bound), ..alice.clone() }).await.unwrap();
            env.commit(tx).await;
        }
        let who = env.prove(&env.key(MAIN, Some(&alice)).await).await.unwrap();
        assert_eq!(check(&env, &who, "iam:ChangePassword", ALICE), expected, "{why}");
    }
}

#[tokio::test]
async fn only_the_listed_actions_are_granted_and_only_to_users() {
    let env = TestEnv::new().await;
    let alice = env.user(MAIN, "Alice", "").await;
    let who = env.prove(&env.key(MAIN, Some(&alice)).await).await.unwrap();
    for action in ["iam:UpdateLoginProfile", "iam:CreateLoginProfile", "iam:DeleteLoginProfile", "iam:CreateAccessKey"]
    {
        assert_eq!(check(&env, &who, action, ALICE), [false, false], "{action}");
    }
    let role = env.role(MAIN, "Diver", "{}", "").await;
    let session = env.prove(&env.session(&role, "dive", |_| {})).await.unwrap();
    assert_eq!(check(&env, &session, "iam:ChangePassword", ALICE), [false, false]);
}

#[test]
fn the_grant_is_a_policy() {
    assert!(parse(crate::decide::own_password::GRANT, PolicyKind::Identity).is_ok());
}
