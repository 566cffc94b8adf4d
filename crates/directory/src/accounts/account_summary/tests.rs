use bailiwick_api::op;
use bailiwick_model::limits::Quotas;
use serde_json::json;

use crate::testing::{ALLOW, World};

#[tokio::test]
async fn the_summary_has_counts_and_quotas_of_the_deployment() {
    let w = World::with_quotas(Quotas { users: 42, ..Quotas::default() }).await;
    w.user("Bob").await;
    w.user("Eva").await;
    w.group("Devs").await;
    w.role("Runner").await;
    let policy = w.policy("P").await;
    w.ok::<op::CreatePolicyVersion>(json!({"PolicyArn": policy, "PolicyDocument": ALLOW})).await;
    w.ok::<op::DeleteUser>(json!({"UserName": "Eva"})).await;
    let map = w.ok::<op::GetAccountSummary>(json!({})).await["SummaryMap"].clone();
    for (key, expected) in [
        ("Users", 1),
        ("UsersQuota", 42),
        ("Groups", 1),
        ("GroupsQuota", 300),
        ("Roles", 1),
        ("RolesQuota", 1000),
        ("Policies", 1),
        ("PoliciesQuota", 1500),
        ("PolicyVersionsInUse", 2),
        ("VersionsPerPolicyQuota", 5),
        ("PolicySizeQuota", 6144),
        ("UserPolicySizeQuota", 2048),
        ("GroupPolicySizeQuota", 5120),
        ("RolePolicySizeQuota", 10240),
        ("AssumeRolePolicySizeQuota", 2048),
        ("AccessKeysPerUserQuota", 2),
        ("AccountAccessKeysPresent", 1),
        ("AccountMFAEnabled", 0),
        ("AttachedPoliciesPerUserQuota", 10),
        ("GroupsPerUserQuota", 10),
    ] {
        assert_eq!(map[key], expected, "{key}");
    }
    // All keys of AWS's model.
    assert_eq!(map.as_object().unwrap().len(), 34);
    w.needs::<op::GetAccountSummary>(json!({}), &["iam:GetAccountSummary *"]).await;
}
