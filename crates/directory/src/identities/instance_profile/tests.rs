use bailiwick_api::op;
use bailiwick_model::limits::Quotas;
use serde_json::{Value, json};

use crate::testing::{World, column};

const ARN: &str = "arn:aws:iam::111122223333:instance-profile/Web";
const WEB: &str = "NoSuchEntity: Instance Profile Web cannot be found.";

fn web() -> Value {
    json!({"InstanceProfileName": "Web"})
}

fn web_with(role: &str) -> Value {
    json!({"InstanceProfileName": "Web", "RoleName": role})
}

#[tokio::test]
async fn each_response_shows_the_members_that_aws_shows() {
    let w = World::new().await;
    let role = w.role("Runner").await;
    let create = json!({"InstanceProfileName": "Web", "Path": "/a/b/", "Tags": [{"Key": "k", "Value": "v"}]});
    let made = w.ok::<op::CreateInstanceProfile>(create).await["InstanceProfile"].clone();
    assert_eq!(made["Arn"], "arn:aws:iam::111122223333:instance-profile/a/b/Web");
    assert!(made["InstanceProfileId"].as_str().unwrap().starts_with("AIPA"));
    assert_eq!((&made["Path"], &made["Roles"]), (&json!("/a/b/"), &json!(null)));
    assert_eq!(made["Tags"], json!([{"Key": "k", "Value": "v"}]));
    w.ok::<op::AddRoleToInstanceProfile>(web_with("runner")).await;
    let shown = w.ok::<op::GetInstanceProfile>(json!({"InstanceProfileName": "wEB"})).await["InstanceProfile"].clone();
    let inside = &shown["Roles"][0];
    for member in ["Path", "RoleName", "RoleId", "Arn", "CreateDate", "AssumeRolePolicyDocument"] {
        assert_eq!(inside[member], role[member], "{member}");
    }
    assert_eq!(inside.as_object().unwrap().len(), 6, "{inside}");
    for list in [
        w.ok::<op::ListInstanceProfiles>(json!({"PathPrefix": "/a/"})).await,
        w.ok::<op::ListInstanceProfilesForRole>(json!({"RoleName": "Runner"})).await,
    ] {
        let listed = &list["InstanceProfiles"][0];
        assert_eq!((&listed["Tags"], &listed["Roles"]), (&json!(null), &shown["Roles"]));
        assert_eq!(list["IsTruncated"], false);
    }
    let none = w.ok::<op::ListInstanceProfiles>(json!({"PathPrefix": "/b/"})).await;
    assert_eq!(none["InstanceProfiles"], json!(null));
    let details = w.ok::<op::GetAccountAuthorizationDetails>(json!({"Filter": ["Role"]})).await;
    assert_eq!(details["RoleDetailList"][0]["InstanceProfileList"][0]["Roles"], shown["Roles"]);
    let summary = w.ok::<op::GetAccountSummary>(json!({})).await;
    assert_eq!((&summary["SummaryMap"]["InstanceProfiles"]), (&json!(1)));
}

#[tokio::test]
async fn a_profile_has_one_role_and_both_keep_each_other() {
    let w = World::new().await;
    w.role("Runner").await;
    w.role("Other").await;
    w.ok::<op::CreateInstanceProfile>(web()).await;
    w.ok::<op::AddRoleToInstanceProfile>(web_with("Runner")).await;
    let full = "LimitExceeded: Cannot exceed quota for InstanceSessionsPerInstanceProfile: 1";
    w.fails::<op::AddRoleToInstanceProfile>(web_with("Other"), full).await;
    w.fails::<op::AddRoleToInstanceProfile>(web_with("Runner"), full).await;
    let held = "DeleteConflict: Cannot delete entity, must remove roles from instance profile first.";
    w.fails::<op::DeleteRole>(json!({"RoleName": "Runner"}), held).await;
    w.fails::<op::DeleteInstanceProfile>(web(), held).await;
    let other = "NoSuchEntity: Role Other in Instance Profile Web cannot be found.";
    w.fails::<op::RemoveRoleFromInstanceProfile>(web_with("Other"), other).await;
    w.ok::<op::RemoveRoleFromInstanceProfile>(web_with("Runner")).await;
    let runner = "NoSuchEntity: Role Runner in Instance Profile Web cannot be found.";
    w.fails::<op::RemoveRoleFromInstanceProfile>(web_with("Runner"), runner).await;
    w.ok::<op::DeleteRole>(json!({"RoleName": "Runner"})).await;
    let runner = "NoSuchEntity: The role with name Runner cannot be found.";
    w.fails::<op::RemoveRoleFromInstanceProfile>(web_with("Runner"), runner).await;
    w.fails::<op::AddRoleToInstanceProfile>(web_with("Runner"), runner).await;
    w.ok::<op::DeleteInstanceProfile>(web()).await;
    w.fails::<op::GetInstanceProfile>(web(), WEB).await;
    w.fails::<op::DeleteInstanceProfile>(web(), WEB).await;
    w.fails::<op::AddRoleToInstanceProfile>(web_with("Other"), WEB).await;
    w.fails::<op::RemoveRoleFromInstanceProfile>(web_with("Other"), WEB).await;
}

