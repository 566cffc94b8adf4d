use bailiwick_api::op;
use serde_json::{Value, json};

use crate::testing::{ACCOUNT, World, column, trusting};

#[tokio::test]
async fn holders_are_filtered_and_paged_across_kinds() {
    let w = World::new().await;
    let arn = w.policy("P").await;
    for name in ["b", "A"] {
        w.ok::<op::CreateUser>(json!({"UserName": name, "Path": format!("/{}/", name.to_lowercase())})).await;
        w.ok::<op::AttachUserPolicy>(json!({"UserName": name, "PolicyArn": arn})).await;
    }
    w.ok::<op::CreateUser>(json!({"UserName": "edged", "PermissionsBoundary": arn})).await;
    w.ok::<op::PutUserPermissionsBoundary>(json!({"UserName": "b", "PermissionsBoundary": arn})).await;
    w.group("Devs").await;
    w.ok::<op::AttachGroupPolicy>(json!({"GroupName": "Devs", "PolicyArn": arn})).await;
    let role = json!({"RoleName": "R", "Path": "/a/", "AssumeRolePolicyDocument": trusting(ACCOUNT)});
    w.ok::<op::CreateRole>(role).await;
    w.ok::<op::AttachRolePolicy>(json!({"RoleName": "R", "PolicyArn": arn})).await;

    let names = |answer: &Value| {
        let groups = column(&answer["PolicyGroups"], "GroupName");
        [groups, column(&answer["PolicyUsers"], "UserName"), column(&answer["PolicyRoles"], "RoleName")].concat()
    };
    let with = |filter: Value| {
        let mut request = json!({"PolicyArn": arn});
        request.as_object_mut().unwrap().extend(filter.as_object().unwrap().clone());
        w.ok::<op::ListEntitiesForPolicy>(request)
    };
    for (filter, expected) in [
        (json!({}), vec!["Devs", "A", "b", "edged", "R"]),
        (json!({"EntityFilter": "User"}), vec!["A", "b", "edged"]),
        (json!({"EntityFilter": "Group"}), vec!["Devs"]),
        (json!({"EntityFilter": "Role"}), vec!["R"]),
        (json!({"EntityFilter": "LocalManagedPolicy"}), vec![]),
        (json!({"PathPrefix": "/a/"}), vec!["A", "R"]),
        (json!({"PolicyUsageFilter": "PermissionsBoundary"}), vec!["b", "edged"]),
        (json!({"PolicyUsageFilter": "PermissionsPolicy"}), vec!["Devs", "A", "b", "R"]),
    ] {
        let answer = with(filter.clone()).await;
        assert_eq!(
            (names(&answer), &answer["IsTruncated"]),
            (expected.iter().map(|n| (*n).into()).collect(), &json!(false)),
            "{filter}"
        );
    }
    let (mut seen, mut filter) = (Vec::new(), json!({"MaxItems": 2}));
    loop {
        let page = with(filter.clone()).await;
        seen.extend(names(&page));
        if page["Marker"].is_null() {
            break;
        }
        filter["Marker"] = page["Marker"].clone();
    }
    assert_eq!(seen, ["Devs", "A", "b", "edged", "R"]);
    let ids = with(json!({"EntityFilter": "Group"})).await;
    assert!(ids["PolicyGroups"][0]["GroupId"].as_str().unwrap().starts_with("AGPA"));
}
