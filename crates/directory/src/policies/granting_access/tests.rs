use bailiwick_api::op;
use serde_json::{Value, json};

use crate::testing::{World, column};

fn allow(action: &Value) -> String {
    json!({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": action, "Resource": "*"}}).to_string()
}

/// The names of the policies for each service.
async fn granting(w: &World, arn: &str, services: &[&str]) -> Vec<Vec<String>> {
    let request = json!({"Arn": arn, "ServiceNamespaces": services});
    let response = w.ok::<op::ListPoliciesGrantingServiceAccess>(request).await;
    let entries = response["PoliciesGrantingServiceAccess"].as_array().unwrap();
    let named: Vec<_> = entries.iter().map(|entry| entry["ServiceNamespace"].as_str().unwrap()).collect();
    assert_eq!(named, services);
    let names = |entry: &Value| {
        let policies = entry["Policies"].as_array().map(Vec::as_slice).unwrap_or_default();
        policies.iter().map(|policy| policy["PolicyName"].as_str().unwrap().to_owned()).collect()
    };
    entries.iter().map(names).collect()
}

#[tokio::test]
async fn policies_of_a_user_and_its_groups_are_found_by_service() {
    let w = World::new().await;
    w.user("Bob").await;
    w.group("Devs").await;
    w.ok::<op::AddUserToGroup>(json!({"UserName": "Bob", "GroupName": "Devs"})).await;
    let managed = w.policy("Read").await;
    for operation in ["user", "group"] {
        match operation {
            "user" => w.ok::<op::AttachUserPolicy>(json!({"UserName": "Bob", "PolicyArn": managed})).await,
            _ => w.ok::<op::AttachGroupPolicy>(json!({"GroupName": "Devs", "PolicyArn": managed})).await,
        };
    }
    let put = |name: &str, document: String| json!({"UserName": "Bob", "PolicyName": name, "PolicyDocument": document});
    w.ok::<op::PutUserPolicy>(put("queues", allow(&json!(["SQS:Send*", "sns:Publish"])))).await;
    let not = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "NotAction": ["iam:*", "s3:GetObject"], "Resource": "*"},
        {"Effect": "Deny", "Action": "sqs:*", "Resource": "*"},
    ]});
    let group = json!({"GroupName": "Devs", "PolicyName": "most", "PolicyDocument": not.to_string()});
    w.ok::<op::PutGroupPolicy>(group).await;
    let user = "arn:aws:iam::111122223333:user/Bob";
    let expected: [&[&str]; 4] = [&["Read", "most"], &["queues", "most"], &[], &["most"]];
    assert_eq!(granting(&w, user, &["s3", "sqs", "iam", "unknown"]).await, expected);
    let group = "arn:aws:iam::111122223333:group/Devs";
    assert_eq!(granting(&w, group, &["sqs"]).await, [["most"]]);
    let twice = json!({"Arn": group, "ServiceNamespaces": ["sqs", "s3", "sqs"]});
    let entries = w.ok::<op::ListPoliciesGrantingServiceAccess>(twice).await;
    assert_eq!(column(&entries["PoliciesGrantingServiceAccess"], "ServiceNamespace"), ["sqs", "s3"]);
    let one = json!({"Arn": user, "ServiceNamespaces": ["sqs"]});
    let found = w.ok::<op::ListPoliciesGrantingServiceAccess>(one.clone()).await;
    assert_eq!(
        found["PoliciesGrantingServiceAccess"][0]["Policies"],
        json!([
            {"PolicyName": "queues", "PolicyType": "INLINE", "EntityType": "USER", "EntityName": "Bob"},
            {"PolicyName": "most", "PolicyType": "INLINE", "EntityType": "GROUP", "EntityName": "Devs"},
        ])
    );
    assert_eq!(found["IsTruncated"], false);
    w.needs::<op::ListPoliciesGrantingServiceAccess>(one, &[&format!("iam:ListPoliciesGrantingServiceAccess {user}")])
        .await;
}

#[tokio::test]
async fn what_is_refused() {
    let w = World::new().await;
    w.user("Bob").await;
    for (arn, expected) in [
        ("arn:aws:iam::111122223333:user/Eva", "NoSuchEntity: The user with name Eva cannot be found."),
        ("arn:aws:iam::111122223333:user/x/Bob", "NoSuchEntity: The user with name Bob cannot be found."),
        ("arn:aws:iam::444455556666:user/Bob", "NoSuchEntity: The user with name Bob cannot be found."),
        ("arn:aws:iam::111122223333:role/R", "NoSuchEntity: The role with name R cannot be found."),
        ("arn:aws:iam::111122223333:policy/P", "InvalidInput: ARN arn:aws:iam::111122223333:policy/P is not valid."),
        ("not an ARN, though long", "InvalidInput: ARN not an ARN, though long is not valid."),
    ] {
        let request = json!({"Arn": arn, "ServiceNamespaces": ["s3"]});
        w.fails::<op::ListPoliciesGrantingServiceAccess>(request, expected).await;
    }
    let marked = json!({"Arn": "arn:aws:iam::111122223333:user/Bob", "ServiceNamespaces": ["s3"], "Marker": "x"});
    w.fails::<op::ListPoliciesGrantingServiceAccess>(marked, "ValidationError: Invalid Marker.").await;
}
