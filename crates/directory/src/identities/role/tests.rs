use bailiwick_api::op;
use bailiwick_model::limits::Quotas;
use bailiwick_model::{AccountId, RoleName};
use bailiwick_storage::{Role, RoleLastUsed};
use serde_json::json;

use crate::testing::{ACCOUNT, ALLOW, World, column, trusting};

#[tokio::test]
async fn each_response_shows_the_members_that_aws_shows() {
    let w = World::new().await;
    let boundary = w.policy("Edge").await;
    let made = w
        .ok::<op::CreateRole>(json!({
            "RoleName": "Runner", "Path": "/ci/", "AssumeRolePolicyDocument": trusting(ACCOUNT), "Description": "runs",
            "MaxSessionDuration": 7200, "PermissionsBoundary": boundary, "Tags": [{"Key": "a", "Value": ""}],
        }))
        .await["Role"]
        .clone();
    assert_eq!(made["Arn"], "arn:aws:iam::111122223333:role/ci/Runner");
    for omitted in ["Description", "MaxSessionDuration", "RoleLastUsed"] {
        assert_eq!(made[omitted], json!(null), "{omitted}");
    }
    assert_eq!(
        (&made["PermissionsBoundary"]["PermissionsBoundaryArn"], &made["Tags"][0]["Key"]),
        (&json!(boundary), &json!("a"))
    );
    let shown = w.ok::<op::GetRole>(json!({"RoleName": "RUNNER"})).await["Role"].clone();
    assert_eq!(shown["MaxSessionDuration"], 7200);
    assert_eq!(shown["RoleLastUsed"], json!({}));
    assert_eq!(shown["AssumeRolePolicyDocument"], trusting(ACCOUNT));
    let edge = json!({"PermissionsBoundaryType": "Policy", "PermissionsBoundaryArn": boundary});
    assert_eq!((&shown["PermissionsBoundary"], &shown["Tags"]), (&edge, &json!([{"Key": "a", "Value": ""}])));
    let listed = w.ok::<op::ListRoles>(json!({"PathPrefix": "/ci"})).await["Roles"][0].clone();
    assert_eq!((&listed["Description"], &listed["MaxSessionDuration"]), (&json!("runs"), &json!(7200)));
    for omitted in ["Tags", "PermissionsBoundary", "RoleLastUsed"] {
        assert_eq!(listed[omitted], json!(null), "{omitted}");
    }
    let mut tx = w.begin().await;
    let account = AccountId::parse(ACCOUNT).unwrap();
    let role = tx.get::<Role>(account, &RoleName::parse("Runner").unwrap()).await.unwrap();
    let used = RoleLastUsed { time: w.cx().date(), region: "eu-west-1".into() };
    tx.put_role_last_used(account, &role.id, &used).await.unwrap();
    tx.commit().await.unwrap();
    let used = w.ok::<op::GetRole>(json!({"RoleName": "Runner"})).await["Role"]["RoleLastUsed"].clone();
    assert_eq!(used, json!({"LastUsedDate": "2026-03-01T12:00:00Z", "Region": "eu-west-1"}));
}

#[tokio::test]
async fn members_missing_in_an_update_keep_their_value() {
    let w = World::new().await;
    w.role("Runner").await;
    w.ok::<op::UpdateRole>(json!({"RoleName": "runner", "Description": "d", "MaxSessionDuration": 4000})).await;
    w.ok::<op::UpdateRole>(json!({"RoleName": "runner", "MaxSessionDuration": 5000})).await;
    let role = w.ok::<op::GetRole>(json!({"RoleName": "Runner"})).await["Role"].clone();
    assert_eq!((&role["Description"], &role["MaxSessionDuration"]), (&json!("d"), &json!(5000)));
    let described = w.ok::<op::UpdateRoleDescription>(json!({"RoleName": "Runner", "Description": "e"})).await;
    assert_eq!(
        (&described["Role"]["Description"], &described["Role"]["MaxSessionDuration"]),
        (&json!("e"), &json!(null))
    );
    let document = trusting("*");
    w.ok::<op::UpdateAssumeRolePolicy>(json!({"RoleName": "Runner", "PolicyDocument": document})).await;
    let role = w.ok::<op::GetRole>(json!({"RoleName": "Runner"})).await["Role"].clone();
    assert_eq!(role["AssumeRolePolicyDocument"], document);
}

#[tokio::test]
async fn the_sign_in_session_duration_is_unset_by_default() {
    let w = World::new().await;
    let shown = async || w.ok::<op::GetRole>(json!({"RoleName": "Runner"})).await["Role"].clone();
    w.role("Runner").await;
    assert_eq!(shown().await["MaxSigninSessionDuration"], json!(null));
    w.ok::<op::UpdateRole>(json!({"RoleName": "Runner", "MaxSigninSessionDuration": 7_776_000})).await;
    w.ok::<op::UpdateRole>(json!({"RoleName": "Runner", "Description": "d"})).await;
    assert_eq!(shown().await["MaxSigninSessionDuration"], json!(7_776_000));
    let both = json!({"RoleName": "Runner", "MaxSigninSessionDuration": 4000, "ResetMaxSigninSessionDuration": true});
    w.fails::<op::UpdateRole>(
        both,
        "InvalidInput: MaxSigninSessionDuration cannot be set and reset in the same request",
    )
    .await;
    w.ok::<op::UpdateRole>(json!({"RoleName": "Runner", "ResetMaxSigninSessionDuration": true})).await;
    assert_eq!(shown().await["MaxSigninSessionDuration"], json!(null));
}

