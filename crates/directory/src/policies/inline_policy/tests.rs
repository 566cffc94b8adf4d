use bailiwick_api::op;
use serde_json::{Value, json};

use crate::testing::{ALLOW, World};

fn named(noun: &str, name: &str, policy: &str, document: &str) -> Value {
    json!({noun: name, "PolicyName": policy, "PolicyDocument": document})
}

#[tokio::test]
async fn policies_are_put_shown_listed_and_deleted_on_every_noun() {
    let w = World::new().await;
    w.user("Bob").await;
    w.group("Devs").await;
    w.role("Runner").await;
    w.ok::<op::PutUserPolicy>(named("UserName", "bob", "Read", ALLOW)).await;
    w.ok::<op::PutUserPolicy>(named("UserName", "Bob", "any", ALLOW)).await;
    let shown = w.ok::<op::GetUserPolicy>(json!({"UserName": "BOB", "PolicyName": "READ"})).await;
    assert_eq!(shown, named("UserName", "Bob", "Read", ALLOW));
    let spaced = format!(" {ALLOW}\n");
    w.ok::<op::PutUserPolicy>(named("UserName", "Bob", "READ", &spaced)).await;
    let shown = w.ok::<op::GetUserPolicy>(json!({"UserName": "Bob", "PolicyName": "read"})).await;
    assert_eq!(shown["PolicyDocument"], spaced, "the text stays as it was given");
    let first = w.ok::<op::ListUserPolicies>(json!({"UserName": "Bob", "MaxItems": 1})).await;
    assert_eq!((&first["PolicyNames"], &first["IsTruncated"]), (&json!(["any"]), &json!(true)));
    let rest = w.ok::<op::ListUserPolicies>(json!({"UserName": "Bob", "Marker": first["Marker"]})).await;
    assert_eq!(rest["PolicyNames"], json!(["READ"]));
    w.ok::<op::DeleteUserPolicy>(json!({"UserName": "Bob", "PolicyName": "read"})).await;
    let gone = json!({"UserName": "Bob", "PolicyName": "Read"});
    let message = "NoSuchEntity: The user policy with name Read cannot be found.";
    w.fails::<op::GetUserPolicy>(gone.clone(), message).await;
    w.fails::<op::DeleteUserPolicy>(gone, message).await;

    w.ok::<op::PutGroupPolicy>(named("GroupName", "DEVS", "p", ALLOW)).await;
    let shown = w.ok::<op::GetGroupPolicy>(json!({"GroupName": "devs", "PolicyName": "P"})).await;
    assert_eq!(shown, named("GroupName", "Devs", "p", ALLOW));
    assert_eq!(w.ok::<op::ListGroupPolicies>(json!({"GroupName": "Devs"})).await["PolicyNames"], json!(["p"]));
    w.ok::<op::DeleteGroupPolicy>(json!({"GroupName": "Devs", "PolicyName": "p"})).await;

    w.ok::<op::PutRolePolicy>(named("RoleName", "RUNNER", "p", ALLOW)).await;
    let shown = w.ok::<op::GetRolePolicy>(json!({"RoleName": "runner", "PolicyName": "P"})).await;
    assert_eq!(shown, named("RoleName", "Runner", "p", ALLOW));
    assert_eq!(w.ok::<op::ListRolePolicies>(json!({"RoleName": "Runner"})).await["PolicyNames"], json!(["p"]));
    w.ok::<op::DeleteRolePolicy>(json!({"RoleName": "Runner", "PolicyName": "p"})).await;
}

