use bailiwick_api::op;
use serde_json::json;

use crate::testing::{World, column};

#[tokio::test]
async fn boundaries_are_set_replaced_and_removed() {
    let w = World::new().await;
    let (a, b) = (w.policy("A").await, w.policy("B").await);
    w.user("Bob").await;
    w.role("Runner").await;
    w.ok::<op::PutUserPermissionsBoundary>(json!({"UserName": "BOB", "PermissionsBoundary": a})).await;
    w.ok::<op::PutUserPermissionsBoundary>(json!({"UserName": "bob", "PermissionsBoundary": b})).await;
    let shown = w.ok::<op::GetUser>(json!({"UserName": "Bob"})).await;
    assert_eq!(shown["User"]["PermissionsBoundary"]["PermissionsBoundaryArn"], b);
    let counts = |arn: &str| w.ok::<op::GetPolicy>(json!({"PolicyArn": arn}));
    assert_eq!(counts(&a).await["Policy"]["PermissionsBoundaryUsageCount"], 0);
    assert_eq!(counts(&b).await["Policy"]["PermissionsBoundaryUsageCount"], 1);
    assert_eq!(counts(&b).await["Policy"]["AttachmentCount"], 0);
    let attached = "DeleteConflict: Cannot delete a policy attached to entities.";
    w.fails::<op::DeletePolicy>(json!({"PolicyArn": b}), attached).await;
    w.ok::<op::DeleteUserPermissionsBoundary>(json!({"UserName": "Bob"})).await;
    assert_eq!(w.ok::<op::GetUser>(json!({"UserName": "Bob"})).await["User"]["PermissionsBoundary"], json!(null));
    w.fails::<op::DeleteUserPermissionsBoundary>(
        json!({"UserName": "bob"}),
        "NoSuchEntity: The user with name Bob has no permissions boundary.",
    )
    .await;
    w.ok::<op::DeletePolicy>(json!({"PolicyArn": b})).await;

    let shared = "arn:aws:iam::aws:policy/PowerUserAccess";
    w.ok::<op::PutRolePermissionsBoundary>(json!({"RoleName": "Runner", "PermissionsBoundary": shared})).await;
    let holders = w.ok::<op::ListEntitiesForPolicy>(json!({"PolicyArn": shared})).await;
    assert_eq!(column(&holders["PolicyRoles"], "RoleName"), ["Runner"]);
    w.ok::<op::DeleteRolePermissionsBoundary>(json!({"RoleName": "Runner"})).await;
}

#[tokio::test]
async fn a_boundary_must_be_an_existing_policy() {
    let w = World::new().await;
    w.user("Bob").await;
    let missing = "arn:aws:iam::111122223333:policy/none";
    let expected = format!("NoSuchEntity: Scope ARN: {missing} does not exist or is not attachable.");
    let put = json!({"UserName": "Bob", "PermissionsBoundary": missing});
    w.fails::<op::PutUserPermissionsBoundary>(put, &expected).await;
    w.fails::<op::CreateUser>(json!({"UserName": "Eva", "PermissionsBoundary": missing}), &expected).await;
    w.fails::<op::GetUser>(json!({"UserName": "Eva"}), "NoSuchEntity: The user with name Eva cannot be found.").await;
}

#[tokio::test]
async fn checks_have_the_new_or_the_stored_boundary() {
    let w = World::new().await;
    let (a, b) = (w.policy("A").await, w.policy("B").await);
    w.ok::<op::CreateUser>(json!({"UserName": "Bob", "PermissionsBoundary": a})).await;
    let bob = "arn:aws:iam::111122223333:user/Bob";
    w.needs::<op::PutUserPermissionsBoundary>(
        json!({"UserName": "bob", "PermissionsBoundary": b}),
        &[&format!("iam:PutUserPermissionsBoundary {bob} iam:PermissionsBoundary={b}")],
    )
    .await;
    w.needs::<op::DeleteUserPermissionsBoundary>(
        json!({"UserName": "bob"}),
        &[&format!("iam:DeleteUserPermissionsBoundary {bob} iam:PermissionsBoundary={a}")],
    )
    .await;
}
