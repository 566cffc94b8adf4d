use bailiwick_api::op;
use bailiwick_model::limits::Quotas;
use bailiwick_operation::SecretPlace;
use rcgen::{CertificateParams, KeyPair, PKCS_RSA_SHA256};
use serde_json::{Value, json};

use crate::testing::World;

const ARN: &str = "arn:aws:iam::111122223333:saml-provider/Okta";

/// The metadata of a provider; `attributes` are those of its EntityDescriptor.
fn metadata(attributes: &str) -> String {
    let certificate = CertificateParams::new(Vec::new()).unwrap().self_signed(&KeyPair::generate().unwrap()).unwrap();
    let certificate: String = certificate.pem().lines().filter(|line| !line.starts_with('-')).collect();
    format!(
        "<md:EntityDescriptor xmlns:md='urn:oasis:names:tc:SAML:2.0:metadata' entityID='urn:idp' {attributes}>\
         <md:IDPSSODescriptor protocolSupportEnumeration='urn:oasis:names:tc:SAML:2.0:protocol'><md:KeyDescriptor>\
         <ds:KeyInfo xmlns:ds='http://www.w3.org/2000/09/xmldsig#'><ds:X509Data><ds:X509Certificate>{certificate}\
         </ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor><md:SingleSignOnService \
         Binding='urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST' Location='https://id.example.com/sso'/>\
         </md:IDPSSODescriptor></md:EntityDescriptor><!--{}-->",
        " ".repeat(300)
    )
}

/// An RSA key in PEM form.
fn private_key() -> String {
    KeyPair::generate_for(&PKCS_RSA_SHA256).unwrap().serialize_pem()
}

/// A world with the provider, whose metadata is returned as well.
async fn world() -> (World, String) {
    let (w, text) = (World::new().await, metadata(""));
    let made = w.ok::<op::CreateSAMLProvider>(json!({"Name": "Okta", "SAMLMetadataDocument": text})).await;
    assert_eq!(made, json!({"SAMLProviderArn": ARN}));
    (w, text)
}

async fn get(world: &World) -> Value {
    world.ok::<op::GetSAMLProvider>(json!({"SAMLProviderArn": ARN})).await
}

/// An update of the provider.
fn update(members: Value) -> Value {
    let mut request = members;
    request["SAMLProviderArn"] = json!(ARN);
    request
}

#[tokio::test]
async fn a_provider_is_created_shown_listed_and_deleted() {
    let (w, text) = world().await;
    let shown = get(&w).await;
    assert_eq!(shown["SAMLMetadataDocument"], text);
    assert_eq!((&shown["AssertionEncryptionMode"], shown.get("PrivateKeyList")), (&json!("Allowed"), None));
    let uuid = shown["SAMLProviderUUID"].as_str().unwrap();
    assert_eq!((&uuid[..6], uuid.len()), ("SAMLSP", 22));
    let year = |value: &Value| value.as_str().unwrap()[..4].parse::<u32>().unwrap();
    assert_eq!(year(&shown["ValidUntil"]), year(&shown["CreateDate"]) + 100);
    let listed = w.ok::<op::ListSAMLProviders>(json!({})).await;
    let entry = json!({"Arn": ARN, "ValidUntil": shown["ValidUntil"], "CreateDate": shown["CreateDate"]});
    assert_eq!(listed["SAMLProviderList"], json!([entry]));
    let taken = "EntityAlreadyExists: Provider with name Okta already exists.";
    w.fails::<op::CreateSAMLProvider>(json!({"Name": "Okta", "SAMLMetadataDocument": text}), taken).await;
    assert_eq!(w.ok::<op::GetAccountSummary>(json!({})).await["SummaryMap"]["Providers"], 1);
    w.ok::<op::DeleteSAMLProvider>(json!({"SAMLProviderArn": ARN})).await;
    let missing = format!("NoSuchEntity: Manifest not found for arn {ARN}");
    w.fails::<op::GetSAMLProvider>(json!({"SAMLProviderArn": ARN}), &missing).await;
    w.fails::<op::DeleteSAMLProvider>(json!({"SAMLProviderArn": ARN}), &missing).await;
    w.fails::<op::UpdateSAMLProvider>(update(json!({"SAMLMetadataDocument": text})), &missing).await;
}

