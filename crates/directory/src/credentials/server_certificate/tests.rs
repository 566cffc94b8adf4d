use bailiwick_api::op;
use bailiwick_model::limits::Quotas;
use bailiwick_model::{AccountId, ServerCertificateName};
use bailiwick_operation::SecretPlace;
use bailiwick_storage::ServerCertificate;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};
use serde_json::{Value, json};

use crate::testing::{ACCOUNT, World, column};

const ARN: &str = "arn:aws:iam::111122223333:server-certificate";

fn params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(2999, 1, 2);
    params
}

/// A certificate in PEM form, its key, and the certificate of its issuer.
struct Made {
    body: String,
    key: String,
    issuer: String,
}

fn made(leaf: &CertificateParams) -> Made {
    let (root_key, key) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
    let mut root = params("root");
    root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let issuer = root.self_signed(&root_key).unwrap().pem();
    let body = leaf.signed_by(&key, &Issuer::from_params(&root, &root_key)).unwrap().pem();
    Made { body, key: key.serialize_pem(), issuer }
}

impl Made {
    fn request(&self, name: &str) -> Value {
        json!({"ServerCertificateName": name, "CertificateBody": self.body, "PrivateKey": self.key})
    }

    async fn uploaded(&self, w: &World, name: &str) -> Value {
        let made = w.ok::<op::UploadServerCertificate>(self.request(name)).await;
        made["ServerCertificateMetadata"].clone()
    }
}

fn named(name: &str) -> Value {
    json!({"ServerCertificateName": name})
}

async fn stored(w: &World, name: &str) -> ServerCertificate {
    let account = AccountId::parse(ACCOUNT).unwrap();
    w.begin().await.get(account, &ServerCertificateName::parse(name).unwrap()).await.unwrap()
}

#[tokio::test]
async fn a_certificate_is_shown_and_its_key_is_not() {
    let w = World::new().await;
    let made = made(&params("leaf"));
    let mut request = made.request("Web");
    request["Path"] = json!("/tls/");
    request["CertificateChain"] = json!(made.issuer);
    request["Tags"] = json!([{"Key": "a", "Value": "b"}]);
    let shown = w.ok::<op::UploadServerCertificate>(request).await;
    let metadata = &shown["ServerCertificateMetadata"];
    assert_eq!(metadata["Arn"], json!(format!("{ARN}/tls/Web")));
    assert!(metadata["ServerCertificateId"].as_str().unwrap().starts_with("ASCA"));
    assert_eq!(metadata["Expiration"], json!("2999-01-02T00:00:00Z"));
    let got = w.ok::<op::GetServerCertificate>(named("web")).await;
    let expected = json!({
        "ServerCertificateMetadata": metadata, "CertificateBody": made.body.trim(), "CertificateChain": made.issuer.trim(),
        "Tags": shown["Tags"],
    });
    assert_eq!(got, json!({"ServerCertificate": expected}));
    let listed = w.ok::<op::ListServerCertificates>(json!({"PathPrefix": "/tls/"})).await;
    assert_eq!(listed, json!({"ServerCertificateMetadataList": [metadata], "IsTruncated": false}));

    let record = stored(&w, "web").await;
    assert!(
        !format!("{record:?}").contains("PRIVATE") && !String::from_utf8_lossy(&record.sealed_key).contains("PRIVATE")
    );
    let place = SecretPlace { table: "server-certificate", account: record.account, owner: "", id: record.id.as_str() };
    assert_eq!(place.open(&w.deployment.sealer, &record.sealed_key).unwrap().expose(), made.key.as_bytes());
    let other = SecretPlace { id: "ASCAAAAAAAAAAAAAAAAAA", ..place };
    assert!(other.open(&w.deployment.sealer, &record.sealed_key).is_err());
}

