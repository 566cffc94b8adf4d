use bailiwick_api::op;
use serde_json::json;

use crate::testing::World;

#[tokio::test]
async fn an_account_has_one_unique_alias() {
    let w = World::new().await;
    let alias = |text: &str| json!({"AccountAlias": text});
    let list = || w.ok::<op::ListAccountAliases>(json!({}));
    assert_eq!(list().await, json!({"IsTruncated": false}));
    w.ok::<op::CreateAccountAlias>(alias("first")).await;
    let taken = "EntityAlreadyExists: The account alias first already exists.";
    w.fails::<op::CreateAccountAlias>(alias("first"), taken).await;
    w.ok::<op::CreateAccountAlias>(alias("second")).await;
    assert_eq!(list().await["AccountAliases"], json!(["second"]));
    let gone = "NoSuchEntity: The account alias with name first cannot be found.";
    w.fails::<op::DeleteAccountAlias>(alias("first"), gone).await;

    let account = w.ok::<op::CreateAccount>(json!({"accountName": "x", "email": "x@example.com"})).await;
    let other = w.as_root(account["account"]["accountId"].as_str().unwrap());
    let taken = "EntityAlreadyExists: The account alias second already exists.";
    other.fails::<op::CreateAccountAlias>(alias("second"), taken).await;
    let gone = "NoSuchEntity: The account alias with name second cannot be found.";
    other.fails::<op::DeleteAccountAlias>(alias("second"), gone).await;
    other.ok::<op::CreateAccountAlias>(alias("first")).await;
    w.ok::<op::DeleteAccountAlias>(alias("second")).await;
    other.ok::<op::CreateAccountAlias>(alias("second")).await;
    w.ok::<op::CreateAccountAlias>(alias("first")).await;
    w.needs::<op::CreateAccountAlias>(alias("abc"), &["iam:CreateAccountAlias *"]).await;
}
