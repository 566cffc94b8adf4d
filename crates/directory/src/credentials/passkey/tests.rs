use bailiwick_api::op;
use bailiwick_testing::authenticator::{
    ATTESTED, AuthData, Authenticator, USER_PRESENT, attestation_object, client_data,
};
use data_encoding::BASE64URL_NOPAD;
use serde_json::{Value, json};

use crate::testing::World;

const BOB: &str = "arn:aws:iam::111122223333:user/x/Bob";

async fn world() -> World {
    let w = World::new().await;
    w.ok::<op::CreateUser>(json!({"UserName": "Bob", "Path": "/x/"})).await;
    w
}

/// The request that registers an authenticator with this challenge.
fn finish(user: Option<&str>, label: &str, authenticator: &Authenticator, challenge: &str) -> Value {
    let data = AuthData {
        relying_party: "iam.example.com".into(),
        flags: USER_PRESENT | ATTESTED,
        counter: 0,
        credential: Some((authenticator.id.clone(), authenticator.cose_key())),
        after: Vec::new(),
    };
    let challenge = BASE64URL_NOPAD.decode(challenge.as_bytes()).unwrap();
    let client_data = client_data("webauthn.create", &challenge, "https://iam.example.com");
    let mut request = json!({
        "label": label,
        "clientData": BASE64URL_NOPAD.encode(client_data.as_bytes()),
        "attestationObject": BASE64URL_NOPAD.encode(&attestation_object(&data.encode())),
    });
    if let Some(user) = user {
        request["userName"] = user.into();
    }
    request
}

async fn challenge(w: &World, user: Option<&str>) -> String {
    let request = user.map_or_else(|| json!({}), |user| json!({ "userName": user }));
    let begun = w.ok::<op::BeginPasskeyRegistration>(request).await;
    begun["creation"]["challenge"].as_str().unwrap().to_owned()
}

/// Registers a passkey, and returns its serial number.
async fn registered(w: &World, user: Option<&str>, label: &str) -> String {
    let request = finish(user, label, &Authenticator::eddsa(), &challenge(w, user).await);
    w.ok::<op::FinishPasskeyRegistration>(request).await["serialNumber"].as_str().unwrap().to_owned()
}

async fn serials(w: &World, user: &str) -> Vec<String> {
    let listed = w.ok::<op::ListMFADevices>(json!({ "UserName": user })).await;
    crate::testing::column(&listed["MFADevices"], "SerialNumber")
}

#[tokio::test]
async fn a_browser_gets_what_it_needs() {
    let w = world().await;
    let begun = w.ok::<op::BeginPasskeyRegistration>(json!({"userName": "bob"})).await;
    let creation = &begun["creation"];
    let user = &creation["user"];
    assert_eq!((&user["name"], &user["displayName"]), (&json!("Bob@111122223333"), &json!("Bob")));
    let handle = BASE64URL_NOPAD.decode(user["id"].as_str().unwrap().as_bytes()).unwrap();
    assert!(handle.starts_with(b"111122223333/AIDA") && handle.len() <= 64);
    assert_eq!(creation["rp"], json!({"id": "iam.example.com", "name": "iam.example.com"}));
    let algorithms: Vec<i64> =
        creation["pubKeyCredParams"].as_array().unwrap().iter().map(|one| one["alg"].as_i64().unwrap()).collect();
    assert_eq!(algorithms, [-7, -8, -257]);
    assert_eq!(creation["attestation"], "none");
    assert_eq!(creation["timeout"], 300_000);
    assert_ne!(challenge(&w, Some("Bob")).await, challenge(&w, Some("Bob")).await);
}

