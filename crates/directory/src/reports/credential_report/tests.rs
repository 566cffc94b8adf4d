use bailiwick_api::op;
use bailiwick_model::{AccessKeyId, AccountId};
use bailiwick_storage::{AccessKeyLastUsed, RootPassword};
use serde_json::{Value, json};

use super::write_requested;
use crate::testing::{ACCOUNT, World, column};

async fn state(w: &World) -> String {
    w.ok::<op::GenerateCredentialReport>(json!({})).await["State"].as_str().unwrap().to_owned()
}

/// The lines of the report.
async fn report(w: &World) -> Vec<String> {
    let response = w.ok::<op::GetCredentialReport>(json!({})).await;
    assert_eq!(response["ReportFormat"], "text/csv");
    // JSON has bytes in base64.
    let text = String::from_utf8(decoded(&response["Content"])).unwrap();
    text.lines().map(str::to_owned).collect()
}

fn decoded(content: &Value) -> Vec<u8> {
    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let (mut bytes, mut bits, mut held) = (Vec::new(), 0_u32, 0);
    for digit in content.as_str().unwrap().bytes().filter(|digit| *digit != b'=') {
        bits = bits << 6 | DIGITS.iter().position(|known| *known == digit).unwrap() as u32;
        held += 6;
        if held >= 8 {
            held -= 8;
            bytes.push((bits >> held) as u8);
        }
    }
    bytes
}

#[tokio::test]
async fn a_report_is_requested_written_and_read() {
    let w = World::new().await;
    let none = "ReportNotPresent: no credential report exists: generate one with GenerateCredentialReport";
    w.fails::<op::GetCredentialReport>(json!({}), none).await;
    assert_eq!(state(&w).await, "STARTED");
    assert_eq!(state(&w).await, "INPROGRESS");
    let early = "ReportInProgress: the credential report is still being generated";
    w.fails::<op::GetCredentialReport>(json!({}), early).await;
    write_requested(&w.store, &w.deployment).await.unwrap();
    assert_eq!(state(&w).await, "COMPLETE");
    assert_eq!(report(&w).await.len(), 2);
    // Until it expires, no other is generated.
    w.user("Late").await;
    w.clock.advance(4 * 3600 - 1);
    assert_eq!(state(&w).await, "COMPLETE");
    write_requested(&w.store, &w.deployment).await.unwrap();
    assert_eq!(report(&w).await.len(), 2);
    w.clock.advance(1);
    let old = "ReportExpired: the credential report is older than four hours: generate another one with \
               GenerateCredentialReport";
    w.fails::<op::GetCredentialReport>(json!({}), old).await;
    assert_eq!(state(&w).await, "STARTED");
    write_requested(&w.store, &w.deployment).await.unwrap();
    assert_eq!(report(&w).await.len(), 3);
    w.needs::<op::GenerateCredentialReport>(json!({}), &["iam:GenerateCredentialReport *"]).await;
    w.needs::<op::GetCredentialReport>(json!({}), &["iam:GetCredentialReport *"]).await;
}

#[tokio::test]
async fn root_has_a_password_once_it_is_set() {
    let w = World::new().await;
    let account = AccountId::parse(ACCOUNT).unwrap();
    let now = w.deployment.clock.now();
    for (last_used, expected) in [(None, "no_information"), (Some(now), "T12:00:00Z")] {
        let mut tx = w.begin().await;
        let password = RootPassword { changed: now, sealed_hash: b"sealed".as_slice().into(), last_used };
        tx.put_account_setting(account, &password).await.unwrap();
        w.commit(tx).await;
        state(&w).await;
        write_requested(&w.store, &w.deployment).await.unwrap();
        let row = report(&w).await[1].clone();
        let columns: Vec<_> = row.split(',').collect();
        assert_eq!((columns[3], columns[6]), ("true", "not_supported"), "{row}");
        assert!(columns[4].ends_with(expected) && columns[5].ends_with("T12:00:00Z"), "{row}");
        w.clock.advance(4 * 3600);
    }
}

