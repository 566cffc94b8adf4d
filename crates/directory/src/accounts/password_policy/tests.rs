use bailiwick_api::op;
use serde_json::{Value, json};

use crate::testing::World;

/// Asserts what a policy looks like after an update.
async fn check(w: &World, update: Value, expected: Value) {
    w.ok::<op::UpdateAccountPasswordPolicy>(update.clone()).await;
    let shown = w.ok::<op::GetAccountPasswordPolicy>(json!({})).await;
    assert_eq!(shown["PasswordPolicy"], expected, "{update}");
}

#[tokio::test]
async fn an_update_replaces_the_whole_policy() {
    let w = World::new().await;
    let defaults = json!({
        "MinimumPasswordLength": 6,
        "RequireSymbols": false,
        "RequireNumbers": false,
        "RequireUppercaseCharacters": false,
        "RequireLowercaseCharacters": false,
        "AllowUsersToChangePassword": false,
        "ExpirePasswords": false,
    });
    let everything = json!({
        "MinimumPasswordLength": 128,
        "RequireSymbols": true,
        "RequireNumbers": true,
        "RequireUppercaseCharacters": true,
        "RequireLowercaseCharacters": true,
        "AllowUsersToChangePassword": true,
        "MaxPasswordAge": 1095,
        "PasswordReusePrevention": 24,
        "HardExpiry": false,
    });
    let mut shown = everything.clone();
    shown["ExpirePasswords"] = true.into();
    check(&w, json!({}), defaults.clone()).await;
    check(&w, everything, shown).await;
    check(&w, json!({}), defaults).await;
}

#[tokio::test]
async fn an_account_without_a_policy_says_so() {
    let w = World::new().await;
    let none = "NoSuchEntity: The Password Policy with domain name 111122223333 cannot be found.";
    let nothing = "NoSuchEntity: The account policy with name PasswordPolicy cannot be found.";
    w.fails::<op::GetAccountPasswordPolicy>(json!({}), none).await;
    w.fails::<op::DeleteAccountPasswordPolicy>(json!({}), nothing).await;
    w.ok::<op::UpdateAccountPasswordPolicy>(json!({})).await;
    w.ok::<op::DeleteAccountPasswordPolicy>(json!({})).await;
    w.fails::<op::GetAccountPasswordPolicy>(json!({}), none).await;
    w.fails::<op::DeleteAccountPasswordPolicy>(json!({}), nothing).await;
}

#[tokio::test]
async fn numbers_out_of_range_are_refused_together() {
    let w = World::new().await;
    let at = |member: &str, bound: &str| {
        format!("Value at '{member}' failed to satisfy constraint: Member must have value {bound}")
    };
    let all = [
        at("minimumPasswordLength", "greater than or equal to 6"),
        at("passwordReusePrevention", "greater than or equal to 1"),
        at("maxPasswordAge", "less than or equal to 1095"),
    ];
    let expected = format!("ValidationError: 3 validation errors detected: {}", all.join("; "));
    let request = json!({"MinimumPasswordLength": 5, "MaxPasswordAge": 1096, "PasswordReusePrevention": 0});
    w.fails::<op::UpdateAccountPasswordPolicy>(request, &expected).await;
}

#[tokio::test]
async fn only_users_are_granted_to_read_it_and_only_if_it_says_so() {
    let w = World::new().await;
    w.user("Bob").await;
    w.role("Runner").await;
    let (bob, session) = (w.as_user("Bob").await, w.as_session("Runner").await);
    for (allow, expected) in [(true, true), (false, false)] {
        w.ok::<op::UpdateAccountPasswordPolicy>(json!({"AllowUsersToChangePassword": allow})).await;
        for (caller, expected) in [(&bob, expected), (&session, false), (&w, false)] {
            assert_eq!(caller.granted::<op::GetAccountPasswordPolicy>(json!({})).await, [expected]);
        }
    }
    w.needs::<op::UpdateAccountPasswordPolicy>(json!({}), &["iam:UpdateAccountPasswordPolicy *"]).await;
    w.needs::<op::GetAccountPasswordPolicy>(json!({}), &["iam:GetAccountPasswordPolicy *"]).await;
    w.needs::<op::DeleteAccountPasswordPolicy>(json!({}), &["iam:DeleteAccountPasswordPolicy *"]).await;
}

#[tokio::test]
async fn concurrent_updates_conflict() {
    let w = World::new().await;
    let length = |length: i32| json!({"MinimumPasswordLength": length});
    type Update = op::UpdateAccountPasswordPolicy;
    assert!(w.collide::<Update, Update>(length(8), length(9)).await);
}
