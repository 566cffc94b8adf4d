use bailiwick_api::op;
use bailiwick_model::limits::Quotas;
use serde_json::{Value, json};

use crate::testing::{World, column, trusting};

const ARN: &str = "arn:aws:iam::111122223333:oidc-provider/id.example.com/realms/main";
const URL: &str = "https://id.example.com/realms/main";

fn named() -> Value {
    json!({"OpenIDConnectProviderArn": ARN})
}

fn with(member: &str, value: impl Into<Value>) -> Value {
    let mut request = named();
    request[member] = value.into();
    request
}

#[tokio::test]
async fn a_provider_is_shown_as_aws_shows_it() {
    let w = World::new().await;
    let create = json!({"Url": URL, "ClientIDList": ["web", "app", "web"], "ThumbprintList": ["a".repeat(40)],
        "Tags": [{"Key": "k", "Value": "v"}]});
    let made = w.ok::<op::CreateOpenIDConnectProvider>(create).await;
    assert_eq!(made, json!({"OpenIDConnectProviderArn": ARN, "Tags": [{"Key": "k", "Value": "v"}]}));
    let shown = w.ok::<op::GetOpenIDConnectProvider>(named()).await;
    assert_eq!(shown["Url"], "id.example.com/realms/main");
    assert_eq!(shown["ClientIDList"], json!(["web", "app"]));
    assert_eq!(shown["ThumbprintList"], json!(["a".repeat(40)]));
    assert_eq!(shown["Tags"], made["Tags"]);
    assert!(shown["CreateDate"].is_string());
    let bare = json!({"Url": "https://accounts.example.org"});
    w.ok::<op::CreateOpenIDConnectProvider>(bare).await;
    let listed = w.ok::<op::ListOpenIDConnectProviders>(json!({})).await;
    let other = "arn:aws:iam::111122223333:oidc-provider/accounts.example.org";
    assert_eq!(column(&listed["OpenIDConnectProviderList"], "Arn"), [other, ARN]);
    assert_eq!(w.ok::<op::GetAccountSummary>(json!({})).await["SummaryMap"]["Providers"], 2);
}

#[tokio::test]
async fn urls_are_those_of_issuers() {
    let w = World::new().await;
    let refused = "ValidationError: Invalid Open ID Connect Provider URL";
    for url in [
        "http://id.example.com",
        "id.example.com",
        "https://",
        "https:///a",
        "https://id.example.com:8443",
        "https://user@id.example.com",
        "https://id.example.com/a b",
        "https://id..example.com",
        "https://id.example.com/*",
        "https://id.example.com/ä",
        "HTTPS://id.example.com",
        "https://-id.example.com",
        "https://id-.example.com",
        "https://id.example.com.",
        "https://.example.com",
        // No domain.
        "https://localhost",
        "https://localhost:443/",
        "https://id",
        "https://127.0.0.1",
        "https://10.0.0.7/id",
        "https://id.1",
        "https://1.0x7f",
        "https://2130706433",
        "https://[::1]",
        "https://::1",
    ] {
        w.fails::<op::CreateOpenIDConnectProvider>(json!({"Url": url}), refused).await;
    }
    let query = "InvalidInput: the URL of a provider has no query and no fragment";
    for url in ["https://id.example.com?a=b", "https://id.example.com/a?b", "https://id.example.com/a#b"] {
        w.fails::<op::CreateOpenIDConnectProvider>(json!({"Url": url}), query).await;
    }
    let made = w.ok::<op::CreateOpenIDConnectProvider>(json!({"Url": "https://ID.example.com:443/A"})).await;
    assert_eq!(made["OpenIDConnectProviderArn"], "arn:aws:iam::111122223333:oidc-provider/ID.example.com/A");
    for url in
        ["https://a.b/", "https://xn--bcher-kva.xn--p1ai", "https://oidc.eks.eu-central-1.amazonaws.com/id/0123ABC"]
    {
        w.ok::<op::CreateOpenIDConnectProvider>(json!({"Url": url})).await;
    }
    let again = format!("EntityAlreadyExists: Provider with url {URL} already exists.");
    w.ok::<op::CreateOpenIDConnectProvider>(json!({"Url": URL})).await;
    w.fails::<op::CreateOpenIDConnectProvider>(json!({"Url": URL}), &again).await;
}

