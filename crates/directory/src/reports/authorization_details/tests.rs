use bailiwick_api::op;
use serde_json::{Value, json};

use crate::testing::{ACCOUNT, ALLOW, World, column, trusting};

const LISTS: [(&str, &str); 4] = [
    ("UserDetailList", "UserName"),
    ("GroupDetailList", "GroupName"),
    ("RoleDetailList", "RoleName"),
    ("Policies", "PolicyName"),
];

fn names(answer: &Value) -> Vec<String> {
    LISTS.iter().flat_map(|(list, name)| column(&answer[list], name)).collect()
}

async fn world() -> (World, String) {
    let w = World::new().await;
    let policy = w.policy("P").await;
    // Of the deployment's policies, those that are used.
    w.role("Holder").await;
    for name in ["ReadOnlyAccess", "SecurityAudit", "IAMFullAccess"] {
        let attach = json!({"RoleName": "Holder", "PolicyArn": format!("arn:aws:iam::aws:policy/{name}")});
        w.ok::<op::AttachRolePolicy>(attach).await;
    }
    let bounded = json!({"RoleName": "Bounded", "AssumeRolePolicyDocument": trusting(ACCOUNT),
        "PermissionsBoundary": "arn:aws:iam::aws:policy/PowerUserAccess"});
    w.ok::<op::CreateRole>(bounded).await;
    w.ok::<op::CreateUser>(json!({"UserName": "Bob", "PermissionsBoundary": policy})).await;
    w.user("Eva").await;
    w.group("Devs").await;
    w.role("Runner").await;
    w.ok::<op::AddUserToGroup>(json!({"GroupName": "Devs", "UserName": "Bob"})).await;
    w.ok::<op::TagUser>(json!({"UserName": "Bob", "Tags": [{"Key": "a", "Value": "b"}]})).await;
    w.ok::<op::PutUserPolicy>(json!({"UserName": "Bob", "PolicyName": "in", "PolicyDocument": ALLOW})).await;
    w.ok::<op::AttachGroupPolicy>(json!({"GroupName": "Devs", "PolicyArn": policy})).await;
    w.ok::<op::CreatePolicyVersion>(json!({"PolicyArn": policy, "PolicyDocument": ALLOW})).await;
    (w, policy)
}

#[tokio::test]
async fn everything_that_decides_is_shown() {
    let (w, policy) = world().await;
    let all = w.ok::<op::GetAccountAuthorizationDetails>(json!({"MaxItems": 1000})).await;
    let shared = ["IAMFullAccess", "PowerUserAccess", "ReadOnlyAccess", "SecurityAudit"];
    assert_eq!(names(&all), [&["Bob", "Eva", "Devs", "Bounded", "Holder", "Runner", "P"][..], &shared].concat());
    let bob = &all["UserDetailList"][0];
    assert_eq!(bob["GroupList"], json!(["Devs"]));
    assert_eq!(bob["UserPolicyList"], json!([{"PolicyName": "in", "PolicyDocument": ALLOW}]));
    assert_eq!(bob["PermissionsBoundary"]["PermissionsBoundaryArn"], policy);
    assert_eq!(bob["Tags"], json!([{"Key": "a", "Value": "b"}]));
    let attached = json!([{"PolicyName": "P", "PolicyArn": policy}]);
    assert_eq!(all["GroupDetailList"][0]["AttachedManagedPolicies"], attached);
    let role = &all["RoleDetailList"][2];
    assert_eq!((&role["AssumeRolePolicyDocument"], &role["RoleLastUsed"]), (&json!(trusting(ACCOUNT)), &json!({})));
    let p = &all["Policies"][0];
    assert_eq!(column(&p["PolicyVersionList"], "VersionId"), ["v2", "v1"]);
    assert_eq!(column(&p["PolicyVersionList"], "Document"), [ALLOW, ALLOW]);
    assert_eq!((&p["AttachmentCount"], &p["PermissionsBoundaryUsageCount"]), (&json!(1), &json!(1)));
}

#[tokio::test]
async fn pages_span_kinds_and_filters_select_kinds() {
    let (w, _) = world().await;
    let whole = names(&w.ok::<op::GetAccountAuthorizationDetails>(json!({"MaxItems": 1000})).await);
    for filter in [
        json!([]),
        json!(["User"]),
        json!(["Group", "Role"]),
        json!(["User", "LocalManagedPolicy"]),
        json!(["AWSManagedPolicy"]),
    ] {
        let expected =
            names(&w.ok::<op::GetAccountAuthorizationDetails>(json!({"Filter": filter, "MaxItems": 1000})).await);
        for size in [1, 2, 3, 5] {
            let (mut seen, mut request) = (Vec::new(), json!({"Filter": filter, "MaxItems": size}));
            loop {
                let page = w.ok::<op::GetAccountAuthorizationDetails>(request.clone()).await;
                let found = names(&page);
                let full = found.len() == size as usize;
                assert!(full || page["Marker"].is_null(), "only the last page is short");
                assert!(!found.is_empty());
                seen.extend(found);
                assert_eq!(page["IsTruncated"], json!(page["Marker"].is_string()));
                if page["Marker"].is_null() {
                    break;
                }
                request["Marker"] = page["Marker"].clone();
            }
            assert_eq!(seen, expected, "{filter} in pages of {size}");
        }
    }
    let users = w.ok::<op::GetAccountAuthorizationDetails>(json!({"Filter": ["User"]})).await;
    assert_eq!(names(&users), ["Bob", "Eva"]);
    let mixed = w.ok::<op::GetAccountAuthorizationDetails>(json!({"Filter": ["LocalManagedPolicy", "Group"]})).await;
    assert_eq!(names(&mixed), ["Devs", "P"]);
    assert_eq!(whole.len(), 11);
    let other = w.as_root("444455556666").ok::<op::GetAccountAuthorizationDetails>(json!({})).await;
    assert!(names(&other).is_empty(), "what is attached in one account is not used in another: {other}");
}
