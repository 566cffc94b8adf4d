use bailiwick_api::op;
use serde_json::{Value, json};

use crate::testing::World;

/// The organization of the test deployment, whose cluster is called `pond`.
const ORGANIZATION: &str = "o-pond000000";

fn shown(features: &[&str]) -> Value {
    match features {
        [] => json!({"OrganizationId": ORGANIZATION}),
        _ => json!({"OrganizationId": ORGANIZATION, "EnabledFeatures": features}),
    }
}

#[tokio::test]
async fn features_are_enabled_and_disabled_one_by_one() {
    let w = World::new().await;
    assert_eq!(w.ok::<op::ListOrganizationsFeatures>(json!({})).await, shown(&[]));
    let both = shown(&["RootCredentialsManagement", "RootSessions"]);
    let answer = w.ok::<op::EnableOrganizationsRootSessions>(json!({})).await;
    assert_eq!(answer, shown(&["RootSessions"]));
    for _ in 0..2 {
        let answer = w.ok::<op::EnableOrganizationsRootCredentialsManagement>(json!({})).await;
        assert_eq!(answer, both);
    }
    assert_eq!(w.ok::<op::ListOrganizationsFeatures>(json!({})).await, both);
    let answer = w.ok::<op::DisableOrganizationsRootSessions>(json!({})).await;
    assert_eq!(answer, shown(&["RootCredentialsManagement"]));
    let answer = w.ok::<op::DisableOrganizationsRootCredentialsManagement>(json!({})).await;
    assert_eq!(answer, shown(&[]));
}

#[tokio::test]
async fn member_accounts_have_no_part_in_them() {
    let w = World::new().await;
    let account = json!({"accountName": "Member", "email": "member@pond.example"});
    let account = w.ok::<op::CreateAccount>(account).await["account"]["accountId"].as_str().unwrap().to_owned();
    let member = w.as_root(&account);
    let refused = |code: &str| format!("{code}: account {account} is not the management account of the organization");
    let (caller, administrator) = (
        refused("CallerIsNotManagementAccountException"),
        refused("AccountNotManagementOrDelegatedAdministratorException"),
    );
    member.fails::<op::EnableOrganizationsRootSessions>(json!({}), &caller).await;
    member.fails::<op::EnableOrganizationsRootCredentialsManagement>(json!({}), &caller).await;
    member.fails::<op::DisableOrganizationsRootSessions>(json!({}), &administrator).await;
    member.fails::<op::DisableOrganizationsRootCredentialsManagement>(json!({}), &administrator).await;
    member.fails::<op::ListOrganizationsFeatures>(json!({}), &administrator).await;
    member.needs::<op::ListOrganizationsFeatures>(json!({}), &["iam:ListOrganizationsFeatures *"]).await;
}
