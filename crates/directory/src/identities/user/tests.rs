use bailiwick_api::op;
use bailiwick_model::limits::{DROPPED_PER_PAGE, Quotas};
use serde_json::json;

use crate::testing::{ALLOW, World, column};

#[tokio::test]
async fn a_user_is_created_shown_and_deleted() {
    let w = World::new().await;
    let made =
        w.ok::<op::CreateUser>(json!({"UserName": "Bob", "Path": "/div/", "Tags": [{"Key": "a", "Value": "1"}]}));
    let made = made.await["User"].clone();
    assert_eq!(made["Arn"], "arn:aws:iam::111122223333:user/div/Bob");
    assert_eq!(made["CreateDate"], "2026-03-01T12:00:00Z");
    assert!(made["UserId"].as_str().unwrap().starts_with("AIDA"));
    assert_eq!(made["Tags"], json!([{"Key": "a", "Value": "1"}]));
    assert_eq!(w.ok::<op::GetUser>(json!({"UserName": "bOB"})).await["User"], made);
    let listed = w.ok::<op::ListUsers>(json!({})).await;
    assert_eq!((&listed["IsTruncated"], &listed["Users"][0]["Tags"]), (&json!(false), &json!(null)));
    w.ok::<op::DeleteUser>(json!({"UserName": "BOB"})).await;
    w.fails::<op::GetUser>(json!({"UserName": "Bob"}), "NoSuchEntity: The user with name Bob cannot be found.").await;
}

#[tokio::test]
async fn user_names_are_unique_without_case_and_limited_by_a_quota() {
    let w = World::with_quotas(Quotas { users: 2, ..Quotas::default() }).await;
    w.user("Bob").await;
    let again = json!({"UserName": "BOB", "Path": "/elsewhere/"});
    w.fails::<op::CreateUser>(again, "EntityAlreadyExists: User with name BOB already exists.").await;
    w.user("Eva").await;
    let third = json!({"UserName": "Tom"});
    w.fails::<op::CreateUser>(third, "LimitExceeded: Cannot exceed quota for UsersPerAccount: 2").await;
    w.ok::<op::DeleteUser>(json!({"UserName": "Eva"})).await;
    w.user("Tom").await;
}

#[tokio::test]
async fn without_a_name_the_caller_is_shown() {
    let w = World::new().await;
    w.user("Bob").await;
    w.role("Runner").await;
    let root = w.ok::<op::GetUser>(json!({})).await;
    let expected = json!({"UserId": "111122223333", "Arn": "arn:aws:iam::111122223333:root",
        "CreateDate": "2026-03-01T12:00:00Z"});
    assert_eq!(root["User"], expected);
    let bob = w.as_user("Bob").await;
    w.ok::<op::UpdateUser>(json!({"UserName": "Bob", "NewUserName": "Robert", "NewPath": "/x/"})).await;
    assert_eq!(bob.ok::<op::GetUser>(json!({})).await["User"]["UserName"], "Robert");
    bob.needs::<op::GetUser>(json!({}), &["iam:GetUser arn:aws:iam::111122223333:user/x/Robert"]).await;
    w.as_session("Runner")
        .await
        .fails::<op::GetUser>(
            json!({}),
            "ValidationError: Must specify userName when calling with non-User credentials",
        )
        .await;
}