#[tokio::test]
async fn a_passkey_is_an_mfa_device() {
    let w = world().await;
    let (key, begun) = (Authenticator::es256(), challenge(&w, Some("bob")).await);
    let needed = |step: &str| format!("iam:EnableMFADevice {BOB} iam:RegisterSecurityKey={step}");
    w.needs::<op::BeginPasskeyRegistration>(json!({"userName": "bob"}), &[&needed("Create")]).await;
    let request = finish(Some("bob"), "Key", &key, &begun);
    w.needs::<op::FinishPasskeyRegistration>(request.clone(), &[&needed("Activate")]).await;
    let made = w.ok::<op::FinishPasskeyRegistration>(request).await;
    let serial = made["serialNumber"].as_str().unwrap().to_owned();
    let (label, id) = serial.rsplit_once('-').unwrap();
    assert_eq!(label, "arn:aws:iam::111122223333:u2f/user/Bob/Key");
    assert!(id.len() == 26 && id.bytes().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit()), "{id}");
    let target = json!({"UserName": "Bob", "SerialNumber": serial});
    w.needs::<op::GetMFADevice>(target.clone(), &[&format!("iam:GetMFADevice {BOB}")]).await;
    let shown = w.ok::<op::GetMFADevice>(target.clone()).await;
    let date = shown["EnableDate"].clone();
    assert!(date.is_string());
    assert_eq!((&shown["UserName"], &shown["SerialNumber"]), (&json!("Bob"), &json!(serial)));
    let listed = w.ok::<op::ListMFADevices>(json!({"UserName": "Bob"})).await;
    let row = json!({"UserName": "Bob", "SerialNumber": serial, "EnableDate": date});
    assert_eq!(listed, json!({"MFADevices": [row], "IsTruncated": false}));
    assert_eq!(w.as_user("Bob").await.ok::<op::ListMFADevices>(json!({})).await, listed);
    // It is not a virtual device.
    let virtual_devices = w.ok::<op::ListVirtualMFADevices>(json!({})).await;
    assert_eq!(virtual_devices, json!({"IsTruncated": false}));
    let summary = w.ok::<op::GetAccountSummary>(json!({})).await["SummaryMap"].clone();
    assert_eq!((&summary["MFADevices"], &summary["MFADevicesInUse"]), (&json!(1), &json!(1)));
    let codes = json!({"UserName": "Bob", "SerialNumber": serial, "AuthenticationCode1": "000000",
        "AuthenticationCode2": "000000"});
    w.fails::<op::ResyncMFADevice>(codes.clone(), "NoSuchEntity: MFA Device invalid for user.").await;
    let missing = format!("NoSuchEntity: MFA Device with serial number {serial} does not exist.");
    let invalid = format!("InvalidInput: ARN {serial} is not valid.");
    w.fails::<op::EnableMFADevice>(codes, &invalid).await;
    w.fails::<op::DeleteVirtualMFADevice>(json!({"SerialNumber": serial}), &invalid).await;
    w.fails::<op::ListMFADeviceTags>(json!({"SerialNumber": serial}), &invalid).await;
    let conflict = "DeleteConflict: Cannot delete entity, must remove tokens from principal first.";
    w.fails::<op::DeleteUser>(json!({"UserName": "Bob"}), conflict).await;
    w.needs::<op::DeactivateMFADevice>(target.clone(), &[&format!("iam:DeactivateMFADevice {BOB}")]).await;
    w.ok::<op::DeactivateMFADevice>(target.clone()).await;
    for _ in 0..2 {
        w.fails::<op::GetMFADevice>(target.clone(), &missing).await;
        w.fails::<op::DeactivateMFADevice>(target.clone(), &missing).await;
    }
    assert!(serials(&w, "Bob").await.is_empty());
    let summary = w.ok::<op::GetAccountSummary>(json!({})).await["SummaryMap"].clone();
    assert_eq!((&summary["MFADevices"], &summary["MFADevicesInUse"]), (&json!(0), &json!(0)));
    // The credential can be registered again.
    let request = finish(Some("Bob"), "Key", &key, &challenge(&w, Some("Bob")).await);
    w.ok::<op::FinishPasskeyRegistration>(request).await;
}

