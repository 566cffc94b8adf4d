use bailiwick_api::op;
use bailiwick_model::limits::Quotas;
use serde_json::json;

use crate::testing::{ALLOW, World, column};

#[tokio::test]
async fn a_group_shows_its_members_in_pages() {
    let w = World::new().await;
    let made = w.ok::<op::CreateGroup>(json!({"GroupName": "Devs", "Path": "/eng/"})).await["Group"].clone();
    assert_eq!(made["Arn"], "arn:aws:iam::111122223333:group/eng/Devs");
    assert!(made["GroupId"].as_str().unwrap().starts_with("AGPA"));
    for name in ["c", "B", "a"] {
        w.user(name).await;
        w.ok::<op::AddUserToGroup>(json!({"GroupName": "devs", "UserName": name})).await;
    }
    let first = w.ok::<op::GetGroup>(json!({"GroupName": "DEVS", "MaxItems": 2})).await;
    assert_eq!((&first["Group"], column(&first["Users"], "UserName")), (&made, vec!["a".into(), "B".into()]));
    let second = w.ok::<op::GetGroup>(json!({"GroupName": "Devs", "MaxItems": 2, "Marker": first["Marker"]})).await;
    assert_eq!((column(&second["Users"], "UserName"), &second["IsTruncated"]), (vec!["c".into()], &json!(false)));
    w.fails::<op::GetGroup>(json!({"GroupName": "x"}), "NoSuchEntity: The group with name x cannot be found.").await;
    assert_eq!(column(&w.ok::<op::ListGroups>(json!({"PathPrefix": "/e"})).await["Groups"], "GroupName"), ["Devs"]);
}

#[tokio::test]
async fn group_names_are_unique_without_case_and_limited_by_a_quota() {
    let w = World::with_quotas(Quotas { groups: 1, ..Quotas::default() }).await;
    w.group("Devs").await;
    let again = json!({"GroupName": "DEVS"});
    w.fails::<op::CreateGroup>(again, "EntityAlreadyExists: Group with name DEVS already exists.").await;
    let second = json!({"GroupName": "Ops"});
    w.fails::<op::CreateGroup>(second, "LimitExceeded: Cannot exceed quota for GroupsPerAccount: 1").await;
}

#[tokio::test]
async fn a_new_name_keeps_members_and_policies() {
    let w = World::new().await;
    w.group("Devs").await;
    w.group("Ops").await;
    w.user("Bob").await;
    let policy = w.policy("P").await;
    w.ok::<op::AddUserToGroup>(json!({"GroupName": "Devs", "UserName": "Bob"})).await;
    w.ok::<op::AttachGroupPolicy>(json!({"GroupName": "Devs", "PolicyArn": policy})).await;
    let taken = json!({"GroupName": "Devs", "NewGroupName": "ops"});
    w.needs::<op::UpdateGroup>(
        taken.clone(),
        &[
            "iam:UpdateGroup arn:aws:iam::111122223333:group/Devs",
            "iam:UpdateGroup arn:aws:iam::111122223333:group/ops",
        ],
    )
    .await;
    w.fails::<op::UpdateGroup>(taken, "EntityAlreadyExists: Group with name ops already exists.").await;
    w.ok::<op::UpdateGroup>(json!({"GroupName": "Devs", "NewGroupName": "Makers", "NewPath": "/m/"})).await;
    let groups = w.ok::<op::ListGroupsForUser>(json!({"UserName": "Bob"})).await;
    assert_eq!(column(&groups["Groups"], "Arn"), ["arn:aws:iam::111122223333:group/m/Makers"]);
    let holders = w.ok::<op::ListEntitiesForPolicy>(json!({"PolicyArn": policy})).await;
    assert_eq!(column(&holders["PolicyGroups"], "GroupName"), ["Makers"]);
}

#[tokio::test]
async fn a_group_with_members_or_policies_is_not_deleted() {
    let w = World::new().await;
    w.group("Devs").await;
    w.user("Bob").await;
    let policy = w.policy("P").await;
    w.ok::<op::AddUserToGroup>(json!({"GroupName": "Devs", "UserName": "Bob"})).await;
    w.ok::<op::AttachGroupPolicy>(json!({"GroupName": "Devs", "PolicyArn": policy})).await;
    w.ok::<op::PutGroupPolicy>(json!({"GroupName": "Devs", "PolicyName": "p", "PolicyDocument": ALLOW})).await;
    let delete = json!({"GroupName": "Devs"});
    let conflict = |what: &str| format!("DeleteConflict: Cannot delete entity, must {what} first.");
    w.fails::<op::DeleteGroup>(delete.clone(), &conflict("remove users from group")).await;
    w.ok::<op::RemoveUserFromGroup>(json!({"GroupName": "Devs", "UserName": "Bob"})).await;
    w.fails::<op::DeleteGroup>(delete.clone(), &conflict("detach all policies")).await;
    w.ok::<op::DetachGroupPolicy>(json!({"GroupName": "Devs", "PolicyArn": policy})).await;
    w.fails::<op::DeleteGroup>(delete.clone(), &conflict("delete policies")).await;
    w.ok::<op::DeleteGroupPolicy>(json!({"GroupName": "Devs", "PolicyName": "p"})).await;
    w.ok::<op::DeleteGroup>(delete.clone()).await;
    w.fails::<op::DeleteGroup>(delete, "NoSuchEntity: The group with name Devs cannot be found.").await;
}