#[tokio::test]
async fn users_below_a_path_are_listed_by_name_in_pages() {
    let w = World::new().await;
    for (name, path) in [("d", "/a/"), ("B", "/a/b/"), ("a", "/ab/"), ("C", "/a/")] {
        w.ok::<op::CreateUser>(json!({"UserName": name, "Path": path})).await;
    }
    assert_eq!(column(&w.ok::<op::ListUsers>(json!({})).await["Users"], "UserName"), ["a", "B", "C", "d"]);
    let below = |more| {
        let mut request = json!({"PathPrefix": "/a/", "MaxItems": 2});
        if let Some(marker) = more {
            request["Marker"] = marker;
        }
        w.ok::<op::ListUsers>(request)
    };
    let first = below(None).await;
    assert_eq!(
        (column(&first["Users"], "UserName"), &first["IsTruncated"]),
        (vec!["B".into(), "C".into()], &json!(true))
    );
    let second = below(Some(first["Marker"].clone())).await;
    assert_eq!((column(&second["Users"], "UserName"), &second["IsTruncated"]), (vec!["d".into()], &json!(false)));
    assert_eq!(second["Marker"], json!(null));
    let foreign = json!({"Marker": first["Marker"]});
    w.fails::<op::ListGroups>(foreign.clone(), "ValidationError: Invalid Marker.").await;
    w.as_root("444455556666").fails::<op::ListUsers>(foreign, "ValidationError: Invalid Marker.").await;
}

/// The cost of a page does not depend on how many users have another path.
#[tokio::test]
async fn a_page_ends_after_many_users_with_another_path() {
    let w = World::new().await;
    for number in 0..DROPPED_PER_PAGE {
        w.user(&format!("u{number:05}")).await;
    }
    w.ok::<op::CreateUser>(json!({"UserName": "zed", "Path": "/own/"})).await;
    let first = w.ok::<op::ListUsers>(json!({"PathPrefix": "/own/"})).await;
    assert_eq!((column(&first["Users"], "UserName").len(), &first["IsTruncated"]), (0, &json!(true)));
    let second = w.ok::<op::ListUsers>(json!({"PathPrefix": "/own/", "Marker": first["Marker"]})).await;
    assert_eq!((column(&second["Users"], "UserName"), &second["IsTruncated"]), (vec!["zed".to_owned()], &json!(false)));
}

#[tokio::test]
async fn a_new_name_keeps_what_the_user_has() {
    let w = World::new().await;
    let id = w.user("Bob").await["UserId"].clone();
    w.user("Eva").await;
    w.group("Devs").await;
    w.ok::<op::AddUserToGroup>(json!({"GroupName": "Devs", "UserName": "Bob"})).await;
    w.ok::<op::PutUserPolicy>(json!({"UserName": "Bob", "PolicyName": "p", "PolicyDocument": ALLOW})).await;
    let taken = json!({"UserName": "Bob", "NewUserName": "EVA"});
    w.fails::<op::UpdateUser>(taken, "EntityAlreadyExists: User with name EVA already exists.").await;
    w.ok::<op::UpdateUser>(json!({"UserName": "Bob", "NewUserName": "Zoe"})).await;
    assert_eq!(w.ok::<op::GetUser>(json!({"UserName": "Zoe"})).await["User"]["UserId"], id);
    assert_eq!(column(&w.ok::<op::GetGroup>(json!({"GroupName": "Devs"})).await["Users"], "UserName"), ["Zoe"]);
    assert_eq!(w.ok::<op::ListUserPolicies>(json!({"UserName": "Zoe"})).await["PolicyNames"], json!(["p"]));
    w.user("Bob").await;
    assert_eq!(w.ok::<op::ListUserPolicies>(json!({"UserName": "Bob"})).await["PolicyNames"], json!(null));
    // Its own name in another case is taken as well; the same name changes nothing, and may come with a new path.
    let case = json!({"UserName": "Zoe", "NewUserName": "ZOE"});
    w.fails::<op::UpdateUser>(case, "EntityAlreadyExists: User with name ZOE already exists.").await;
    w.ok::<op::UpdateUser>(json!({"UserName": "zoe", "NewUserName": "Zoe", "NewPath": "/p/"})).await;
    let zoe = w.ok::<op::GetUser>(json!({"UserName": "zoe"})).await["User"].clone();
    assert_eq!((&zoe["UserName"], &zoe["Path"]), (&json!("Zoe"), &json!("/p/")));
}

