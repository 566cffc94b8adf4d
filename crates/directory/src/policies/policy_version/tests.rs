use bailiwick_api::op;
use serde_json::{Value, json};

use super::number;
use crate::testing::{ALLOW, World, column};

#[tokio::test]
async fn a_policy_has_at_most_five_versions_and_reuses_no_number() {
    let w = World::new().await;
    let arn = w.policy("P").await;
    let create = |default: bool| json!({"PolicyArn": arn, "PolicyDocument": ALLOW, "SetAsDefault": default});
    let version = |id: &str| json!({"PolicyArn": arn, "VersionId": id});
    w.clock.advance(60);
    let second = w.ok::<op::CreatePolicyVersion>(create(true)).await["PolicyVersion"].clone();
    let expected = json!({"VersionId": "v2", "IsDefaultVersion": true, "CreateDate": "2026-03-01T12:01:00Z"});
    assert_eq!(second, expected);
    let policy = w.ok::<op::GetPolicy>(json!({"PolicyArn": arn})).await["Policy"].clone();
    assert_eq!((&policy["DefaultVersionId"], &policy["UpdateDate"]), (&json!("v2"), &json!("2026-03-01T12:01:00Z")));
    for _ in 0..3 {
        w.ok::<op::CreatePolicyVersion>(create(false)).await;
    }
    let full = "LimitExceeded: A managed policy can have up to 5 versions. Before you create a new version, you must \
                delete an existing version.";
    w.fails::<op::CreatePolicyVersion>(create(false), full).await;
    let default = "DeleteConflict: Cannot delete the default version of a policy.";
    w.fails::<op::DeletePolicyVersion>(version("v2"), default).await;
    w.ok::<op::DeletePolicyVersion>(version("v5")).await;
    assert_eq!(w.ok::<op::CreatePolicyVersion>(create(false)).await["PolicyVersion"]["VersionId"], "v6");
    let first = w.ok::<op::ListPolicyVersions>(json!({"PolicyArn": arn, "MaxItems": 2})).await;
    assert_eq!(column(&first["Versions"], "VersionId"), ["v6", "v4"]);
    let request = json!({"PolicyArn": arn, "MaxItems": 9, "Marker": first["Marker"]});
    let rest = w.ok::<op::ListPolicyVersions>(request).await;
    assert_eq!(column(&rest["Versions"], "VersionId"), ["v3", "v2", "v1"]);
    let defaults: Vec<&Value> = rest["Versions"].as_array().unwrap().iter().map(|v| &v["IsDefaultVersion"]).collect();
    assert_eq!(defaults, [false, true, false]);
    w.ok::<op::SetDefaultPolicyVersion>(version("v1")).await;
    w.ok::<op::DeletePolicyVersion>(version("v2")).await;
}

#[tokio::test]
async fn missing_versions_are_reported() {
    let w = World::new().await;
    let arn = w.policy("P").await;
    let missing = "arn:aws:iam::111122223333:policy/none";
    for (arn, id) in [(&*arn, "v2"), (&arn, "v99999999999999999999"), (&arn, "v1.x"), (&arn, "v1."), (missing, "v1")] {
        let version = json!({"PolicyArn": arn, "VersionId": id});
        let expected = format!("NoSuchEntity: Policy {arn} version {id} does not exist or is not attachable.");
        w.fails::<op::GetPolicyVersion>(version.clone(), &expected).await;
        w.fails::<op::DeletePolicyVersion>(version.clone(), &expected).await;
        w.fails::<op::SetDefaultPolicyVersion>(version, &expected).await;
    }
    let shared = json!({"PolicyArn": "arn:aws:iam::aws:policy/AdministratorAccess", "VersionId": "v1"});
    let document = w.ok::<op::GetPolicyVersion>(shared).await["PolicyVersion"]["Document"].clone();
    assert!(document.as_str().unwrap().contains(r#""Action": "*""#));
}

#[test]
fn version_ids_are_v_and_a_number() {
    for (id, expected) in
        [("v1", Some(1)), ("v42", Some(42)), ("v0", None), ("v01", None), ("1", None), ("v", None), ("v1.a", None)]
    {
        assert_eq!(number(id), expected, "{id}");
    }
}