#[tokio::test]
async fn serial_numbers_name_one_passkey_of_one_user() {
    let w = world().await;
    w.user("Eve").await;
    let serial = registered(&w, Some("Bob"), "Key").await;
    let id = serial.rsplit_once('-').unwrap().1;
    let missing = |serial: &str| format!("NoSuchEntity: MFA Device with serial number {serial} does not exist.");
    for (user, other) in [
        ("Eve", serial.clone()),
        ("Bob", serial.replace("/Bob/", "/Eve/")),
        ("Bob", serial.replace("/Bob/", "/bob/")),
        ("Bob", serial.replace("Key", "key")),
        ("Bob", serial.replace("user/Bob", "root")),
        ("Bob", serial.replace("111122223333", "444455556666")),
        ("Bob", format!("arn:aws:iam::111122223333:u2f/user/Bob/Key-{}", id.to_ascii_lowercase())),
    ] {
        let target = json!({"UserName": user, "SerialNumber": other});
        w.fails::<op::GetMFADevice>(target.clone(), &missing(&other)).await;
        w.fails::<op::DeactivateMFADevice>(target, &missing(&other)).await;
    }
    for other in ["u2f/Key-A", "u2f/user/Bob", "u2f/user/Bob/", "u2f/user/Bob/-A", "u2f/user//K-A", "u2f/role/Bob/K-A"]
    {
        let other = format!("arn:aws:iam::111122223333:{other}");
        let target = json!({"UserName": "Bob", "SerialNumber": other});
        w.fails::<op::GetMFADevice>(target, &format!("InvalidInput: ARN {other} is not valid.")).await;
    }
    // A new name of the user is in the serial number; the old one is not.
    w.ok::<op::UpdateUser>(json!({"UserName": "Bob", "NewUserName": "Robert"})).await;
    let renamed = serial.replace("/Bob/", "/Robert/");
    assert_eq!(serials(&w, "Robert").await, std::slice::from_ref(&renamed));
    w.fails::<op::GetMFADevice>(json!({"UserName": "Robert", "SerialNumber": serial}), &missing(&serial)).await;
    w.ok::<op::GetMFADevice>(json!({"UserName": "Robert", "SerialNumber": renamed})).await;
    w.ok::<op::DeactivateMFADevice>(json!({"UserName": "Robert", "SerialNumber": renamed})).await;
    w.ok::<op::DeleteUser>(json!({"UserName": "Robert"})).await;
}

#[tokio::test]
async fn root_has_passkeys_of_its_own() {
    let w = world().await;
    let serial = registered(&w, None, "Key").await;
    assert!(serial.starts_with("arn:aws:iam::111122223333:u2f/root/Key-"), "{serial}");
    assert_eq!(w.ok::<op::GetMFADevice>(json!({"SerialNumber": serial})).await["SerialNumber"], json!(serial));
    let summary = w.ok::<op::GetAccountSummary>(json!({})).await["SummaryMap"].clone();
    assert_eq!(summary["AccountMFAEnabled"], json!(1));
    w.ok::<op::DeactivateMFADevice>(json!({"SerialNumber": serial})).await;
    w.role("Deploy").await;
    w.as_session("Deploy")
        .await
        .fails::<op::BeginPasskeyRegistration>(
            json!({}),
            "ValidationError: Must specify userName when calling with non-User credentials",
        )
        .await;
}

#[tokio::test]
async fn a_user_has_eight_devices_of_both_kinds() {
    let w = world().await;
    for number in 0..8 {
        registered(&w, Some("Bob"), &format!("Key{number}")).await;
    }
    let request = finish(Some("Bob"), "Key8", &Authenticator::eddsa(), &challenge(&w, Some("Bob")).await);
    w.fails::<op::FinishPasskeyRegistration>(request, "LimitExceeded: Cannot exceed quota for MFADevicesPerUser: 8")
        .await;
    let all = serials(&w, "Bob").await;
    assert_eq!(all.len(), 8);
    // Pages.
    let (mut paged, mut marker) = (Vec::new(), Value::Null);
    loop {
        let mut request = json!({"UserName": "Bob", "MaxItems": 3});
        if marker.is_string() {
            request["Marker"] = marker;
        }
        let page = w.ok::<op::ListMFADevices>(request).await;
        paged.extend(crate::testing::column(&page["MFADevices"], "SerialNumber"));
        marker = page["Marker"].clone();
        if page["IsTruncated"] == json!(false) {
            break;
        }
    }
    assert_eq!(paged, all);
    w.fails::<op::BeginPasskeyRegistration>(
        json!({"userName": "Nobody"}),
        "NoSuchEntity: The user with name Nobody cannot be found.",
    )
    .await;
}

/// Two registrations of one credential at the same time: one of them is made.
#[tokio::test]
async fn one_of_two_registrations_of_a_credential_is_made() {
    let w = world().await;
    w.user("Eve").await;
    let key = Authenticator::eddsa();
    let of_bob = finish(Some("Bob"), "Key", &key, &challenge(&w, Some("Bob")).await);
    let of_eve = finish(Some("Eve"), "Key", &key, &challenge(&w, Some("Eve")).await);
    assert!(w.collide::<op::FinishPasskeyRegistration, op::FinishPasskeyRegistration>(of_bob, of_eve).await);
}