#[tokio::test]
async fn the_inline_policies_of_an_identity_share_a_size_limit() {
    let w = World::new().await;
    w.user("Bob").await;
    let sized = |size: usize| {
        let empty = r#"{"Version":"2012-10-17","Statement":{"Sid":"","Effect":"Deny","Action":"*","Resource":"*"}}"#;
        let sid = "x".repeat(size - empty.len());
        // White space is not counted.
        format!("\n\n\t{}", empty.replace(r#""Sid":"""#, &format!(r#""Sid" :  "{sid}""#)))
    };
    w.ok::<op::PutUserPolicy>(named("UserName", "Bob", "a", &sized(1000))).await;
    w.ok::<op::PutUserPolicy>(named("UserName", "Bob", "b", &sized(1048))).await;
    let full = "LimitExceeded: Maximum policy size of 2048 bytes exceeded for user Bob";
    w.fails::<op::PutUserPolicy>(named("UserName", "Bob", "c", &sized(100)), full).await;
    w.fails::<op::PutUserPolicy>(named("UserName", "Bob", "A", &sized(1001)), full).await;
    w.ok::<op::PutUserPolicy>(named("UserName", "Bob", "A", &sized(900))).await;
    w.ok::<op::PutUserPolicy>(named("UserName", "Bob", "c", &sized(100))).await;
    w.group("Devs").await;
    w.ok::<op::PutGroupPolicy>(named("GroupName", "Devs", "a", &sized(5120))).await;
    w.role("Runner").await;
    w.ok::<op::PutRolePolicy>(named("RoleName", "Runner", "a", &sized(10240))).await;
    let full = "LimitExceeded: Maximum policy size of 10240 bytes exceeded for role Runner";
    w.fails::<op::PutRolePolicy>(named("RoleName", "Runner", "b", &sized(100)), full).await;
}

#[tokio::test]
async fn errors_of_malformed_documents_have_a_position() {
    let w = World::new().await;
    w.user("Bob").await;
    for (document, expected, place) in [
        ("{", "Syntax errors in policy.", "line 1, column 2"),
        (
            "{\n \"Statement\": {\"Effect\": \"Allow\", \"Action\": \"*\", \"Resource\": \"*\", \"Principal\": \"*\"}}",
            "Policy document should not specify a principal.",
            "line 2, column",
        ),
        (
            r#"{"Statement":{"Effect":"Allow","Action":"*","Resource":"*"},"Statement":[]}"#,
            "Syntax errors in policy.",
            "line 1, column",
        ),
        (
            r#"{"Statement":{"Effect":"Allow","Action":"read","Resource":"*"}}"#,
            "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.",
            "line 1, column 41",
        ),
        (
            r#"{"Statement":{"Effect":"Allow","Action":"s3:*","Resource":"bucket"}}"#,
            "Resource bucket must be in ARN format or \"*\".",
            "line 1, column",
        ),
        (
            r#"{"Statement":{"Effect":"Allow","Action":"s3:*","Resource":"*","Condition":{"StringIs":{"a:b":"c"}}}}"#,
            "Syntax errors in policy.",
            "line 1, column",
        ),
    ] {
        let error = w.call::<op::PutUserPolicy>(named("UserName", "Bob", "p", document)).await.unwrap_err();
        assert_eq!(error.code().wire(), "MalformedPolicyDocument", "{document}");
        assert_eq!(error.message(), expected, "{document}");
        let [(member, reason)] = error.fields() else { panic!("{document}: {error}") };
        assert!(member == "PolicyDocument" && reason.starts_with(place), "{document}: {reason}");
    }
}

#[tokio::test]
async fn checks_have_the_boundary_of_the_entity() {
    let w = World::new().await;
    let edge = w.policy("Edge").await;
    w.ok::<op::CreateUser>(json!({"UserName": "Bob", "PermissionsBoundary": edge})).await;
    let bob = "arn:aws:iam::111122223333:user/Bob";
    let put = named("UserName", "BOB", "p", ALLOW);
    w.needs::<op::PutUserPolicy>(put, &[&format!("iam:PutUserPolicy {bob} iam:PermissionsBoundary={edge}")]).await;
    let policy = json!({"UserName": "BOB", "PolicyName": "p"});
    let delete = format!("iam:DeleteUserPolicy {bob} iam:PermissionsBoundary={edge}");
    w.needs::<op::DeleteUserPolicy>(policy.clone(), &[&delete]).await;
    w.needs::<op::GetUserPolicy>(policy, &[&format!("iam:GetUserPolicy {bob}")]).await;
    w.group("Devs").await;
    let put = named("GroupName", "DEVS", "p", ALLOW);
    w.needs::<op::PutGroupPolicy>(put, &["iam:PutGroupPolicy arn:aws:iam::111122223333:group/Devs"]).await;
}
