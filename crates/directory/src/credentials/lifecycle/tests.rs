use bailiwick_api::op;
use bailiwick_model::AccountId;
use bailiwick_storage::AccessKeyLastUsed;
use serde_json::json;

use super::{CredentialId, ended, take_step};
use crate::testing::{ACCOUNT, World};

const DAY: i64 = 86_400;

/// Takes the steps that are due, and returns them as `disabled AccessKey MaximumAge`.
async fn steps(w: &World) -> Vec<String> {
    let account = AccountId::parse(ACCOUNT).unwrap();
    let (mut all, mut after) = (Vec::new(), None::<String>);
    loop {
        let mut tx = w.begin().await;
        let (found, next) = ended(&w.deployment, &mut tx, account, after.as_deref()).await.unwrap();
        for credential in found {
            let mut tx = w.begin().await;
            let step = take_step(&w.deployment, &mut tx, account, &credential).await.unwrap().unwrap();
            w.commit(tx).await;
            let what = if matches!(credential, CredentialId::Password(_)) { "Password" } else { "AccessKey" };
            let done = if step.disabled { "disabled" } else { "warned" };
            let user = step.user_name.unwrap_or("root".into());
            all.push(format!("{done} {user} {what} {}", step.end.reason));
        }
        match next {
            Some(next) => after = Some(next),
            None => return all,
        }
    }
}

async fn key(w: &World, user: &str) -> String {
    let made = w.ok::<op::CreateAccessKey>(json!({"UserName": user})).await;
    made["AccessKey"]["AccessKeyId"].as_str().unwrap().to_owned()
}

async fn status(w: &World, user: &str) -> String {
    let listed = w.ok::<op::ListAccessKeys>(json!({"UserName": user})).await;
    listed["AccessKeyMetadata"][0]["Status"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn an_old_key_is_warned_of_once_and_deactivated_once() {
    let w = World::new().await;
    w.user("Ann").await;
    let id = key(&w, "Ann").await;
    w.ok::<op::PutCredentialRules>(json!({"rules": {"accessKeyMaxAgeDays": 90}})).await;
    w.clock.advance(76 * DAY - 1);
    assert!(steps(&w).await.is_empty());
    w.clock.advance(1);
    assert_eq!(steps(&w).await, ["warned Ann AccessKey MaximumAge"]);
    assert!(steps(&w).await.is_empty());
    let findings = w.ok::<op::ListFindings>(json!({"kinds": ["FINDING_KIND_CREDENTIAL_ENDS"]})).await;
    assert_eq!(findings["findings"][0]["subject"], id);
    w.clock.advance(14 * DAY - 1);
    assert!(steps(&w).await.is_empty());
    assert_eq!(status(&w, "Ann").await, "Active");
    w.clock.advance(1);
    assert_eq!(steps(&w).await, ["disabled Ann AccessKey MaximumAge"]);
    assert_eq!(status(&w, "Ann").await, "Inactive");
    assert!(steps(&w).await.is_empty());
    let activate = json!({"UserName": "Ann", "AccessKeyId": id, "Status": "Active"});
    let refused = format!(
        "InvalidInput: The access key {id} is older than the 90 days that the credential rules of the account allow. Create another one."
    );
    w.fails::<op::UpdateAccessKey>(activate.clone(), &refused).await;
    // An exempt user's key may be active again, and stays.
    w.ok::<op::PutCredentialRules>(json!({"rules": {"accessKeyMaxAgeDays": 90, "exemptTag": "Robot"}})).await;
    w.ok::<op::TagUser>(json!({"UserName": "Ann", "Tags": [{"Key": "robot", "Value": "1"}]})).await;
    w.ok::<op::UpdateAccessKey>(activate).await;
    w.clock.advance(90 * DAY);
    assert!(steps(&w).await.is_empty());
}

#[tokio::test]
async fn rules_disable_nothing_before_the_time_of_warning() {
    let w = World::new().await;
    w.user("Ann").await;
    key(&w, "Ann").await;
    w.clock.advance(1000 * DAY);
    w.ok::<op::PutCredentialRules>(json!({"rules": {"accessKeyMaxAgeDays": 90, "warningDays": 2}})).await;
    assert_eq!(steps(&w).await, ["warned Ann AccessKey MaximumAge"]);
    w.clock.advance(2 * DAY - 1);
    assert!(steps(&w).await.is_empty());
    w.clock.advance(1);
    assert_eq!(steps(&w).await, ["disabled Ann AccessKey MaximumAge"]);
}

#[tokio::test]
async fn unused_keys_and_passwords_end_and_used_ones_stay() {
    let w = World::new().await;
    for user in ["Ann", "Bob"] {
        w.user(user).await;
        w.ok::<op::CreateLoginProfile>(json!({"UserName": user, "Password": "Correct-horse-battery-1"})).await;
    }
    let [_, used] = [key(&w, "Ann").await, key(&w, "Bob").await];
    let rules = json!({"accessKeyUnusedDays": 30, "passwordUnusedDays": 40, "warningDays": 5});
    w.ok::<op::PutCredentialRules>(json!({"rules": rules})).await;
    w.clock.advance(29 * DAY);
    let mut tx = w.begin().await;
    let now = w.deployment.clock.now();
    let last = AccessKeyLastUsed { time: now, service: "iam".into(), region: "us-east-1".into() };
    let id = bailiwick_model::AccessKeyId::parse(&used).unwrap();
    tx.put_access_key_last_used(AccountId::parse(ACCOUNT).unwrap(), &id, &last).await.unwrap();
    w.commit(tx).await;
    w.clock.advance(DAY);
    assert_eq!(steps(&w).await, ["disabled Ann AccessKey Unused"]);
    // Activated again, it counts from now.
    let id =
        w.ok::<op::ListAccessKeys>(json!({"UserName": "Ann"})).await["AccessKeyMetadata"][0]["AccessKeyId"].clone();
    w.ok::<op::UpdateAccessKey>(json!({"UserName": "Ann", "AccessKeyId": id, "Status": "Active"})).await;
    assert!(steps(&w).await.is_empty());
    w.clock.advance(5 * DAY);
    assert_eq!(steps(&w).await, ["warned Ann Password Unused", "warned Bob Password Unused"]);
    w.ok::<op::UpdateLoginProfile>(json!({"UserName": "Bob", "Password": "Correct-horse-battery-2"})).await;
    w.clock.advance(5 * DAY);
    assert_eq!(steps(&w).await, ["disabled Ann Password Unused"]);
    w.fails::<op::GetLoginProfile>(
        json!({"UserName": "Ann"}),
        "NoSuchEntity: Login Profile for User Ann cannot be found.",
    )
    .await;
    w.ok::<op::GetLoginProfile>(json!({"UserName": "Bob"})).await;
}

#[tokio::test]
async fn root_ends_only_when_asked_for() {
    let w = World::new().await;
    w.ok::<op::PutCredentialRules>(json!({"rules": {"accessKeyMaxAgeDays": 1, "warningDays": 1}})).await;
    w.clock.advance(10 * DAY);
    assert!(steps(&w).await.is_empty());
    let rules = json!({"accessKeyMaxAgeDays": 1, "warningDays": 1, "includeRoot": true});
    w.ok::<op::PutCredentialRules>(json!({"rules": rules})).await;
    assert_eq!(steps(&w).await, ["warned root AccessKey MaximumAge"]);
    w.clock.advance(DAY);
    assert_eq!(steps(&w).await, ["disabled root AccessKey MaximumAge"]);
}