#[tokio::test]
async fn invalid_roles_are_refused() {
    let w = World::with_quotas(Quotas { roles: 1, ..Quotas::default() }).await;
    w.role("Runner").await;
    let create =
        |name: &str, path: &str| json!({"RoleName": name, "Path": path, "AssumeRolePolicyDocument": trusting(ACCOUNT)});
    let exists = "EntityAlreadyExists: Role with name RUNNER already exists.";
    w.fails::<op::CreateRole>(create("RUNNER", "/"), exists).await;
    let quota = "LimitExceeded: Cannot exceed quota for RolesPerAccount: 1";
    w.fails::<op::CreateRole>(create("Other", "/"), quota).await;
    let reserved = "InvalidInput: the path `/aws-service-role/` is reserved for roles that are linked to a service";
    w.fails::<op::CreateRole>(create("Linked", "/aws-service-role/x.amazonaws.com/"), reserved).await;
    let missing = json!({"RoleName": "x"});
    w.fails::<op::GetRole>(missing.clone(), "NoSuchEntity: The role with name x cannot be found.").await;
    w.fails::<op::DeleteRole>(missing, "NoSuchEntity: The role with name x cannot be found.").await;
}

#[tokio::test]
async fn a_role_with_policies_is_not_deleted() {
    let w = World::new().await;
    w.role("Runner").await;
    let policy = w.policy("P").await;
    w.ok::<op::AttachRolePolicy>(json!({"RoleName": "Runner", "PolicyArn": policy})).await;
    w.ok::<op::PutRolePolicy>(json!({"RoleName": "Runner", "PolicyName": "p", "PolicyDocument": ALLOW})).await;
    let delete = json!({"RoleName": "Runner"});
    let conflict = |what: &str| format!("DeleteConflict: Cannot delete entity, must {what} first.");
    w.fails::<op::DeleteRole>(delete.clone(), &conflict("detach all policies")).await;
    w.ok::<op::DetachRolePolicy>(json!({"RoleName": "Runner", "PolicyArn": policy})).await;
    w.fails::<op::DeleteRole>(delete.clone(), &conflict("delete policies")).await;
    w.ok::<op::DeleteRolePolicy>(json!({"RoleName": "Runner", "PolicyName": "p"})).await;
    w.ok::<op::DeleteRole>(delete).await;
    assert_eq!(column(&w.ok::<op::ListRoles>(json!({})).await["Roles"], "RoleName"), Vec::<String>::new());
}

#[tokio::test]
async fn checks_have_the_stored_arn_and_the_keys_of_the_request() {
    let w = World::new().await;
    let edge = w.policy("Edge").await;
    let create = json!({"RoleName": "Runner", "Path": "/ci/", "AssumeRolePolicyDocument": trusting(ACCOUNT),
        "PermissionsBoundary": edge, "Tags": [{"Key": "a", "Value": "b"}]});
    let (arn, tags) = ("arn:aws:iam::111122223333:role/ci/Runner", "aws:RequestTag/a=b aws:TagKeys=[a]");
    let boundary = format!("iam:PermissionsBoundary={edge}");
    w.needs::<op::CreateRole>(
        create.clone(),
        &[&format!("iam:CreateRole {arn} {boundary} {tags}"), &format!("iam:TagRole {arn} {tags}")],
    )
    .await;
    w.ok::<op::CreateRole>(create).await;
    let stored = format!("{arn} aws:ResourceTag/a=b iam:ResourceTag/a=b {boundary}");
    let named = json!({"RoleName": "RUNNER"});
    w.needs::<op::GetRole>(named.clone(), &[&format!("iam:GetRole {stored}")]).await;
    w.needs::<op::DeleteRole>(named.clone(), &[&format!("iam:DeleteRole {stored}")]).await;
    w.needs::<op::UpdateRole>(named.clone(), &[&format!("iam:UpdateRole {stored}")]).await;
    let described = json!({"RoleName": "RUNNER", "Description": ""});
    w.needs::<op::UpdateRoleDescription>(described, &[&format!("iam:UpdateRoleDescription {stored}")]).await;
    let trust = json!({"RoleName": "RUNNER", "PolicyDocument": "{}"});
    w.needs::<op::UpdateAssumeRolePolicy>(trust, &[&format!("iam:UpdateAssumeRolePolicy {stored}")]).await;
    w.needs::<op::ListRoles>(json!({}), &["iam:ListRoles *"]).await;
}
