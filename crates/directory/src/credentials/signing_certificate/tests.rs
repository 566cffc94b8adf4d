use bailiwick_api::op;
use rcgen::{CertificateParams, KeyPair, date_time_ymd};
use serde_json::{Value, json};

use crate::testing::{World, column};

/// A new certificate in PEM form that expires at the end of that year.
fn certificate(expires: i32) -> String {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.not_after = date_time_ymd(expires, 12, 31);
    params.self_signed(&KeyPair::generate().unwrap()).unwrap().pem()
}

async fn upload(world: &World, user: &str, body: &str) -> Value {
    let request = json!({"UserName": user, "CertificateBody": body});
    world.ok::<op::UploadSigningCertificate>(request).await["Certificate"].clone()
}

async fn list(world: &World, user: &str) -> Value {
    world.ok::<op::ListSigningCertificates>(json!({"UserName": user})).await["Certificates"].clone()
}

#[tokio::test]
async fn a_certificate_is_uploaded_listed_changed_and_deleted() {
    let w = World::new().await;
    w.user("Bob").await;
    assert_eq!(list(&w, "Bob").await, json!(null));
    let body = certificate(2999);
    let made = upload(&w, "bob", &body).await;
    let id = made["CertificateId"].as_str().unwrap();
    assert_eq!(id.len(), 32);
    assert_eq!(made["CertificateBody"], body);
    assert_eq!((&made["UserName"], &made["Status"]), (&json!("Bob"), &json!("Active")));
    assert!(made["UploadDate"].is_string());
    assert_eq!(list(&w, "Bob").await, json!([made]));
    for status in ["Inactive", "Active"] {
        let change = json!({"UserName": "Bob", "CertificateId": id, "Status": status});
        w.ok::<op::UpdateSigningCertificate>(change).await;
        assert_eq!(column(&list(&w, "Bob").await, "Status"), [status]);
    }
    let refused = "InvalidInput: Operation does not support status Expired";
    let change = json!({"UserName": "Bob", "CertificateId": id, "Status": "Expired"});
    w.fails::<op::UpdateSigningCertificate>(change, refused).await;
    let conflict = "DeleteConflict: Cannot delete entity, must delete certificates first.";
    w.fails::<op::DeleteUser>(json!({"UserName": "Bob"}), conflict).await;
    w.ok::<op::DeleteSigningCertificate>(json!({"UserName": "Bob", "CertificateId": id})).await;
    assert_eq!(list(&w, "Bob").await, json!(null));
    w.ok::<op::DeleteUser>(json!({"UserName": "Bob"})).await;
}

#[tokio::test]
async fn a_certificate_belongs_to_one_user_who_has_two_at_most() {
    let w = World::new().await;
    w.user("Bob").await;
    w.user("Eva").await;
    let body = certificate(2999);
    let first = upload(&w, "Bob", &body).await;
    // Another text of the same certificate.
    let again = format!("\n{body}\n");
    let request = json!({"UserName": "Eva", "CertificateBody": again});
    let duplicate = "DuplicateCertificate: Duplicate certificate uploaded.";
    w.fails::<op::UploadSigningCertificate>(request, duplicate).await;
    // For its user nothing changes, although the response shows it as active.
    let id = &first["CertificateId"];
    let inactive = json!({"UserName": "Bob", "CertificateId": id, "Status": "Inactive"});
    w.ok::<op::UpdateSigningCertificate>(inactive).await;
    w.clock.advance(60);
    assert_eq!(upload(&w, "Bob", &again).await, first);
    assert_eq!(column(&list(&w, "Bob").await, "Status"), ["Inactive"]);
    upload(&w, "Bob", &certificate(2999)).await;
    let third = json!({"UserName": "Bob", "CertificateBody": certificate(2999)});
    let full = "LimitExceeded: Cannot exceed quota for CertificatesPerUser: 2";
    w.fails::<op::UploadSigningCertificate>(third.clone(), full).await;
    let page = w.ok::<op::ListSigningCertificates>(json!({"UserName": "Bob", "MaxItems": 1})).await;
    let rest = json!({"UserName": "Bob", "Marker": page["Marker"]});
    let rest = w.ok::<op::ListSigningCertificates>(rest).await;
    let mut ids = [&page, &rest].map(|page| column(&page["Certificates"], "CertificateId")).concat();
    let found = ids.contains(&first["CertificateId"].as_str().unwrap().to_owned());
    ids.dedup();
    assert!(found && ids.len() == 2 && ids.is_sorted(), "{ids:?}");
    w.ok::<op::DeleteSigningCertificate>(json!({"UserName": "Bob", "CertificateId": first["CertificateId"]})).await;
    upload(&w, "Eva", &body).await;
    w.ok::<op::UploadSigningCertificate>(third).await;
}

