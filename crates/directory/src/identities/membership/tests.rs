use bailiwick_api::op;
use bailiwick_model::limits::Quotas;
use serde_json::json;

use crate::testing::{World, column};

#[tokio::test]
async fn adding_and_removing_a_member_is_idempotent() {
    let w = World::with_quotas(Quotas { groups_per_user: 2, ..Quotas::default() }).await;
    w.user("Bob").await;
    for name in ["b", "A", "c"] {
        w.group(name).await;
    }
    let member = |group: &str| json!({"GroupName": group, "UserName": "BOB"});
    w.ok::<op::AddUserToGroup>(member("B")).await;
    w.ok::<op::AddUserToGroup>(member("b")).await;
    w.ok::<op::AddUserToGroup>(member("a")).await;
    let full = "LimitExceeded: Cannot exceed quota for GroupsPerUser: 2";
    w.fails::<op::AddUserToGroup>(member("c"), full).await;
    let groups = w.ok::<op::ListGroupsForUser>(json!({"UserName": "Bob", "MaxItems": 1})).await;
    assert_eq!(column(&groups["Groups"], "GroupName"), ["A"]);
    let rest = w.ok::<op::ListGroupsForUser>(json!({"UserName": "Bob", "Marker": groups["Marker"]})).await;
    assert_eq!(column(&rest["Groups"], "GroupName"), ["b"]);
    w.ok::<op::RemoveUserFromGroup>(member("a")).await;
    w.ok::<op::RemoveUserFromGroup>(member("a")).await;
    w.ok::<op::AddUserToGroup>(member("c")).await;
}

#[tokio::test]
async fn user_and_group_must_exist_and_the_check_is_on_the_group() {
    let w = World::new().await;
    w.user("Bob").await;
    w.group("Devs").await;
    for (group, user, what) in
        [("x", "Bob", "group with name x"), ("Devs", "y", "user with name y"), ("x", "y", "user with name y")]
    {
        let member = json!({"GroupName": group, "UserName": user});
        let expected = format!("NoSuchEntity: The {what} cannot be found.");
        w.fails::<op::AddUserToGroup>(member.clone(), &expected).await;
        w.fails::<op::RemoveUserFromGroup>(member, &expected).await;
    }
    let member = json!({"GroupName": "DEVS", "UserName": "bob"});
    w.needs::<op::AddUserToGroup>(member.clone(), &["iam:AddUserToGroup arn:aws:iam::111122223333:group/Devs"]).await;
    w.needs::<op::RemoveUserFromGroup>(member, &["iam:RemoveUserFromGroup arn:aws:iam::111122223333:group/Devs"]).await;
    let list = json!({"UserName": "bob"});
    w.needs::<op::ListGroupsForUser>(list, &["iam:ListGroupsForUser arn:aws:iam::111122223333:user/Bob"]).await;
}