#[tokio::test]
async fn each_column_is_what_is_stored() {
    let w = World::new().await;
    w.user("Bob").await;
    w.ok::<op::CreateUser>(json!({"UserName": "an,na", "Path": "/x/"})).await;
    let key = |user: &str| json!({"UserName": user});
    let first = w.ok::<op::CreateAccessKey>(key("Bob")).await["AccessKey"]["AccessKeyId"].clone();
    w.clock.advance(60);
    let second = w.ok::<op::CreateAccessKey>(key("Bob")).await["AccessKey"]["AccessKeyId"].clone();
    let inactive = json!({"UserName": "Bob", "AccessKeyId": first, "Status": "Inactive"});
    w.ok::<op::UpdateAccessKey>(inactive).await;
    let mut tx = w.begin().await;
    let time = w.deployment.clock.now();
    let used = AccessKeyLastUsed { time, service: "s3".into(), region: "eu-central-1".into() };
    let id = AccessKeyId::parse(second.as_str().unwrap()).unwrap();
    tx.put_access_key_last_used(AccountId::parse(ACCOUNT).unwrap(), &id, &used).await.unwrap();
    w.commit(tx).await;
    state(&w).await;
    write_requested(&w.store, &w.deployment).await.unwrap();
    let lines = report(&w).await;
    let columns: Vec<_> = lines[0].split(',').collect();
    assert_eq!((columns.len(), columns[0], columns[12]), (22, "user", "access_key_1_last_used_service"));
    assert!(lines[1].starts_with("<root_account>,arn:aws:iam::111122223333:root,"), "{}", lines[1]);
    assert!(lines[1].contains(",false,N/A,N/A,not_supported,"), "{}", lines[1]);
    let no_password = "false,N/A,N/A,N/A,false";
    let no_key = "false,N/A,N/A,N/A,N/A";
    let rest = "false,N/A,false,N/A";
    let arn = "arn:aws:iam::111122223333:user";
    let (noon, later) = ("T12:00:00Z", "T12:01:00Z");
    let day = lines[2].split("user/x/an,na\",").nth(1).unwrap()[..10].to_owned();
    let anna = format!("\"an,na\",\"{arn}/x/an,na\",{day}{noon},{no_password},{no_key},{no_key},{rest}");
    let mut keys = [
        (first, format!("false,{day}{noon},N/A,N/A,N/A")),
        (second, format!("true,{day}{later},{day}{later},eu-central-1,s3")),
    ];
    keys.sort_by_key(|(id, _)| id.to_string());
    let keys = keys.map(|(_, columns)| columns).join(",");
    let bob = format!("Bob,{arn}/Bob,{day}{noon},{no_password},{keys},{rest}");
    assert_eq!(lines[2..], [anna, bob]);
}

/// A report spans pages and chunks, and a shorter one leaves nothing of the longer one before.
#[tokio::test]
async fn a_large_account_is_written_in_pieces() {
    let w = World::new().await;
    let names: Vec<String> = (0..450).map(|number| format!("user{number:03}")).collect();
    for name in &names {
        w.user(name).await;
    }
    state(&w).await;
    write_requested(&w.store, &w.deployment).await.unwrap();
    let lines = report(&w).await;
    let listed: Vec<_> = lines[2..].iter().map(|line| line.split(',').next().unwrap().to_owned()).collect();
    assert_eq!(listed, names);
    let listed = column(&w.ok::<op::ListUsers>(json!({"MaxItems": 1000})).await["Users"], "UserName");
    assert_eq!(listed, names);
}

#[tokio::test]
async fn passwords_have_ages() {
    let w = World::new().await;
    for name in ["Bob", "Eva"] {
        w.user(name).await;
    }
    w.ok::<op::CreateLoginProfile>(json!({"UserName": "Bob", "Password": "Correct-horse-battery-1"})).await;
    state(&w).await;
    write_requested(&w.store, &w.deployment).await.unwrap();
    let lines = report(&w).await;
    let fields: Vec<_> = lines[2].split(',').collect();
    assert_eq!((fields[3], fields[4], fields[6]), ("true", "no_information", "N/A"));
    assert_eq!(fields[5], fields[2], "the password is as old as the user");
    assert!(lines[3].contains(",false,N/A,N/A,N/A,"), "{}", lines[3]);
    w.ok::<op::UpdateAccountPasswordPolicy>(json!({"MaxPasswordAge": 1})).await;
    w.clock.advance(4 * 3600);
    state(&w).await;
    write_requested(&w.store, &w.deployment).await.unwrap();
    let lines = report(&w).await;
    let fields: Vec<_> = lines[2].split(',').collect();
    let [day, time] = [fields[5], fields[6]].map(|date| date.split_once('T').unwrap());
    assert_eq!(day.1, time.1);
    assert_ne!(day.0, time.0, "the password expires a day later");
}

#[tokio::test]
async fn inactive_signing_certificates_are_listed_first() {
    let w = World::new().await;
    w.user("Bob").await;
    let mut ids = Vec::new();
    for _ in 0..2 {
        let key = rcgen::generate_simple_self_signed(Vec::new()).unwrap();
        let request = json!({"UserName": "Bob", "CertificateBody": key.cert.pem()});
        let made = w.ok::<op::UploadSigningCertificate>(request).await;
        ids.push(made["Certificate"]["CertificateId"].clone());
        w.clock.advance(60);
    }
    let inactive = json!({"UserName": "Bob", "CertificateId": ids[1], "Status": "Inactive"});
    w.ok::<op::UpdateSigningCertificate>(inactive).await;
    state(&w).await;
    write_requested(&w.store, &w.deployment).await.unwrap();
    let lines = report(&w).await;
    let fields: Vec<_> = lines[2].split(',').collect();
    let times = [fields[19], fields[21]].map(|date| date.split_once('T').unwrap().1);
    assert_eq!((fields[18], fields[20], times), ("false", "true", ["12:01:00Z", "12:00:00Z"]));
}
