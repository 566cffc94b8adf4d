use bailiwick_api::op;
use bailiwick_model::{AccessKeyId, AccountId};
use bailiwick_operation::SecretOwner;
use bailiwick_storage::{AccessKeyLastUsed, KeyOwner};
use serde_json::json;

use crate::testing::{ACCOUNT, World, column};

#[tokio::test]
async fn the_secret_is_shown_once_and_stored_sealed() {
    let w = World::new().await;
    w.user("Bob").await;
    let made = w.ok::<op::CreateAccessKey>(json!({"UserName": "bob"})).await["AccessKey"].clone();
    let (id, secret) = (made["AccessKeyId"].as_str().unwrap(), made["SecretAccessKey"].as_str().unwrap());
    assert_eq!((id.len(), &id[..4], secret.len()), (20, "AKIA", 40));
    assert_eq!((&made["UserName"], &made["Status"]), (&json!("Bob"), &json!("Active")));
    let account = AccountId::parse(ACCOUNT).unwrap();
    let id = AccessKeyId::parse(id).unwrap();
    assert_eq!(id.account(), Some(account));
    let stored = w.begin().await.get_access_key(account, &id).await.unwrap();
    assert!(!String::from_utf8_lossy(&stored.sealed_secret).contains(secret));
    let KeyOwner::User(user) = stored.owner else { panic!("{:?}", stored.owner) };
    let owner = SecretOwner { account, user: Some(&user), key: &id };
    assert_eq!(owner.open(&w.deployment.sealer, &stored.sealed_secret).unwrap().expose(), secret);
    let listed = w.ok::<op::ListAccessKeys>(json!({"UserName": "Bob"})).await.to_string();
    assert!(listed.contains(id.as_str()) && !listed.contains(secret), "{listed}");
}

#[tokio::test]
async fn a_user_can_have_two_keys() {
    let w = World::new().await;
    w.user("Bob").await;
    let user = json!({"UserName": "Bob"});
    let mut keys = Vec::new();
    for _ in 0..2 {
        let key = w.ok::<op::CreateAccessKey>(user.clone()).await["AccessKey"]["AccessKeyId"].clone();
        keys.push(key.as_str().unwrap().to_owned());
    }
    let full = "LimitExceeded: Cannot exceed quota for AccessKeysPerUser: 2";
    w.fails::<op::CreateAccessKey>(user.clone(), full).await;
    let named = |key: &str| json!({"UserName": "Bob", "AccessKeyId": key, "Status": "Inactive"});
    w.ok::<op::UpdateAccessKey>(named(&keys[0])).await;
    let first = w.ok::<op::ListAccessKeys>(json!({"UserName": "Bob", "MaxItems": 1})).await;
    let rest = w.ok::<op::ListAccessKeys>(json!({"UserName": "Bob", "Marker": first["Marker"]})).await;
    keys.sort();
    let listed = [&first, &rest].map(|page| column(&page["AccessKeyMetadata"], "AccessKeyId"));
    assert_eq!(listed.concat(), keys);
    let mut statuses = [&first, &rest].map(|page| column(&page["AccessKeyMetadata"], "Status")).concat();
    statuses.sort();
    assert_eq!(statuses, ["Active", "Inactive"]);
    for key in &keys {
        w.ok::<op::DeleteAccessKey>(json!({"UserName": "Bob", "AccessKeyId": key})).await;
    }
    w.ok::<op::CreateAccessKey>(user).await;
}

