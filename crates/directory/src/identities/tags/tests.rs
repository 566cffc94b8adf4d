use bailiwick_api::op;
use serde_json::{Value, json};

use super::positions;
use crate::testing::{World, column};
use bailiwick_model::{KeyCase, Tags};
use bailiwick_storage::{Policy, User};

fn tags(pairs: &[(&str, &str)]) -> Value {
    pairs.iter().map(|(key, value)| json!({"Key": key, "Value": value})).collect()
}

#[tokio::test]
async fn tags_are_added_and_removed_on_every_noun() {
    let w = World::new().await;
    w.user("Bob").await;
    w.role("Runner").await;
    let policy = w.policy("P").await;
    let (user, role, arn) = (json!({"UserName": "BOB"}), json!({"RoleName": "RUNNER"}), json!({"PolicyArn": policy}));
    let with = |address: &Value, key: &str, value: Value| {
        let mut request = address.clone();
        request[key] = value;
        request
    };
    let first = tags(&[("Team", "a"), ("cost", "")]);
    let second = tags(&[("TEAM", "b")]);
    let expected = tags(&[("cost", ""), ("TEAM", "b")]);
    w.ok::<op::TagUser>(with(&user, "Tags", first.clone())).await;
    w.ok::<op::TagUser>(with(&user, "Tags", second.clone())).await;
    assert_eq!(w.ok::<op::ListUserTags>(user.clone()).await["Tags"], expected);
    w.ok::<op::UntagUser>(with(&user, "TagKeys", json!(["team", "nosuch"]))).await;
    assert_eq!(column(&w.ok::<op::ListUserTags>(user).await["Tags"], "Key"), ["cost"]);
    w.ok::<op::TagRole>(with(&role, "Tags", first.clone())).await;
    w.ok::<op::UntagRole>(with(&role, "TagKeys", json!(["COST"]))).await;
    assert_eq!(w.ok::<op::ListRoleTags>(role).await["Tags"], tags(&[("Team", "a")]));
    w.ok::<op::TagPolicy>(with(&arn, "Tags", first)).await;
    w.ok::<op::TagPolicy>(with(&arn, "Tags", second)).await;
    w.ok::<op::UntagPolicy>(with(&arn, "TagKeys", json!(["cost", "team"]))).await;
    assert_eq!(w.ok::<op::ListPolicyTags>(arn).await["Tags"], tags(&[("TEAM", "b"), ("Team", "a")]));
}

#[tokio::test]
async fn tag_limits_equal_those_of_aws() {
    let w = World::new().await;
    w.user("Bob").await;
    let request = |tags: Value| json!({"UserName": "Bob", "Tags": tags});
    let many: Value = (0..50).map(|i| json!({"Key": format!("k{i}"), "Value": "v"})).collect();
    w.ok::<op::TagUser>(request(many)).await;
    let full = "LimitExceeded: The number of tags has reached the maximum limit.";
    w.fails::<op::TagUser>(request(tags(&[("one more", "")])), full).await;
    w.ok::<op::TagUser>(request(tags(&[("K7", "again")]))).await;
    let twice = "InvalidInput: Duplicate tag keys found. Please note that Tag keys are case insensitive.";
    w.fails::<op::TagUser>(request(tags(&[("a", "1"), ("A", "2")])), twice).await;
    let reserved = "InvalidInput: Tag keys beginning with aws: are reserved for system use.";
    w.fails::<op::TagUser>(request(tags(&[("aws:x", "1")])), reserved).await;
    let none = "InvalidInput: Error occurred while validating input. ";
    w.fails::<op::TagUser>(request(json!([])), none).await;
    w.ok::<op::UntagUser>(json!({"UserName": "Bob", "TagKeys": []})).await;
    let url = json!({"Url": "https://id.example.com"});
    let mut provider = w.ok::<op::CreateOpenIDConnectProvider>(url).await;
    provider["TagKeys"] = json!([]);
    let none = "InvalidInput: The provided tag keys must not be null/empty.";
    w.fails::<op::UntagOpenIDConnectProvider>(provider.clone(), none).await;
    provider.as_object_mut().unwrap().remove("TagKeys");
    let none = "InvalidInput: The provided tag map must not be null/empty.";
    w.fails::<op::TagOpenIDConnectProvider>(provider, none).await;
    let user_name_required = json!({"UserName": "x", "Tags": tags(&[("a", "b")])});
    w.fails::<op::TagUser>(user_name_required, "NoSuchEntity: The user with name x cannot be found.").await;
    let shared = json!({"PolicyArn": "arn:aws:iam::aws:policy/ReadOnlyAccess", "Tags": tags(&[("a", "b")])});
    w.fails::<op::TagPolicy>(shared, "AccessDenied: Policy is outside your own account.").await;
}