#[tokio::test]
async fn tags_are_checked_on_creation() {
    let w = World::new().await;
    let tags = json!([{"Key": "a", "Value": "b"}]);
    let request = json!({"Name": "Okta", "SAMLMetadataDocument": metadata(""), "Tags": tags});
    let checks = [
        format!("iam:CreateSAMLProvider {ARN} aws:RequestTag/a=b aws:TagKeys=[a]"),
        format!("iam:TagSAMLProvider {ARN} aws:RequestTag/a=b aws:TagKeys=[a]"),
    ];
    w.needs::<op::CreateSAMLProvider>(request.clone(), &[&checks[0], &checks[1]]).await;
    assert_eq!(w.ok::<op::CreateSAMLProvider>(request).await["Tags"], tags);
    assert_eq!(get(&w).await["Tags"], tags);
    let untag = json!({"SAMLProviderArn": ARN, "TagKeys": ["a"]});
    let checked = format!("iam:UntagSAMLProvider {ARN} aws:ResourceTag/a=b aws:TagKeys=[a]");
    w.needs::<op::UntagSAMLProvider>(untag.clone(), &[&checked]).await;
    w.ok::<op::UntagSAMLProvider>(untag).await;
    w.ok::<op::TagSAMLProvider>(json!({"SAMLProviderArn": ARN, "Tags": [{"Key": "c", "Value": ""}]})).await;
    let listed = w.ok::<op::ListSAMLProviderTags>(json!({"SAMLProviderArn": ARN})).await;
    assert_eq!(listed["Tags"], json!([{"Key": "c", "Value": ""}]));
}

#[tokio::test]
async fn what_is_not_metadata_is_refused() {
    const UNPARSED: &str = "InvalidInput: Could not parse metadata";
    let (w, text) = world().await;
    for (bad, why) in [
        ("text".repeat(250), "not well-formed XML"),
        (format!("<!DOCTYPE a>{text}"), "document types, processing instructions and entities are not accepted"),
        (
            text.replace("IDPSSO", "SPSSO"),
            "the EntityDescriptor has not exactly one IDPSSODescriptor that supports the protocol of SAML 2.0",
        ),
        (metadata("validUntil='soon'"), "validUntil is not a time in UTC"),
    ] {
        let create = json!({"Name": "Bad", "SAMLMetadataDocument": bad});
        let error = w.call::<op::CreateSAMLProvider>(create).await.unwrap_err();
        assert_eq!(error.to_string(), UNPARSED);
        assert_eq!(error.fields(), [("SAMLMetadataDocument".to_owned(), why.to_owned())]);
        w.fails::<op::UpdateSAMLProvider>(update(json!({"SAMLMetadataDocument": bad})), UNPARSED).await;
    }
    assert_eq!(get(&w).await["SAMLMetadataDocument"], text);
}

#[tokio::test]
async fn metadata_is_replaced_with_its_end() {
    let (w, _) = world().await;
    let before = get(&w).await;
    let text = metadata("validUntil='2041-02-03T04:05:06Z'");
    let updated = w.ok::<op::UpdateSAMLProvider>(update(json!({"SAMLMetadataDocument": text}))).await;
    assert_eq!(updated, json!({"SAMLProviderArn": ARN}));
    let after = get(&w).await;
    assert_eq!(after["SAMLMetadataDocument"], text);
    assert_eq!(after["ValidUntil"], "2041-02-03T04:05:06Z");
    assert_eq!(
        (&after["CreateDate"], &after["SAMLProviderUUID"]),
        (&before["CreateDate"], &before["SAMLProviderUUID"])
    );
}