#[tokio::test]
async fn a_key_is_found_under_its_owner_only() {
    let w = World::new().await;
    w.user("Bob").await;
    w.user("Eva").await;
    let key = w.ok::<op::CreateAccessKey>(json!({"UserName": "Bob"})).await["AccessKey"]["AccessKeyId"].clone();
    let expected = format!("NoSuchEntity: The Access Key with id {} cannot be found.", key.as_str().unwrap());
    w.fails::<op::DeleteAccessKey>(json!({"UserName": "Eva", "AccessKeyId": key}), &expected).await;
    w.fails::<op::DeleteAccessKey>(json!({"AccessKeyId": key}), &expected).await;
    let update = json!({"UserName": "Eva", "AccessKeyId": key, "Status": "Inactive"});
    w.fails::<op::UpdateAccessKey>(update, &expected).await;
    let bob = w.as_user("Bob").await;
    let expired = json!({"AccessKeyId": key, "Status": "Expired"});
    let refused = "InvalidInput: Operation does not support status Expired";
    bob.fails::<op::UpdateAccessKey>(expired, refused).await;
    bob.needs::<op::DeleteAccessKey>(
        json!({"AccessKeyId": key}),
        &["iam:DeleteAccessKey arn:aws:iam::111122223333:user/Bob"],
    )
    .await;
    bob.ok::<op::DeleteAccessKey>(json!({"AccessKeyId": key})).await;
}

#[tokio::test]
async fn root_can_have_two_keys() {
    let w = World::new().await;
    let made = w.ok::<op::CreateAccessKey>(json!({})).await["AccessKey"].clone();
    assert_eq!(made["UserName"], json!(null));
    let listed = w.ok::<op::ListAccessKeys>(json!({})).await;
    assert_eq!(listed["AccessKeyMetadata"].as_array().unwrap().len(), 2);
    w.fails::<op::CreateAccessKey>(json!({}), "LimitExceeded: Cannot exceed quota for AccessKeysPerUser: 2").await;
    w.needs::<op::CreateAccessKey>(json!({}), &["iam:CreateAccessKey arn:aws:iam::111122223333:root"]).await;
    w.role("Runner").await;
    let session = w.as_session("Runner").await;
    let user_name_required = "ValidationError: Must specify userName when calling with non-User credentials";
    session.fails::<op::CreateAccessKey>(json!({}), user_name_required).await;
    session.fails::<op::ListAccessKeys>(json!({}), user_name_required).await;
}

#[tokio::test]
async fn last_use_is_returned_with_the_owner() {
    let w = World::new().await;
    w.ok::<op::CreateUser>(json!({"UserName": "Bob", "Path": "/x/"})).await;
    let key = w.ok::<op::CreateAccessKey>(json!({"UserName": "Bob"})).await["AccessKey"]["AccessKeyId"].clone();
    let request = json!({"AccessKeyId": key});
    let never = json!({"UserName": "Bob", "AccessKeyLastUsed": {"ServiceName": "N/A", "Region": "N/A"}});
    assert_eq!(w.ok::<op::GetAccessKeyLastUsed>(request.clone()).await, never);
    let mut tx = w.begin().await;
    let (account, id) = (AccountId::parse(ACCOUNT).unwrap(), AccessKeyId::parse(key.as_str().unwrap()).unwrap());
    let used = AccessKeyLastUsed { time: w.cx().date(), service: "iam".into(), region: "us-east-1".into() };
    tx.put_access_key_last_used(account, &id, &used).await.unwrap();
    tx.commit().await.unwrap();
    let expected = json!({"LastUsedDate": "2026-03-01T12:00:00Z", "ServiceName": "iam", "Region": "us-east-1"});
    assert_eq!(w.ok::<op::GetAccessKeyLastUsed>(request.clone()).await["AccessKeyLastUsed"], expected);
    let bob = "iam:GetAccessKeyLastUsed arn:aws:iam::111122223333:user/x/Bob";
    w.needs::<op::GetAccessKeyLastUsed>(request, &[bob]).await;
    // A denied caller does not learn whether a key exists.
    let unknown = json!({"AccessKeyId": "AKIAAAAAAAAAAAAAAAAA"});
    w.needs::<op::GetAccessKeyLastUsed>(unknown.clone(), &["iam:GetAccessKeyLastUsed *"]).await;
    let expected = "AccessDenied: User: arn:aws:iam::111122223333:root is not authorized to perform \
                    iam:GetAccessKeyLastUsed on resource: access key AKIAAAAAAAAAAAAAAAAA";
    w.fails::<op::GetAccessKeyLastUsed>(unknown, expected).await;
}
