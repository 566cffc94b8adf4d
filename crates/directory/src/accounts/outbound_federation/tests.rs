use bailiwick_api::op;
use serde_json::json;

use crate::testing::World;

#[tokio::test]
async fn the_issuer_of_an_account_stays() {
    let w = World::new().await;
    let off = "FeatureDisabled: outbound identity federation is not enabled for this account";
    let on = "FeatureEnabled: outbound identity federation is already enabled for this account";
    w.fails::<op::GetOutboundWebIdentityFederationInfo>(json!({}), off).await;
    w.fails::<op::DisableOutboundWebIdentityFederation>(json!({}), off).await;
    let issuer = w.ok::<op::EnableOutboundWebIdentityFederation>(json!({})).await["IssuerIdentifier"].clone();
    assert!(issuer.as_str().unwrap().starts_with("https://"), "{issuer}");
    w.fails::<op::EnableOutboundWebIdentityFederation>(json!({}), on).await;
    let info = w.ok::<op::GetOutboundWebIdentityFederationInfo>(json!({})).await;
    assert_eq!(info, json!({"IssuerIdentifier": issuer, "JwtVendingEnabled": true}));
    w.ok::<op::DisableOutboundWebIdentityFederation>(json!({})).await;
    w.fails::<op::GetOutboundWebIdentityFederationInfo>(json!({}), off).await;
    let again = w.ok::<op::EnableOutboundWebIdentityFederation>(json!({})).await;
    assert_eq!(again["IssuerIdentifier"], issuer);
}

#[tokio::test]
async fn each_operation_needs_its_action() {
    let w = World::new().await;
    w.needs::<op::EnableOutboundWebIdentityFederation>(json!({}), &["iam:EnableOutboundWebIdentityFederation *"]).await;
    w.needs::<op::GetOutboundWebIdentityFederationInfo>(json!({}), &["iam:GetOutboundWebIdentityFederationInfo *"])
        .await;
    w.needs::<op::DisableOutboundWebIdentityFederation>(json!({}), &["iam:DisableOutboundWebIdentityFederation *"])
        .await;
}
