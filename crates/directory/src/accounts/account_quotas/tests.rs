use bailiwick_api::op;
use serde_json::{Value, json};

use crate::testing::{ACCOUNT, World};

async fn put(w: &World, quotas: Value) -> Value {
    w.ok::<op::PutAccountQuotas>(json!({"accountId": ACCOUNT, "quotas": quotas})).await["quotas"].clone()
}

#[tokio::test]
async fn quotas_of_an_account_are_set_shown_and_return_to_the_default() {
    let w = World::new().await;
    let account = json!({"accountId": ACCOUNT});
    let default = w.ok::<op::GetAccountQuotas>(account.clone()).await["quotas"].clone();
    assert_eq!((&default["users"], &default["attachedPoliciesPerRole"]), (&json!(5000), &json!(10)));
    let set = put(&w, json!({"users": 1, "attachedPoliciesPerRole": 20})).await;
    assert_eq!((&set["users"], &set["groups"], &set["attachedPoliciesPerRole"]), (&json!(1), &json!(300), &json!(20)));
    assert_eq!(w.ok::<op::GetAccountQuotas>(account).await["quotas"], set);
    let summary = w.ok::<op::GetAccountSummary>(json!({})).await["SummaryMap"].clone();
    assert_eq!((&summary["UsersQuota"], &summary["AttachedPoliciesPerRoleQuota"]), (&json!(1), &json!(20)));
    assert_eq!(put(&w, json!({})).await, default);
    let missing = "NoSuchEntity: The account with id 999999999999 cannot be found.";
    w.fails::<op::PutAccountQuotas>(json!({"accountId": "999999999999"}), missing).await;
    w.fails::<op::GetAccountQuotas>(json!({"accountId": "999999999999"}), missing).await;
    let resource = "arn:aws:bailiwick::111122223333:account/111122223333";
    w.needs::<op::PutAccountQuotas>(
        json!({"accountId": ACCOUNT}),
        &[&format!("bailiwick:PutAccountQuotas {resource}")],
    )
    .await;
    w.needs::<op::GetAccountQuotas>(
        json!({"accountId": ACCOUNT}),
        &[&format!("bailiwick:GetAccountQuotas {resource}")],
    )
    .await;
}

#[tokio::test]
async fn creations_are_held_to_the_quotas_of_their_account() {
    let w = World::new().await;
    w.user("Bob").await;
    w.group("Devs").await;
    let policy = w.policy("P").await;
    let lowered =
        json!({"users": 1, "groups": 0, "roles": 0, "policies": 1, "groupsPerUser": 0, "attachedPoliciesPerUser": 0});
    put(&w, lowered).await;
    let exceeded = |quota: &str| format!("LimitExceeded: Cannot exceed quota for {quota}");
    w.fails::<op::CreateUser>(json!({"UserName": "Eva"}), &exceeded("UsersPerAccount: 1")).await;
    w.fails::<op::CreateGroup>(json!({"GroupName": "G"}), &exceeded("GroupsPerAccount: 0")).await;
    let member = json!({"GroupName": "Devs", "UserName": "Bob"});
    w.fails::<op::AddUserToGroup>(member.clone(), &exceeded("GroupsPerUser: 0")).await;
    let attached = json!({"UserName": "Bob", "PolicyArn": policy});
    w.fails::<op::AttachUserPolicy>(attached.clone(), &exceeded("PoliciesPerUser: 0")).await;
    // Another account has the quotas of the deployment.
    let other = json!({"accountName": "Other", "email": "other@pond.example"});
    let other = w.ok::<op::CreateAccount>(other).await["account"]["accountId"].as_str().unwrap().to_owned();
    w.as_root(&other).ok::<op::CreateGroup>(json!({"GroupName": "G"})).await;
    put(&w, json!({})).await;
    w.ok::<op::AddUserToGroup>(member).await;
    w.ok::<op::AttachUserPolicy>(attached).await;
    w.ok::<op::CreateUser>(json!({"UserName": "Eva"})).await;
}