#[tokio::test]
async fn private_keys_are_sealed_and_at_most_two() {
    let (w, _) = world().await;
    let needs_key =
        "InvalidInput: Failed to set assertion encryption mode to Required because no private key is present.";
    w.fails::<op::UpdateSAMLProvider>(update(json!({"AssertionEncryptionMode": "Required"})), needs_key).await;
    let first = private_key();
    let both = json!({"AssertionEncryptionMode": "Required", "AddPrivateKey": first});
    w.ok::<op::UpdateSAMLProvider>(update(both)).await;
    w.clock.advance(60);
    w.ok::<op::UpdateSAMLProvider>(update(json!({"AddPrivateKey": private_key()}))).await;
    let shown = get(&w).await;
    assert_eq!(shown["AssertionEncryptionMode"], "Required");
    let keys = shown["PrivateKeyList"].as_array().unwrap();
    assert_eq!((keys.len(), keys[0]["KeyId"].as_str().unwrap().len()), (2, 22));
    assert!(keys[0]["Timestamp"].as_str() < keys[1]["Timestamp"].as_str());
    assert!(!shown.to_string().contains("PRIVATE"), "{shown}");

    let mut tx = w.begin().await;
    let account = w.deployment.management_account;
    let stored = tx.find_saml_provider(account, "Okta").await.unwrap().unwrap();
    let key = &stored.private_keys[0];
    assert!(!String::from_utf8_lossy(&key.sealed).contains("PRIVATE"));
    let sealer = &w.deployment.sealer;
    assert_eq!(
        SecretPlace::of_saml_key(&stored, &key.id).open(sealer, &key.sealed).unwrap().expose(),
        first.as_bytes()
    );
    let other = &stored.private_keys[1].id;
    assert!(SecretPlace::of_saml_key(&stored, other).open(sealer, &key.sealed).is_err(), "a row copied to another key");

    let full = "LimitExceeded: Private key limit of 2 is reached.";
    w.fails::<op::UpdateSAMLProvider>(update(json!({"AddPrivateKey": private_key()})), full).await;
    let other = "K".repeat(32);
    let missing = format!("NoSuchEntity: The private key with id {other} cannot be found.");
    w.fails::<op::UpdateSAMLProvider>(update(json!({"RemovePrivateKey": other})), &missing).await;
    let rotate = json!({"AddPrivateKey": first, "RemovePrivateKey": keys[0]["KeyId"]});
    let apart = "ValidationError: Unable to add and remove private keys in the same request. Set a value for only one of the \
                 two parameters.";
    w.fails::<op::UpdateSAMLProvider>(update(rotate), apart).await;
    w.ok::<op::UpdateSAMLProvider>(update(json!({"RemovePrivateKey": keys[0]["KeyId"]}))).await;
    let held = "InvalidInput: Failed to remove private key.";
    w.fails::<op::UpdateSAMLProvider>(update(json!({"RemovePrivateKey": keys[1]["KeyId"]})), held).await;
    let last = json!({"RemovePrivateKey": keys[1]["KeyId"], "AssertionEncryptionMode": "Allowed"});
    w.ok::<op::UpdateSAMLProvider>(update(last)).await;
    assert_eq!(get(&w).await.get("PrivateKeyList"), None);
}

#[tokio::test]
async fn what_no_provider_can_follow_is_refused() {
    let (w, text) = world().await;
    let ec = KeyPair::generate().unwrap().serialize_pem();
    let no_key = "InvalidInput: The private key is invalid: expected an unencrypted RSA key of at least 2048 bits in PEM format.";
    let no_propagation =
        "InvalidInput: trusted identity propagation is not available: this deployment has no IAM Identity Center";
    for (members, expected) in [
        (json!({"AddPrivateKey": ec}), no_key),
        (json!({"AddPrivateKey": "text"}), no_key),
        (json!({"ContextProvider": {"SubjectSourceKey": "sub"}}), no_propagation),
        (json!({"IdentityCenterInstanceArn": "arn:aws:sso:::instance/ssoins-1"}), no_propagation),
        (
            json!({}),
            "ValidationError: Unable to update identity provider. No updates are defined for metadata or encryption \
             assertion.",
        ),
    ] {
        w.fails::<op::UpdateSAMLProvider>(update(members.clone()), expected).await;
        if members != json!({}) {
            let mut request = members;
            request["Name"] = json!("New");
            request["SAMLMetadataDocument"] = json!(text);
            w.fails::<op::CreateSAMLProvider>(request, expected).await;
        }
    }
    w.ok::<op::UpdateSAMLProvider>(update(json!({"RemoveContextProvider": true}))).await;
    let encrypted = json!({"Name": "New", "SAMLMetadataDocument": text, "AssertionEncryptionMode": "Required"});
    let needs_key =
        "InvalidInput: Failed to set assertion encryption mode to Required because no private key is present.";
    w.fails::<op::CreateSAMLProvider>(encrypted.clone(), needs_key).await;
    let mut encrypted = encrypted;
    encrypted["AddPrivateKey"] = json!(private_key());
    w.ok::<op::CreateSAMLProvider>(encrypted).await;
    let other = "InvalidInput: ARN arn:aws:iam::111122223333:oidc-provider/a is not valid.";
    let request = json!({"SAMLProviderArn": "arn:aws:iam::111122223333:oidc-provider/a"});
    w.fails::<op::GetSAMLProvider>(request, other).await;
}

#[tokio::test]
async fn an_account_has_a_quota_of_providers() {
    let w = World::with_quotas(Quotas { saml_providers: 1, ..Quotas::default() }).await;
    let request = |name: &str| json!({"Name": name, "SAMLMetadataDocument": metadata("")});
    w.ok::<op::CreateSAMLProvider>(request("Okta")).await;
    let full = "LimitExceeded: Cannot exceed quota for SAMLProvidersPerAccount: 1";
    w.fails::<op::CreateSAMLProvider>(request("New"), full).await;
    w.ok::<op::DeleteSAMLProvider>(json!({"SAMLProviderArn": ARN})).await;
    w.ok::<op::CreateSAMLProvider>(request("New")).await;
}