#[tokio::test]
async fn texts_that_do_not_belong_together_are_refused() {
    let w = World::new().await;
    let (one, other) = (made(&params("leaf")), made(&params("leaf")));
    let pem = "MalformedCertificate: Unable to parse certificate. Please ensure the certificate is in PEM format.";
    let key = "MalformedCertificate: Invalid Private Key.";
    let mismatch = "KeyPairMismatch: The private key did not match the public key provided. Please verify the key material \
                    and try again.";
    let no_chain = "MalformedCertificate: expected certificates in PEM form and nothing else";
    let chain = |index: i32| {
        format!(
            "MalformedCertificate: Unable to validate certificate chain. The certificate chain must start with the \
             immediate signing certificate, followed by any intermediaries in order. The index within the chain of the \
             invalid certificate is: {index}"
        )
    };
    let twice = format!("{}{}", one.body, one.issuer);
    let root_twice = format!("{}{}", one.issuer, one.issuer);
    let wrong_second = format!("{}{}", one.issuer, other.issuer);
    let encrypted = one.key.replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY");
    for (member, value, expected) in [
        ("CertificateBody", "x", pem.to_owned()),
        ("CertificateBody", &twice, pem.into()),
        ("CertificateBody", &one.key, pem.into()),
        ("PrivateKey", "x", key.into()),
        ("PrivateKey", &one.body, key.into()),
        ("PrivateKey", &encrypted, key.into()),
        ("PrivateKey", &other.key, mismatch.into()),
        ("CertificateChain", "x", no_chain.into()),
        ("CertificateChain", &one.key, no_chain.into()),
        ("CertificateChain", &other.issuer, chain(-1)),
        ("CertificateChain", &wrong_second, chain(-1)),
    ] {
        let mut request = one.request("Web");
        request[member] = json!(value);
        w.fails::<op::UploadServerCertificate>(request, &expected).await;
    }
    // A root issued itself.
    let mut request = one.request("Web");
    request["CertificateChain"] = json!(root_twice);
    w.ok::<op::UploadServerCertificate>(request).await;
}

#[tokio::test]
async fn a_certificate_must_be_valid_when_it_is_uploaded() {
    let w = World::new().await;
    let (mut past, mut future) = (params("leaf"), params("leaf"));
    past.not_after = date_time_ymd(2020, 2, 1);
    future.not_before = date_time_ymd(2998, 1, 1);
    let ended = "Certificate is no longer valid. The 'Not After' date restriction on the certificate has passed.";
    let not_begun =
        "Certificate is not yet valid. The 'Not Before' date restriction on the certificate has not passed.";
    for (params, message) in [(past, ended), (future, not_begun)] {
        let expected = format!("MalformedCertificate: {message}");
        w.fails::<op::UploadServerCertificate>(made(&params).request("Web"), &expected).await;
    }
}

#[tokio::test]
async fn names_are_unique_and_limited() {
    let w = World::with_quotas(Quotas { server_certificates: 2, ..Quotas::default() }).await;
    let made = made(&params("leaf"));
    made.uploaded(&w, "Web").await;
    let exists = "EntityAlreadyExists: The Server Certificate with name WEB already exists.";
    w.fails::<op::UploadServerCertificate>(made.request("WEB"), exists).await;
    made.uploaded(&w, "Mail").await;
    let full = "LimitExceeded: Cannot exceed quota for ServerCertificatesPerAccount: 2";
    w.fails::<op::UploadServerCertificate>(made.request("More"), full).await;
    let first = w.ok::<op::ListServerCertificates>(json!({"MaxItems": 1})).await;
    let rest = w.ok::<op::ListServerCertificates>(json!({"Marker": first["Marker"]})).await;
    let names = [&first, &rest].map(|page| column(&page["ServerCertificateMetadataList"], "ServerCertificateName"));
    assert_eq!(names.concat(), ["Mail", "Web"]);
    let summary = w.ok::<op::GetAccountSummary>(json!({})).await["SummaryMap"].clone();
    assert_eq!((&summary["ServerCertificates"], &summary["ServerCertificatesQuota"]), (&json!(2), &json!(2)));
    w.ok::<op::DeleteServerCertificate>(named("web")).await;
    let missing = "NoSuchEntity: The Server Certificate with name web cannot be found.";
    w.fails::<op::DeleteServerCertificate>(named("web"), missing).await;
    w.fails::<op::GetServerCertificate>(named("web"), missing).await;
    made.uploaded(&w, "More").await;
}

