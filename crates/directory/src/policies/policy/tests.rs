use bailiwick_api::op;
use bailiwick_model::limits::Quotas;
use serde_json::json;

use crate::testing::{ALLOW, World};

#[tokio::test]
async fn each_response_shows_the_members_that_aws_shows() {
    let w = World::new().await;
    let create = json!({"PolicyName": "Read", "Path": "/a/b/", "PolicyDocument": ALLOW, "Description": "reads",
        "Tags": [{"Key": "k", "Value": "v"}]});
    let made = w.ok::<op::CreatePolicy>(create).await["Policy"].clone();
    assert_eq!(made["Arn"], "arn:aws:iam::111122223333:policy/a/b/Read");
    assert!(made["PolicyId"].as_str().unwrap().starts_with("ANPA"));
    assert_eq!((&made["DefaultVersionId"], &made["IsAttachable"]), (&json!("v1"), &json!(true)));
    assert_eq!((&made["AttachmentCount"], &made["Description"]), (&json!(0), &json!(null)));
    let shown = w.ok::<op::GetPolicy>(json!({"PolicyArn": made["Arn"]})).await["Policy"].clone();
    assert_eq!((&shown["Description"], &shown["Tags"]), (&json!("reads"), &json!([{"Key": "k", "Value": "v"}])));
    let listed = w.ok::<op::ListPolicies>(json!({"Scope": "Local"})).await["Policies"][0].clone();
    assert_eq!((&listed["Description"], &listed["Tags"]), (&json!(null), &json!(null)));
    let document = w.ok::<op::GetPolicyVersion>(json!({"PolicyArn": made["Arn"], "VersionId": "v1"})).await;
    assert_eq!(document["PolicyVersion"]["Document"], ALLOW);
}

#[tokio::test]
async fn policy_names_are_unique_without_case_across_paths() {
    let w = World::with_quotas(Quotas { policies: 1, ..Quotas::default() }).await;
    w.policy("Read").await;
    let again = json!({"PolicyName": "READ", "Path": "/x/", "PolicyDocument": ALLOW});
    let exists = "EntityAlreadyExists: A policy called READ already exists. Duplicate names are not allowed.";
    w.fails::<op::CreatePolicy>(again, exists).await;
    let second = json!({"PolicyName": "Other", "PolicyDocument": ALLOW});
    w.fails::<op::CreatePolicy>(second, "LimitExceeded: Cannot exceed quota for PoliciesPerAccount: 1").await;
}

#[tokio::test]
async fn documents_are_parsed_strictly_and_limited_in_size() {
    let w = World::new().await;
    let create = |document: &str| json!({"PolicyName": "p", "PolicyDocument": document});
    let old = ALLOW.replace("2012", "2008");
    let error = w.call::<op::CreatePolicy>(create(&old)).await.unwrap_err();
    assert!(error.message().starts_with("Policy document must be version 2012-10-17 or greater."), "{error}");
    let large = ALLOW.replace("GetObject", &"x".repeat(6144));
    let size = "LimitExceeded: Cannot exceed quota for PolicySize: 6144";
    w.fails::<op::CreatePolicy>(create(&large), size).await;
    let exact = ALLOW.replace("GetObject", &"x".repeat(6144 - ALLOW.len() + "GetObject".len()));
    w.ok::<op::CreatePolicy>(create(&exact.replace("{\"Version\"", "{ \n \"Version\""))).await;
}

#[tokio::test]
async fn a_policy_in_use_is_not_deleted() {
    let w = World::new().await;
    let arn = w.policy("Read").await;
    w.user("Bob").await;
    let (policy, user) = (json!({"PolicyArn": arn}), json!({"UserName": "Bob", "PolicyArn": arn}));
    w.ok::<op::AttachUserPolicy>(user.clone()).await;
    assert_eq!(w.ok::<op::GetPolicy>(policy.clone()).await["Policy"]["AttachmentCount"], 1);
    let attached = "DeleteConflict: Cannot delete a policy attached to entities.";
    w.fails::<op::DeletePolicy>(policy.clone(), attached).await;
    w.ok::<op::DetachUserPolicy>(user).await;
    w.ok::<op::CreatePolicyVersion>(json!({"PolicyArn": arn, "PolicyDocument": ALLOW})).await;
    let versions = "DeleteConflict: This policy has more than one version. Before you delete a policy, you must \
                    delete the policy's versions. The default version is deleted with the policy.";
    w.fails::<op::DeletePolicy>(policy.clone(), versions).await;
    w.ok::<op::DeletePolicyVersion>(json!({"PolicyArn": arn, "VersionId": "v2"})).await;
    w.ok::<op::DeletePolicy>(policy.clone()).await;
    w.fails::<op::GetPolicy>(policy, &format!("NoSuchEntity: Policy {arn} was not found.")).await;
    // Nothing of it is left in the way of the next one.
    let again = w.policy("READ").await;
    let all = w.ok::<op::ListPolicyVersions>(json!({"PolicyArn": again})).await;
    assert_eq!(all["Versions"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn every_account_reads_the_deployments_policies_and_none_changes_them() {
    let w = World::new().await;
    let shared = "arn:aws:iam::aws:policy/AdministratorAccess";
    let policy = json!({"PolicyArn": shared});
    w.needs::<op::GetPolicy>(policy.clone(), &[&format!("iam:GetPolicy {shared}")]).await;
    w.needs::<op::DeletePolicy>(policy.clone(), &[&format!("iam:DeletePolicy {shared}")]).await;
    let changed = "AccessDenied: Policy is outside your own account.";
    w.fails::<op::DeletePolicy>(policy, changed).await;
    let version = json!({"PolicyArn": shared, "PolicyDocument": ALLOW});
    w.fails::<op::CreatePolicyVersion>(version, changed).await;
    let version = json!({"PolicyArn": shared, "VersionId": "v1"});
    w.fails::<op::SetDefaultPolicyVersion>(version.clone(), changed).await;
    w.fails::<op::DeletePolicyVersion>(version, changed).await;
    let foreign = "arn:aws:iam::444455556666:policy/Read";
    let expected = format!("iam:GetPolicy {foreign} of 444455556666");
    w.needs::<op::GetPolicy>(json!({"PolicyArn": foreign}), &[&expected]).await;
}

#[tokio::test]
async fn checks_of_a_new_policy_have_its_tags() {
    let w = World::new().await;
    let create = json!({"PolicyName": "Read", "Path": "/a/", "PolicyDocument": ALLOW,
        "Tags": [{"Key": "k", "Value": "v"}]});
    let tail = "arn:aws:iam::111122223333:policy/a/Read aws:RequestTag/k=v aws:TagKeys=[k]";
    w.needs::<op::CreatePolicy>(create, &[&format!("iam:CreatePolicy {tail}"), &format!("iam:TagPolicy {tail}")]).await;
}