#[tokio::test]
async fn lists_are_bounded() {
    let w = World::with_quotas(Quotas { oidc_providers: 1, ..Quotas::default() }).await;
    let ids: Vec<String> = (0..101).map(|n| format!("client-{n}")).collect();
    let clients = "LimitExceeded: Cannot exceed quota for ClientIdsPerOpenIdConnectProvider: 100";
    w.fails::<op::CreateOpenIDConnectProvider>(json!({"Url": URL, "ClientIDList": ids}), clients).await;
    let prints = vec!["a".repeat(40); 6];
    let thumbprints = "InvalidInput: Thumbprint list must contain fewer than 5 entries.";
    w.fails::<op::CreateOpenIDConnectProvider>(json!({"Url": URL, "ThumbprintList": prints}), thumbprints).await;
    w.ok::<op::CreateOpenIDConnectProvider>(json!({"Url": URL, "ClientIDList": ids[..100]})).await;
    w.ok::<op::AddClientIDToOpenIDConnectProvider>(with("ClientID", "client-7")).await;
    w.fails::<op::AddClientIDToOpenIDConnectProvider>(with("ClientID", "more"), clients).await;
    w.ok::<op::RemoveClientIDFromOpenIDConnectProvider>(with("ClientID", "client-7")).await;
    w.ok::<op::RemoveClientIDFromOpenIDConnectProvider>(with("ClientID", "client-7")).await;
    w.ok::<op::AddClientIDToOpenIDConnectProvider>(with("ClientID", "more")).await;
    w.fails::<op::UpdateOpenIDConnectProviderThumbprint>(with("ThumbprintList", prints), thumbprints).await;
    w.ok::<op::UpdateOpenIDConnectProviderThumbprint>(with("ThumbprintList", vec!["B".repeat(40)])).await;
    let none = "InvalidInput: Thumbprint list must contain at least one entry.";
    w.fails::<op::UpdateOpenIDConnectProviderThumbprint>(with("ThumbprintList", Vec::<String>::new()), none).await;
    let shown = w.ok::<op::GetOpenIDConnectProvider>(named()).await;
    assert_eq!((&shown["ClientIDList"][99], &shown["ThumbprintList"]), (&json!("more"), &json!(["b".repeat(40)])));
    let quota = "LimitExceeded: Cannot exceed quota for OpenIdConnectProvidersPerAccount: 1";
    w.fails::<op::CreateOpenIDConnectProvider>(json!({"Url": "https://b.example"}), quota).await;
    w.ok::<op::DeleteOpenIDConnectProvider>(named()).await;
    w.ok::<op::CreateOpenIDConnectProvider>(json!({"Url": "https://b.example"})).await;
}

#[tokio::test]
async fn a_missing_provider_is_reported_by_its_arn() {
    let w = World::new().await;
    let missing = format!("NoSuchEntity: OpenIDConnect Provider not found for arn {ARN}");
    w.fails::<op::GetOpenIDConnectProvider>(named(), &missing).await;
    w.fails::<op::AddClientIDToOpenIDConnectProvider>(with("ClientID", "a"), &missing).await;
    w.fails::<op::RemoveClientIDFromOpenIDConnectProvider>(with("ClientID", "a"), &missing).await;
    w.fails::<op::UpdateOpenIDConnectProviderThumbprint>(with("ThumbprintList", vec!["a".repeat(40)]), &missing).await;
    w.fails::<op::UpdateOpenIDConnectProvider>(with("RemoveContextProvider", true), &missing).await;
    w.fails::<op::ListOpenIDConnectProviderTags>(named(), &missing).await;
    let deleted = format!("NoSuchEntity: OpenId connect Provider {ARN} cannot be found.");
    w.fails::<op::DeleteOpenIDConnectProvider>(named(), &deleted).await;
    // Names are compared with case.
    w.ok::<op::CreateOpenIDConnectProvider>(json!({"Url": URL.replace("main", "MAIN")})).await;
    w.fails::<op::GetOpenIDConnectProvider>(named(), &missing).await;
    let theirs = ARN.replace("111122223333", "444455556666");
    let foreign = json!({"OpenIDConnectProviderArn": theirs});
    let needed = format!("iam:GetOpenIDConnectProvider {theirs} of 444455556666");
    w.needs::<op::GetOpenIDConnectProvider>(foreign, &[&needed]).await;
}

