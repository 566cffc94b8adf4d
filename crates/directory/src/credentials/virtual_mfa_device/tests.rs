use bailiwick_api::op;
use bailiwick_federation::seed_text;
use data_encoding::{BASE32_NOPAD, BASE64};
use serde_json::{Value, json};

use crate::testing::{World, column};

const PHONE: &str = "arn:aws:iam::111122223333:mfa/x/Phone";

/// The bytes of a seed that a response shows: base32, in base64 as JSON has it.
pub(in crate::credentials) fn seed(device: &Value) -> Vec<u8> {
    BASE32_NOPAD.decode(&base64(&device["Base32StringSeed"])).unwrap()
}

fn base64(text: &Value) -> Vec<u8> {
    BASE64.decode(text.as_str().unwrap().as_bytes()).unwrap()
}

#[tokio::test]
async fn only_the_creation_shows_the_seed() {
    let w = World::new().await;
    let tags = json!([{"Key": "a", "Value": "b"}]);
    let request = json!({"VirtualMFADeviceName": "Phone", "Path": "/x/", "Tags": tags});
    let tagged = |action: &str| format!("iam:{action} {PHONE} aws:RequestTag/a=b aws:TagKeys=[a]");
    w.needs::<op::CreateVirtualMFADevice>(
        request.clone(),
        &[&tagged("CreateVirtualMFADevice"), &tagged("TagMFADevice")],
    )
    .await;
    let made = w.ok::<op::CreateVirtualMFADevice>(request.clone()).await["VirtualMFADevice"].clone();
    assert_eq!((&made["SerialNumber"], &made["Tags"]), (&json!(PHONE), &tags));
    let seed = seed(&made);
    assert_eq!(seed_text(&seed).into_bytes(), base64(&made["Base32StringSeed"]));
    assert_eq!(seed.len(), 40);
    assert!(base64(&made["QRCodePNG"]).starts_with(b"\x89PNG"));
    let listed = w.ok::<op::ListVirtualMFADevices>(json!({})).await;
    assert_eq!(listed, json!({"VirtualMFADevices": [{"SerialNumber": PHONE}], "IsTruncated": false}));
    let again = "EntityAlreadyExists: MFA device already exists.";
    w.fails::<op::CreateVirtualMFADevice>(json!({"VirtualMFADeviceName": "PHONE", "Path": "/X/"}), again).await;
    w.ok::<op::CreateVirtualMFADevice>(json!({"VirtualMFADeviceName": "Phone"})).await;
    let long = json!({"VirtualMFADeviceName": "Phone", "Path": format!("/{}/", "p".repeat(250))});
    let expected = "InvalidInput: the serial number of the device has more than 256 characters: shorten path or name";
    w.fails::<op::CreateVirtualMFADevice>(long, expected).await;
}

#[tokio::test]
async fn devices_are_listed_by_their_assignment() {
    let w = World::new().await;
    w.user("Bob").await;
    for name in ["c", "A", "b"] {
        let made = w.ok::<op::CreateVirtualMFADevice>(json!({"VirtualMFADeviceName": name})).await;
        if name == "A" {
            let totp = bailiwick_federation::Totp::new(&seed(&made["VirtualMFADevice"]));
            let step = w.cx().now().as_second() / 30;
            let [first, second] = [step - 1, step].map(|step| String::from_utf8(totp.code(step).to_vec()).unwrap());
            w.ok::<op::EnableMFADevice>(json!({
                "UserName": "Bob", "SerialNumber": made["VirtualMFADevice"]["SerialNumber"],
                "AuthenticationCode1": first, "AuthenticationCode2": second,
            }))
            .await;
        }
    }
    w.needs::<op::ListVirtualMFADevices>(json!({}), &["iam:ListVirtualMFADevices *"]).await;
    for (status, expected) in [("Any", "A b c"), ("Assigned", "A"), ("Unassigned", "b c")] {
        let listed = w.ok::<op::ListVirtualMFADevices>(json!({"AssignmentStatus": status})).await;
        let names = column(&listed["VirtualMFADevices"], "SerialNumber").join(" ");
        assert_eq!(names.replace("arn:aws:iam::111122223333:mfa/", ""), expected, "{status}");
    }
    let page = w.ok::<op::ListVirtualMFADevices>(json!({"MaxItems": 1})).await;
    assert_eq!(page["VirtualMFADevices"][0]["User"]["UserName"], "Bob");
    assert_eq!(page["IsTruncated"], true);
    let summary = w.ok::<op::GetAccountSummary>(json!({})).await["SummaryMap"].clone();
    assert_eq!((&summary["MFADevices"], &summary["MFADevicesInUse"]), (&json!(3), &json!(1)));
    let conflict = "DeleteConflict: MFA VirtualDevice in use. Must deactivate first.";
    let serial = |name: &str| json!({"SerialNumber": format!("arn:aws:iam::111122223333:mfa/{name}")});
    w.fails::<op::DeleteVirtualMFADevice>(serial("A"), conflict).await;
    w.ok::<op::DeleteVirtualMFADevice>(serial("b")).await;
    let missing = "NoSuchEntity: MFA Device with serial number arn:aws:iam::111122223333:mfa/b does not exist.";
    w.fails::<op::DeleteVirtualMFADevice>(serial("b"), missing).await;
}

#[tokio::test]
async fn tags_are_checked_on_the_device() {
    let w = World::new().await;
    w.ok::<op::CreateVirtualMFADevice>(json!({"VirtualMFADeviceName": "Phone", "Path": "/x/"})).await;
    let tag = json!({"SerialNumber": PHONE, "Tags": [{"Key": "a", "Value": "b"}]});
    w.needs::<op::TagMFADevice>(
        tag.clone(),
        &[&format!("iam:TagMFADevice {PHONE} aws:RequestTag/a=b aws:TagKeys=[a]")],
    )
    .await;
    w.ok::<op::TagMFADevice>(tag).await;
    let check = format!("iam:ListMFADeviceTags {PHONE} aws:ResourceTag/a=b");
    w.needs::<op::ListMFADeviceTags>(json!({"SerialNumber": PHONE}), &[&check]).await;
    let listed = w.ok::<op::ListMFADeviceTags>(json!({"SerialNumber": PHONE})).await;
    assert_eq!(listed, json!({"Tags": [{"Key": "a", "Value": "b"}], "IsTruncated": false}));
    w.ok::<op::UntagMFADevice>(json!({"SerialNumber": PHONE, "TagKeys": ["a"]})).await;
    assert_eq!(w.ok::<op::ListMFADeviceTags>(json!({"SerialNumber": PHONE})).await, json!({"IsTruncated": false}));
    let theirs = "arn:aws:iam::444455556666:mfa/Phone";
    let needed = format!("iam:ListMFADeviceTags {theirs} of 444455556666");
    w.needs::<op::ListMFADeviceTags>(json!({"SerialNumber": theirs}), &[&needed]).await;
    w.fails::<op::ListMFADeviceTags>(
        json!({"SerialNumber": "arn:aws:iam::111122223333:user/Bob"}),
        "InvalidInput: ARN arn:aws:iam::111122223333:user/Bob is not valid.",
    )
    .await;
}