#[tokio::test]
async fn names_are_unique_without_case_and_counted() {
    let w = World::with_quotas(Quotas { instance_profiles: 1, ..Quotas::default() }).await;
    w.ok::<op::CreateInstanceProfile>(web()).await;
    let again = json!({"InstanceProfileName": "WEB", "Path": "/x/"});
    w.fails::<op::CreateInstanceProfile>(again, "EntityAlreadyExists: Instance Profile WEB already exists.").await;
    let quota = "LimitExceeded: Cannot exceed quota for InstanceProfilesPerAccount: 1";
    w.fails::<op::CreateInstanceProfile>(json!({"InstanceProfileName": "Other"}), quota).await;
}

#[tokio::test]
async fn a_role_is_in_many_profiles_listed_by_name() {
    let w = World::new().await;
    w.role("Runner").await;
    for name in ["c", "A", "b"] {
        w.ok::<op::CreateInstanceProfile>(json!({"InstanceProfileName": name})).await;
        let add = json!({"InstanceProfileName": name, "RoleName": "Runner"});
        w.ok::<op::AddRoleToInstanceProfile>(add).await;
    }
    let first = w.ok::<op::ListInstanceProfilesForRole>(json!({"RoleName": "Runner", "MaxItems": 2})).await;
    assert_eq!(column(&first["InstanceProfiles"], "InstanceProfileName"), ["A", "b"]);
    let next = json!({"RoleName": "Runner", "Marker": first["Marker"]});
    let rest = w.ok::<op::ListInstanceProfilesForRole>(next).await;
    assert_eq!(column(&rest["InstanceProfiles"], "InstanceProfileName"), ["c"]);
    let missing = "NoSuchEntity: The role with name Nobody cannot be found.";
    w.fails::<op::ListInstanceProfilesForRole>(json!({"RoleName": "Nobody"}), missing).await;
}

#[tokio::test]
async fn each_operation_names_its_checks() {
    let w = World::new().await;
    w.role("Runner").await;
    let tags = json!([{"Key": "a", "Value": "b"}]);
    let tagged = format!("{ARN} aws:RequestTag/a=b aws:TagKeys=[a]");
    let create = json!({"InstanceProfileName": "Web", "Tags": tags});
    let both = [format!("iam:CreateInstanceProfile {tagged}"), format!("iam:TagInstanceProfile {tagged}")];
    w.needs::<op::CreateInstanceProfile>(create.clone(), &both.each_ref().map(String::as_str)).await;
    let pass = "iam:PassRole arn:aws:iam::111122223333:role/Runner iam:PassedToService=ec2.amazonaws.com \
                iam:AssociatedResourceArn=arn:aws:ec2:*:111122223333:instance/*";
    let add = format!("iam:AddRoleToInstanceProfile {ARN}");
    w.needs::<op::AddRoleToInstanceProfile>(web_with("Runner"), &[&add, pass]).await;
    w.ok::<op::CreateInstanceProfile>(create).await;
    let stored = format!("{ARN} aws:ResourceTag/a=b");
    let needs = |action: &str| format!("iam:{action} {stored}");
    w.needs::<op::GetInstanceProfile>(web(), &[&needs("GetInstanceProfile")]).await;
    w.needs::<op::RemoveRoleFromInstanceProfile>(web_with("Runner"), &[&needs("RemoveRoleFromInstanceProfile")]).await;
    w.needs::<op::DeleteInstanceProfile>(web(), &[&needs("DeleteInstanceProfile")]).await;
    w.needs::<op::ListInstanceProfileTags>(web(), &[&needs("ListInstanceProfileTags")]).await;
    w.needs::<op::ListInstanceProfiles>(json!({}), &["iam:ListInstanceProfiles *"]).await;
    let role = "iam:ListInstanceProfilesForRole arn:aws:iam::111122223333:role/Runner";
    w.needs::<op::ListInstanceProfilesForRole>(json!({"RoleName": "Runner"}), &[role]).await;
}

#[tokio::test]
async fn tags_are_set_and_removed() {
    let w = World::new().await;
    w.ok::<op::CreateInstanceProfile>(web()).await;
    let tag = json!({"InstanceProfileName": "Web", "Tags": [{"Key": "a", "Value": "b"}, {"Key": "c", "Value": ""}]});
    w.ok::<op::TagInstanceProfile>(tag).await;
    w.ok::<op::UntagInstanceProfile>(json!({"InstanceProfileName": "Web", "TagKeys": ["a", "C"]})).await;
    let left = w.ok::<op::ListInstanceProfileTags>(web()).await;
    assert_eq!(left["Tags"], json!([{"Key": "c", "Value": ""}]));
    assert_eq!(w.ok::<op::GetInstanceProfile>(web()).await["InstanceProfile"]["Tags"], left["Tags"]);
}