#[tokio::test]
async fn what_is_not_one_valid_certificate_is_refused() {
    let w = World::new().await;
    w.user("Bob").await;
    let (good, key) = (certificate(2999), KeyPair::generate().unwrap().serialize_pem());
    let expired = certificate(2001);
    for (body, expected) in [
        ("no certificate", "MalformedCertificate: Certificate no certificate is malformed."),
        (&good.repeat(2), &format!("MalformedCertificate: Certificate {good}{good} is malformed.")),
        (
            &format!("{good}{key}"),
            "MalformedCertificate: Certificate (not shown: it contains a private key) is malformed.",
        ),
        (&expired, &format!("MalformedCertificate: Certificate {expired} is malformed.")),
    ] {
        let request = json!({"UserName": "Bob", "CertificateBody": body});
        w.fails::<op::UploadSigningCertificate>(request, expected).await;
    }
    let nobody = json!({"UserName": "nobody", "CertificateBody": "x"});
    let missing = "NoSuchEntity: The user with name nobody cannot be found.";
    w.fails::<op::UploadSigningCertificate>(nobody, missing).await;
}

#[tokio::test]
async fn a_certificate_is_found_under_its_owner_only() {
    let w = World::new().await;
    w.user("Bob").await;
    w.user("Eva").await;
    let id = upload(&w, "Bob", &certificate(2999)).await["CertificateId"].as_str().unwrap().to_owned();
    let missing = format!("NoSuchEntity: The Certificate with id {id} cannot be found.");
    for request in [json!({"UserName": "Eva", "CertificateId": id}), json!({"CertificateId": id})] {
        w.fails::<op::DeleteSigningCertificate>(request.clone(), &missing).await;
        let mut change = request;
        change["Status"] = json!("Inactive");
        w.fails::<op::UpdateSigningCertificate>(change, &missing).await;
    }
}

#[tokio::test]
async fn without_a_name_it_is_the_callers() {
    let w = World::new().await;
    w.user("Bob").await;
    w.role("Runner").await;
    let own = json!({"CertificateBody": certificate(2999)});
    let bob = w.as_user("Bob").await;
    let made = bob.ok::<op::UploadSigningCertificate>(own).await;
    assert_eq!(made["Certificate"]["UserName"], "Bob");
    assert_eq!(bob.ok::<op::ListSigningCertificates>(json!({})).await["Certificates"], json!([made["Certificate"]]));
    let summary = async || w.ok::<op::GetAccountSummary>(json!({})).await["SummaryMap"].clone();
    assert_eq!(summary().await["AccountSigningCertificatesPresent"], 0);
    let root = w.ok::<op::UploadSigningCertificate>(json!({"CertificateBody": certificate(2999)})).await;
    assert_eq!(root["Certificate"].get("UserName"), None);
    assert_eq!(summary().await["AccountSigningCertificatesPresent"], 1);
    let session = w.as_session("Runner").await;
    let refused = "ValidationError: Must specify userName when calling with non-User credentials";
    session.fails::<op::ListSigningCertificates>(json!({}), refused).await;
}