#[tokio::test]
async fn pages_can_end_between_keys_with_the_same_beginning() {
    let w = World::new().await;
    w.user("Bob").await;
    let long = "é".repeat(60);
    let keys = [format!("{long}1"), format!("{long}2"), format!("{long}3"), "a".into()];
    let all: Value = keys.iter().map(|key| json!({"Key": key, "Value": "v"})).collect();
    w.ok::<op::TagUser>(json!({"UserName": "Bob", "Tags": all})).await;
    let (mut seen, mut request) = (Vec::new(), json!({"UserName": "Bob", "MaxItems": 1}));
    loop {
        let page = w.ok::<op::ListUserTags>(request.clone()).await;
        seen.extend(column(&page["Tags"], "Key"));
        let Some(marker) = page["Marker"].as_str() else { break };
        assert!(marker.len() <= 320, "a marker must be accepted as one");
        request["Marker"] = marker.into();
    }
    let mut expected = keys.to_vec();
    expected.sort();
    assert_eq!(seen, expected);
}

#[test]
fn positions_ascend_with_the_list() {
    let keys = ["b", "A", "ab", "abc", "Straße", "日"].map(|key| (key, ""));
    let sorted = |case| Tags::parse(keys).unwrap().sorted(case);
    assert!(positions::<User>(&sorted(KeyCase::Insensitive)).is_sorted());
    assert!(positions::<Policy>(&sorted(KeyCase::Sensitive)).is_sorted());
}

#[tokio::test]
async fn keys_of_policies_are_compared_with_case() {
    let w = World::new().await;
    let request = tags(&[("team", "a"), ("Team", "b"), ("ab", "c"), ("y", "d")]);
    let document = json!({"Version": "2012-10-17", "Statement": {"Effect": "Deny", "Action": "*", "Resource": "*"}});
    let made = json!({"PolicyName": "P", "PolicyDocument": document.to_string(), "Tags": request});
    let made = w.ok::<op::CreatePolicy>(made).await["Policy"].clone();
    assert_eq!(made["Tags"], request, "the answer has the tags in the order of the request");
    let arn = json!({"PolicyArn": made["Arn"]});
    let sorted = tags(&[("y", "d"), ("ab", "c"), ("Team", "b"), ("team", "a")]);
    assert_eq!(w.ok::<op::ListPolicyTags>(arn.clone()).await["Tags"], sorted);
    assert_eq!(w.ok::<op::GetPolicy>(arn.clone()).await["Policy"]["Tags"], sorted);
    let mut twice = arn.clone();
    twice["Tags"] = tags(&[("a", "1"), ("a", "2")]);
    w.fails::<op::TagPolicy>(twice, "InvalidInput: Duplicate tag keys found.").await;
    // A condition key has no case: it has the values of both tags.
    let own = "arn:aws:iam::111122223333:policy/P";
    let check = format!("iam:ListPolicyTags {own} aws:ResourceTag/ab=c aws:ResourceTag/Team=[b,a] aws:ResourceTag/y=d");
    w.needs::<op::ListPolicyTags>(arn, &[&check]).await;
}

#[tokio::test]
async fn checks_have_stored_and_requested_tags() {
    let w = World::new().await;
    w.user("Bob").await;
    w.ok::<op::TagUser>(json!({"UserName": "Bob", "Tags": tags(&[("old", "1")])})).await;
    let bob = "arn:aws:iam::111122223333:user/Bob aws:ResourceTag/old=1 iam:ResourceTag/old=1";
    w.needs::<op::TagUser>(
        json!({"UserName": "bob", "Tags": tags(&[("new", "2")])}),
        &[&format!("iam:TagUser {bob} aws:RequestTag/new=2 aws:TagKeys=[new]")],
    )
    .await;
    let untag = json!({"UserName": "bob", "TagKeys": ["old", "x"]});
    w.needs::<op::UntagUser>(untag, &[&format!("iam:UntagUser {bob} aws:TagKeys=[old,x]")]).await;
    w.needs::<op::ListUserTags>(json!({"UserName": "bob"}), &[&format!("iam:ListUserTags {bob}")]).await;
    w.needs::<op::ListPolicyTags>(
        json!({"PolicyArn": "arn:aws:iam::aws:policy/ReadOnlyAccess"}),
        &["iam:ListPolicyTags arn:aws:iam::aws:policy/ReadOnlyAccess"],
    )
    .await;
    w.needs::<op::UntagPolicy>(
        json!({"PolicyArn": "arn:aws:iam::aws:policy/ReadOnlyAccess", "TagKeys": ["x"]}),
        &["iam:UntagPolicy arn:aws:iam::aws:policy/ReadOnlyAccess aws:TagKeys=[x]"],
    )
    .await;
}