#[tokio::test]
async fn identity_propagation_is_not_available() {
    let w = World::new().await;
    let refused =
        "InvalidInput: trusted identity propagation is not available: this deployment has no IAM Identity Center";
    let context = json!({"SubjectSourceKey": "sub"});
    w.fails::<op::CreateOpenIDConnectProvider>(json!({"Url": URL, "ContextProvider": context}), refused).await;
    w.ok::<op::CreateOpenIDConnectProvider>(json!({"Url": URL})).await;
    w.fails::<op::UpdateOpenIDConnectProvider>(with("ContextProvider", context), refused).await;
    w.ok::<op::UpdateOpenIDConnectProvider>(with("RemoveContextProvider", true)).await;
    let nothing = "InvalidInput: the request names nothing to set or to remove";
    w.fails::<op::UpdateOpenIDConnectProvider>(named(), nothing).await;
}

#[tokio::test]
async fn each_operation_names_its_checks() {
    let w = World::new().await;
    let tagged = format!("{ARN} aws:RequestTag/a=b aws:TagKeys=[a]");
    let create = json!({"Url": URL, "Tags": [{"Key": "a", "Value": "b"}]});
    let both = [format!("iam:CreateOpenIDConnectProvider {tagged}"), format!("iam:TagOpenIDConnectProvider {tagged}")];
    w.needs::<op::CreateOpenIDConnectProvider>(create.clone(), &both.each_ref().map(String::as_str)).await;
    w.ok::<op::CreateOpenIDConnectProvider>(create).await;
    let needs = |action: &str| format!("iam:{action} {ARN} aws:ResourceTag/a=b");
    w.needs::<op::GetOpenIDConnectProvider>(named(), &[&needs("GetOpenIDConnectProvider")]).await;
    w.needs::<op::DeleteOpenIDConnectProvider>(named(), &[&needs("DeleteOpenIDConnectProvider")]).await;
    let add = needs("AddClientIDToOpenIDConnectProvider");
    w.needs::<op::AddClientIDToOpenIDConnectProvider>(with("ClientID", "a"), &[&add]).await;
    w.needs::<op::ListOpenIDConnectProviders>(json!({}), &["iam:ListOpenIDConnectProviders *"]).await;
    w.ok::<op::UntagOpenIDConnectProvider>(with("TagKeys", vec!["a", "B"])).await;
    assert_eq!(w.ok::<op::ListOpenIDConnectProviderTags>(named()).await["Tags"], json!(null));
}

/// AWS does not check that the providers exist which a trust policy names.
#[tokio::test]
async fn trust_policies_may_name_missing_providers() {
    let w = World::new().await;
    let federated = trusting("x").replace(r#""AWS":"x""#, &format!(r#""Federated":"{ARN}""#));
    let trust = federated.replace("sts:AssumeRole", "sts:AssumeRoleWithWebIdentity");
    let role = json!({"RoleName": "Federated", "AssumeRolePolicyDocument": trust});
    w.ok::<op::CreateRole>(role).await;
    assert_eq!(w.ok::<op::GetRole>(json!({"RoleName": "Federated"})).await["Role"]["AssumeRolePolicyDocument"], trust);
}