#[tokio::test]
async fn a_user_with_keys_policies_or_groups_is_not_deleted() {
    let w = World::new().await;
    w.user("Bob").await;
    w.group("Devs").await;
    let policy = w.policy("P").await;
    let key = w.ok::<op::CreateAccessKey>(json!({"UserName": "Bob"})).await["AccessKey"]["AccessKeyId"].clone();
    w.ok::<op::AttachUserPolicy>(json!({"UserName": "Bob", "PolicyArn": policy})).await;
    w.ok::<op::PutUserPolicy>(json!({"UserName": "Bob", "PolicyName": "p", "PolicyDocument": ALLOW})).await;
    w.ok::<op::AddUserToGroup>(json!({"GroupName": "Devs", "UserName": "Bob"})).await;
    let delete = json!({"UserName": "Bob"});
    let conflict = |what: &str| format!("DeleteConflict: Cannot delete entity, must {what} first.");
    w.fails::<op::DeleteUser>(delete.clone(), &conflict("delete access keys")).await;
    w.ok::<op::DeleteAccessKey>(json!({"UserName": "Bob", "AccessKeyId": key})).await;
    w.fails::<op::DeleteUser>(delete.clone(), &conflict("detach all policies")).await;
    w.ok::<op::DetachUserPolicy>(json!({"UserName": "Bob", "PolicyArn": policy})).await;
    w.fails::<op::DeleteUser>(delete.clone(), &conflict("delete policies")).await;
    w.ok::<op::DeleteUserPolicy>(json!({"UserName": "Bob", "PolicyName": "P"})).await;
    w.fails::<op::DeleteUser>(delete.clone(), &conflict("remove users from group")).await;
    w.ok::<op::RemoveUserFromGroup>(json!({"GroupName": "Devs", "UserName": "Bob"})).await;
    w.ok::<op::DeleteUser>(delete).await;
}

#[tokio::test]
async fn checks_have_the_stored_arn_and_the_keys_of_the_request() {
    let w = World::new().await;
    let boundary = w.policy("Edge").await;
    let create = json!({"UserName": "Bob", "Path": "/a/", "PermissionsBoundary": boundary,
        "Tags": [{"Key": "team", "Value": "x"}]});
    let tags = "aws:RequestTag/team=x aws:TagKeys=[team]";
    w.needs::<op::CreateUser>(
        create.clone(),
        &[
            &format!("iam:CreateUser arn:aws:iam::111122223333:user/a/Bob iam:PermissionsBoundary={boundary} {tags}"),
            &format!("iam:TagUser arn:aws:iam::111122223333:user/a/Bob {tags}"),
        ],
    )
    .await;
    w.ok::<op::CreateUser>(create).await;
    let tagged = "aws:ResourceTag/team=x iam:ResourceTag/team=x";
    let bob = format!("arn:aws:iam::111122223333:user/a/Bob {tagged}");
    w.needs::<op::GetUser>(json!({"UserName": "BOB"}), &[&format!("iam:GetUser {bob}")]).await;
    w.needs::<op::GetUser>(json!({"UserName": "Nobody"}), &["iam:GetUser arn:aws:iam::111122223333:user/Nobody"]).await;
    w.needs::<op::UpdateUser>(
        json!({"UserName": "bob", "NewUserName": "Eva"}),
        &[&format!("iam:UpdateUser {bob}"), &format!("iam:UpdateUser arn:aws:iam::111122223333:user/a/Eva {tagged}")],
    )
    .await;
    w.needs::<op::UpdateUser>(json!({"UserName": "bob"}), &[&format!("iam:UpdateUser {bob}")]).await;
    // A name that cannot be given is not an error before the checks: it would reveal that the user exists.
    w.needs::<op::UpdateUser>(json!({"UserName": "bob", "NewUserName": "BOB"}), &[&format!("iam:UpdateUser {bob}")])
        .await;
    w.needs::<op::ListUsers>(json!({}), &["iam:ListUsers *"]).await;
}
