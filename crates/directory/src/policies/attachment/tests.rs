use bailiwick_api::op;
use bailiwick_model::limits::Quotas;
use serde_json::json;

use crate::testing::{World, column};

#[tokio::test]
async fn policies_are_attached_listed_and_detached_on_every_noun() {
    let w = World::new().await;
    w.user("Bob").await;
    w.group("Devs").await;
    w.role("Runner").await;
    let own = w.policy("own").await;
    let shared = "arn:aws:iam::aws:policy/job-function/ViewOnlyAccess";
    let user = |arn: &str| json!({"UserName": "BOB", "PolicyArn": arn});
    w.ok::<op::AttachUserPolicy>(user(&own)).await;
    w.ok::<op::AttachUserPolicy>(user(shared)).await;
    w.ok::<op::AttachUserPolicy>(user(shared)).await;
    let first = w.ok::<op::ListAttachedUserPolicies>(json!({"UserName": "bob", "MaxItems": 1})).await;
    assert_eq!(first["AttachedPolicies"], json!([{"PolicyName": "own", "PolicyArn": own}]));
    let rest = w.ok::<op::ListAttachedUserPolicies>(json!({"UserName": "bob", "Marker": first["Marker"]})).await;
    assert_eq!(column(&rest["AttachedPolicies"], "PolicyArn"), [shared]);
    let below = w.ok::<op::ListAttachedUserPolicies>(json!({"UserName": "bob", "PathPrefix": "/job-function/"})).await;
    assert_eq!(column(&below["AttachedPolicies"], "PolicyName"), ["ViewOnlyAccess"]);
    w.ok::<op::DetachUserPolicy>(user(shared)).await;
    let gone = format!("NoSuchEntity: Policy {shared} was not found.");
    w.fails::<op::DetachUserPolicy>(user(shared), &gone).await;

    w.ok::<op::AttachGroupPolicy>(json!({"GroupName": "devs", "PolicyArn": own})).await;
    let listed = w.ok::<op::ListAttachedGroupPolicies>(json!({"GroupName": "Devs"})).await;
    assert_eq!(column(&listed["AttachedPolicies"], "PolicyName"), ["own"]);
    w.ok::<op::DetachGroupPolicy>(json!({"GroupName": "devs", "PolicyArn": own})).await;
    w.ok::<op::AttachRolePolicy>(json!({"RoleName": "runner", "PolicyArn": own})).await;
    let listed = w.ok::<op::ListAttachedRolePolicies>(json!({"RoleName": "Runner"})).await;
    assert_eq!(column(&listed["AttachedPolicies"], "PolicyName"), ["own"]);
    w.ok::<op::DetachRolePolicy>(json!({"RoleName": "runner", "PolicyArn": own})).await;
}

#[tokio::test]
async fn policies_that_cannot_be_attached_are_refused() {
    let w = World::with_quotas(Quotas { attached_per_user: 1, ..Quotas::default() }).await;
    w.user("Bob").await;
    let (own, second) = (w.policy("own").await, w.policy("second").await);
    let user = |arn: &str| json!({"UserName": "Bob", "PolicyArn": arn});
    for (arn, expected) in [
        ("arn:aws:iam::111122223333:policy/none", "NoSuchEntity: Policy {arn} does not exist or is not attachable."),
        ("arn:aws:iam::111122223333:policy/OWN", "NoSuchEntity: Policy {arn} does not exist or is not attachable."),
        ("arn:aws:iam::111122223333:policy/x/own", "NoSuchEntity: Policy {arn} does not exist or is not attachable."),
        ("arn:aws:iam::444455556666:policy/own", "NoSuchEntity: Policy {arn} does not exist or is not attachable."),
        ("arn:aws:iam::aws:policy/own", "NoSuchEntity: Policy {arn} does not exist or is not attachable."),
        ("arn:aws:iam::111122223333:user/own", "InvalidInput: ARN {arn} is not valid."),
        ("arn:aws-cn:iam::111122223333:policy/own", "InvalidInput: ARN {arn} is not valid."),
        ("arn:aws:s3:::my-bucket/object", "InvalidInput: ARN {arn} is not valid."),
        ("this is not an ARN at all", "ValidationError: ARN {arn} is not valid."),
    ] {
        w.fails::<op::AttachUserPolicy>(user(arn), &expected.replace("{arn}", arn)).await;
    }
    w.ok::<op::AttachUserPolicy>(user(&own)).await;
    let quota = "LimitExceeded: Cannot exceed quota for PoliciesPerUser: 1";
    w.fails::<op::AttachUserPolicy>(user(&second), quota).await;
    let user_name_required = json!({"UserName": "x", "PolicyArn": own});
    w.fails::<op::AttachUserPolicy>(user_name_required, "NoSuchEntity: The user with name x cannot be found.").await;
}

#[tokio::test]
async fn checks_have_policy_and_boundary() {
    let w = World::new().await;
    let edge = w.policy("Edge").await;
    w.ok::<op::CreateUser>(json!({"UserName": "Bob", "PermissionsBoundary": edge})).await;
    w.group("Devs").await;
    let shared = "arn:aws:iam::aws:policy/ReadOnlyAccess";
    let keys = format!("iam:PermissionsBoundary={edge} iam:PolicyARN={shared}");
    let user = json!({"UserName": "bob", "PolicyArn": shared});
    let bob = "arn:aws:iam::111122223333:user/Bob";
    w.needs::<op::AttachUserPolicy>(user.clone(), &[&format!("iam:AttachUserPolicy {bob} {keys}")]).await;
    w.needs::<op::DetachUserPolicy>(user, &[&format!("iam:DetachUserPolicy {bob} {keys}")]).await;
    let group = json!({"GroupName": "devs", "PolicyArn": shared});
    let expected = format!("iam:AttachGroupPolicy arn:aws:iam::111122223333:group/Devs iam:PolicyARN={shared}");
    w.needs::<op::AttachGroupPolicy>(group, &[&expected]).await;
}