#[tokio::test]
async fn a_rename_keeps_the_id_and_the_key() {
    let w = World::new().await;
    let made = made(&params("leaf"));
    let before = made.uploaded(&w, "Web").await;
    made.uploaded(&w, "Mail").await;
    let update =
        |name: &str| json!({"ServerCertificateName": "Web", "NewServerCertificateName": name, "NewPath": "/new/"});
    for name in ["mail", "WEB"] {
        let exists = format!("EntityAlreadyExists: The Server Certificate with name {name} already exists.");
        w.fails::<op::UpdateServerCertificate>(update(name), &exists).await;
    }
    let old = stored(&w, "Web").await;
    w.ok::<op::UpdateServerCertificate>(update("Site")).await;
    let new = stored(&w, "site").await;
    assert_eq!((new.id, &new.sealed_key, &new.body), (old.id, &old.sealed_key, &old.body));
    let got = w.ok::<op::GetServerCertificate>(named("Site")).await["ServerCertificate"].clone();
    assert_eq!(got["ServerCertificateMetadata"]["Arn"], json!(format!("{ARN}/new/Site")));
    assert_eq!(got["ServerCertificateMetadata"]["ServerCertificateId"], before["ServerCertificateId"]);
    let missing = "NoSuchEntity: The Server Certificate with name Web cannot be found.";
    w.fails::<op::GetServerCertificate>(named("Web"), missing).await;
    made.uploaded(&w, "Web").await;
}

#[tokio::test]
async fn each_operation_needs_its_permission_on_the_certificate() {
    let w = World::new().await;
    let made = made(&params("leaf"));
    let mut request = made.request("Web");
    let upload = format!("iam:UploadServerCertificate {ARN}/Web");
    w.needs::<op::UploadServerCertificate>(request.clone(), &[&upload]).await;
    request["Tags"] = json!([{"Key": "a", "Value": "b"}]);
    let tagged = |action: &str| format!("iam:{action} {ARN}/Web aws:RequestTag/a=b aws:TagKeys=[a]");
    let both = [tagged("UploadServerCertificate"), tagged("TagServerCertificate")];
    w.needs::<op::UploadServerCertificate>(request.clone(), &[&both[0], &both[1]]).await;
    request["Path"] = json!("/x/");
    w.ok::<op::UploadServerCertificate>(request).await;
    let on = |action: &str| format!("iam:{action} {ARN}/x/Web aws:ResourceTag/a=b");
    w.needs::<op::GetServerCertificate>(named("web"), &[&on("GetServerCertificate")]).await;
    w.needs::<op::DeleteServerCertificate>(named("web"), &[&on("DeleteServerCertificate")]).await;
    w.needs::<op::ListServerCertificateTags>(named("web"), &[&on("ListServerCertificateTags")]).await;
    w.needs::<op::ListServerCertificates>(json!({}), &["iam:ListServerCertificates *"]).await;
    let moved = json!({"ServerCertificateName": "Web", "NewServerCertificateName": "Site"});
    let new = format!("iam:UpdateServerCertificate {ARN}/x/Site aws:ResourceTag/a=b");
    w.needs::<op::UpdateServerCertificate>(moved, &[&on("UpdateServerCertificate"), &new]).await;
    w.needs::<op::GetServerCertificate>(named("no"), &[&format!("iam:GetServerCertificate {ARN}/no")]).await;
    w.ok::<op::UntagServerCertificate>(json!({"ServerCertificateName": "web", "TagKeys": ["a"]})).await;
    w.ok::<op::TagServerCertificate>(json!({"ServerCertificateName": "web", "Tags": [{"Key": "c", "Value": "d"}]}))
        .await;
    let listed = w.ok::<op::ListServerCertificateTags>(named("web")).await;
    assert_eq!(listed, json!({"Tags": [{"Key": "c", "Value": "d"}], "IsTruncated": false}));
}
