use bailiwick_api::op;
use serde_json::json;

use crate::testing::World;

#[tokio::test]
async fn rules_are_replaced_and_their_time_counts_from_the_change() {
    let w = World::new().await;
    let got = w.ok::<op::GetCredentialRules>(json!({})).await;
    assert_eq!(got, json!({"rules": {"warningDays": 14}}));
    let rules = json!({"accessKeyMaxAgeDays": 90, "warningDays": 7, "exemptTag": "Robot", "includeRoot": true});
    let put = w.ok::<op::PutCredentialRules>(json!({"rules": rules})).await;
    assert_eq!(put["rules"], rules);
    w.clock.advance(3600);
    // The same rules again change nothing.
    assert_eq!(w.ok::<op::PutCredentialRules>(json!({"rules": rules})).await, put);
    assert_eq!(w.ok::<op::GetCredentialRules>(json!({})).await, put);
    let others = w.ok::<op::PutCredentialRules>(json!({"rules": {"passwordUnusedDays": 30}})).await;
    assert_eq!(others["rules"], json!({"passwordUnusedDays": 30, "warningDays": 14, "includeRoot": false}));
    assert_ne!(others["updateDate"], put["updateDate"]);
    let none = w.ok::<op::PutCredentialRules>(json!({})).await;
    assert_eq!(none["rules"], json!({"warningDays": 14, "includeRoot": false}));
}

#[tokio::test]
async fn who_may() {
    let w = World::new().await;
    w.needs::<op::PutCredentialRules>(json!({}), &["bailiwick:PutCredentialRules *"]).await;
    w.needs::<op::GetCredentialRules>(json!({}), &["bailiwick:GetCredentialRules *"]).await;
}
