use bailiwick_api::op;
use serde_json::{Value, json};

use crate::testing::World;

async fn shown(w: &World) -> Value {
    w.ok::<op::GetAccountProperties>(json!({})).await["Properties"].clone()
}

#[tokio::test]
async fn properties_are_set_and_shown() {
    let w = World::new().await;
    assert_eq!(shown(&w).await, json!({"RoleManager/Enabled": "false"}));
    for value in ["true", "false"] {
        let properties = json!({"RoleManager/Enabled": value});
        w.ok::<op::PutAccountProperties>(json!({"Properties": properties})).await;
        assert_eq!(shown(&w).await, properties);
    }
    w.needs::<op::PutAccountProperties>(json!({"Properties": {"a/b": "c"}}), &["iam:PutAccountProperties *"]).await;
    w.needs::<op::GetAccountProperties>(json!({}), &["iam:GetAccountProperties *"]).await;
}

#[tokio::test]
async fn other_properties_are_refused_and_nothing_is_set() {
    let w = World::new().await;
    let form = |key: &str| format!("the property key `{key}` is not of the form Namespace/PropertyName");
    for (properties, expected) in [
        (json!({"RoleManager": "true"}), form("RoleManager")),
        (json!({"RoleManager/": "true"}), form("RoleManager/")),
        (json!({"RoleManager/Enabled/x": "true"}), form("RoleManager/Enabled/x")),
        (
            json!({"RoleManager/Enabled": "true", "Other/Enabled": "true"}),
            "all properties must belong to the same namespace, not to `Other` and `RoleManager`".into(),
        ),
        (
            json!({"RoleManager/Enabled": "true", "RoleManager/Speed": "1"}),
            "there is no property `RoleManager/Speed`: expected RoleManager/Enabled".into(),
        ),
        (
            json!({"RoleManager/Enabled": "yes"}),
            "the property `RoleManager/Enabled` can't be `yes`: expected true or false".into(),
        ),
    ] {
        let request = json!({"Properties": properties});
        w.fails::<op::PutAccountProperties>(request, &format!("InvalidInput: {expected}")).await;
    }
    assert_eq!(shown(&w).await, json!({"RoleManager/Enabled": "false"}));
}

#[tokio::test]
async fn the_summary_shows_the_version_of_tokens() {
    let w = World::new().await;
    for (set, expected) in [(None, 1), (Some("v2Token"), 2), (Some("v1Token"), 1)] {
        if let Some(version) = set {
            let request = json!({"GlobalEndpointTokenVersion": version});
            w.ok::<op::SetSecurityTokenServicePreferences>(request).await;
        }
        let summary = w.ok::<op::GetAccountSummary>(json!({})).await;
        assert_eq!(summary["SummaryMap"]["GlobalEndpointTokenVersion"], expected);
    }
    let request = json!({"GlobalEndpointTokenVersion": "v2Token"});
    w.needs::<op::SetSecurityTokenServicePreferences>(request, &["iam:SetSecurityTokenServicePreferences *"]).await;
}
