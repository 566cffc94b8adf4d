use bailiwick_api::op;
use bailiwick_federation::Totp;
use bailiwick_model::UserName;
use bailiwick_operation::mfa;
use bailiwick_storage::{KeyOwner, User};
use serde_json::{Value, json};

use crate::testing::World;

const BOB: &str = "arn:aws:iam::111122223333:user/x/Bob";
const NOT_A_KEY: &str = "ValidationError: The MFA device serial number sent in the request is invalid or not supported by this \
                         API. Currently, only hardware FIDO security keys are supported. Please use the compatible device or \
                         API.";
const WRONG: &str = "InvalidAuthenticationCode: Authentication code for device is not valid.";
const SLOWED: &str = "Throttling: too many wrong authentication codes; wait before the next one";

async fn world() -> World {
    let w = World::new().await;
    w.ok::<op::CreateUser>(json!({"UserName": "Bob", "Path": "/x/"})).await;
    w
}

/// A virtual device: its serial number, and its codes.
struct Device {
    serial: String,
    totp: Totp,
}

impl Device {
    async fn new(w: &World, name: &str) -> Self {
        let made = w.ok::<op::CreateVirtualMFADevice>(json!({"VirtualMFADeviceName": name})).await;
        let made = &made["VirtualMFADevice"];
        let seed = super::super::virtual_mfa_device::tests::seed(made);
        Device { serial: made["SerialNumber"].as_str().unwrap().to_owned(), totp: Totp::new(&seed) }
    }

    /// The code that the device shows, this many steps from now.
    fn code(&self, w: &World, steps: i64) -> String {
        let step = w.cx().now().as_second().div_euclid(30) + steps;
        String::from_utf8(self.totp.code(step).to_vec()).unwrap()
    }

    fn request(&self, w: &World, user: &str, steps: [i64; 2]) -> Value {
        let [first, second] = steps.map(|steps| self.code(w, steps));
        json!({"UserName": user, "SerialNumber": self.serial, "AuthenticationCode1": first, "AuthenticationCode2": second})
    }

    async fn enabled(w: &World, name: &str, user: &str) -> Self {
        let device = Self::new(w, name).await;
        w.ok::<op::EnableMFADevice>(device.request(w, user, [-1, 0])).await;
        device
    }

    /// Verifies the code of this many steps from now, as a sign-in would.
    async fn verify(&self, w: &World, user: &str, steps: i64) -> Result<(), String> {
        self.verify_text(w, user, &self.code(w, steps)).await
    }

    async fn verify_text(&self, w: &World, user: &str, code: &str) -> Result<(), String> {
        let cx = w.cx();
        let mut tx = w.begin().await;
        let user = tx.get::<User>(cx.account(), &UserName::parse(user).unwrap()).await.unwrap();
        let path_and_name = self.serial.split_once(":mfa").unwrap().1;
        let outcome = mfa::verify(&cx, &mut tx, cx.account(), &KeyOwner::User(user.id), path_and_name, code).await;
        if outcome.is_ok() || tx.is_kept_if_refused() {
            w.commit(tx).await;
        }
        outcome.map_err(|error| error.to_string())
    }
}

#[tokio::test]
async fn a_device_is_enabled_with_two_consecutive_codes() {
    let w = world().await;
    let device = Device::new(&w, "Phone").await;
    let request = device.request(&w, "bob", [-1, 0]);
    w.needs::<op::EnableMFADevice>(request.clone(), &[&format!("iam:EnableMFADevice {BOB}")]).await;
    for steps in [[0, 0], [0, -1], [-2, 0], [-500, -499]] {
        w.fails::<op::EnableMFADevice>(device.request(&w, "Bob", steps), WRONG).await;
    }
    w.ok::<op::EnableMFADevice>(request.clone()).await;
    let expected = "EntityAlreadyExists: MFA Device for user Bob already exists.";
    w.fails::<op::EnableMFADevice>(request, expected).await;
    w.user("Eve").await;
    let expected = "EntityAlreadyExists: MFA Device is already in use.";
    w.fails::<op::EnableMFADevice>(device.request(&w, "Eve", [1, 2]), expected).await;
    let listed = w.ok::<op::ListMFADevices>(json!({"UserName": "Bob"})).await;
    let date = listed["MFADevices"][0]["EnableDate"].clone();
    let row = json!({"UserName": "Bob", "SerialNumber": device.serial, "EnableDate": date});
    assert_eq!(listed, json!({"MFADevices": [row], "IsTruncated": false}));
    w.fails::<op::GetMFADevice>(json!({"UserName": "Bob", "SerialNumber": device.serial}), NOT_A_KEY).await;
    let bob = w.as_user("Bob").await;
    bob.fails::<op::GetMFADevice>(json!({"SerialNumber": device.serial}), NOT_A_KEY).await;
    assert_eq!(bob.ok::<op::ListMFADevices>(json!({})).await, listed);
}

#[tokio::test]
async fn a_code_works_once() {
    let w = world().await;
    let device = Device::enabled(&w, "Phone", "Bob").await;
    assert_eq!(device.verify(&w, "Bob", 0).await, Err(WRONG.into()), "it enabled the device");
    w.clock.advance(30);
    assert_eq!(device.verify(&w, "Bob", 0).await, Ok(()));
    assert_eq!(device.verify(&w, "Bob", 0).await, Err(WRONG.into()), "replayed");
    assert_eq!(device.verify(&w, "Bob", -1).await, Err(WRONG.into()), "older");
    // A device that was deactivated and enabled again accepts no old code either.
    let target = json!({"UserName": "Bob", "SerialNumber": device.serial});
    w.ok::<op::DeactivateMFADevice>(target).await;
    w.fails::<op::EnableMFADevice>(device.request(&w, "Bob", [-1, 0]), WRONG).await;
    assert_eq!(device.verify(&w, "Bob", 1).await, Err(WRONG.into()), "not enabled");
    w.ok::<op::EnableMFADevice>(device.request(&w, "Bob", [1, 2])).await;
}

#[tokio::test]
async fn resync_learns_the_clock_of_the_device() {
    let w = world().await;
    let device = Device::enabled(&w, "Phone", "Bob").await;
    assert_eq!(device.verify(&w, "Bob", 40).await, Err(WRONG.into()));
    let request = device.request(&w, "Bob", [40, 41]);
    w.needs::<op::ResyncMFADevice>(request.clone(), &[&format!("iam:ResyncMFADevice {BOB}")]).await;
    w.fails::<op::ResyncMFADevice>(device.request(&w, "Bob", [40, 40]), WRONG).await;
    w.ok::<op::ResyncMFADevice>(request.clone()).await;
    w.fails::<op::ResyncMFADevice>(request, WRONG).await;
    w.clock.advance(60);
    assert_eq!(device.verify(&w, "Bob", 41).await, Ok(()));
    assert_eq!(device.verify(&w, "Bob", 0).await, Err(WRONG.into()));
}

/// Wrong codes are counted per user, over all devices, and stay counted when devices come and go.
#[tokio::test]
async fn guessing_is_limited() {
    let w = world().await;
    let (one, two) = (Device::enabled(&w, "One", "Bob").await, Device::enabled(&w, "Two", "Bob").await);
    w.clock.advance(30);
    for _ in 0..5 {
        assert_eq!(one.verify_text(&w, "Bob", "abcdef").await, Err(WRONG.into()));
        assert_eq!(two.verify_text(&w, "Bob", "abcdef").await, Err(WRONG.into()));
    }
    // Not even the right code is verified.
    assert_eq!(one.verify(&w, "Bob", 0).await, Err(SLOWED.into()));
    w.ok::<op::DeactivateMFADevice>(json!({"UserName": "Bob", "SerialNumber": one.serial})).await;
    w.ok::<op::DeleteVirtualMFADevice>(json!({"SerialNumber": one.serial})).await;
    let again = Device::new(&w, "One").await;
    w.fails::<op::EnableMFADevice>(again.request(&w, "Bob", [-1, 0]), SLOWED).await;
    w.fails::<op::ResyncMFADevice>(two.request(&w, "Bob", [0, 1]), SLOWED).await;
    // Another user is not affected.
    w.user("Eve").await;
    Device::enabled(&w, "Three", "Eve").await;
    // One attempt in 144 minutes, and a right code restores none.
    w.clock.advance(144 * 60);
    assert_eq!(two.verify(&w, "Bob", 0).await, Ok(()));
    assert_eq!(two.verify_text(&w, "Bob", "abcdef").await, Err(WRONG.into()));
    assert_eq!(two.verify(&w, "Bob", 1).await, Err(SLOWED.into()));
}

#[tokio::test]
async fn a_user_has_at_most_eight_devices() {
    let w = world().await;
    for number in 0..8 {
        Device::enabled(&w, &format!("Phone{number}"), "Bob").await;
    }
    let ninth = Device::new(&w, "Ninth").await;
    let expected = "LimitExceeded: Cannot exceed quota for MFADevicesPerUser: 8";
    w.fails::<op::EnableMFADevice>(ninth.request(&w, "Bob", [-1, 0]), expected).await;
    let page = w.ok::<op::ListMFADevices>(json!({"UserName": "Bob", "MaxItems": 5})).await;
    assert_eq!(page["IsTruncated"], json!(true));
    let rest = w.ok::<op::ListMFADevices>(json!({"UserName": "Bob", "Marker": page["Marker"]})).await;
    assert_eq!(rest["MFADevices"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn a_device_belongs_to_its_user_and_account() {
    let w = world().await;
    w.user("Eve").await;
    let device = Device::enabled(&w, "Phone", "Bob").await;
    let missing = |serial: &str| format!("NoSuchEntity: MFA Device with serial number {serial} does not exist.");
    let not_theirs = || "NoSuchEntity: MFA Device invalid for user.".to_owned();
    let foreign = device.serial.replace("111122223333", "444455556666");
    let other_case = device.serial.to_uppercase().replace("ARN:AWS:IAM", "arn:aws:iam").replace("MFA", "mfa");
    let not_enabled = Device::new(&w, "Spare").await.serial;
    for (user, serial, expected) in [
        ("Eve", &device.serial, not_theirs()),
        ("Bob", &not_enabled, not_theirs()),
        ("Bob", &other_case, missing(&other_case)),
        ("Bob", &foreign, missing(&foreign)),
        ("Bob", &"GAHT12345678".to_owned(), missing("GAHT12345678")),
    ] {
        let target = json!({"UserName": user, "SerialNumber": serial});
        let shown = if serial.starts_with("arn:") { NOT_A_KEY } else { &expected };
        w.fails::<op::GetMFADevice>(target.clone(), shown).await;
        w.fails::<op::DeactivateMFADevice>(target.clone(), &expected).await;
        let mut codes = device.request(&w, user, [0, 1]);
        codes["SerialNumber"] = json!(serial);
        w.fails::<op::ResyncMFADevice>(codes, &expected).await;
    }
    assert_eq!(device.verify(&w, "Eve", 1).await, Err(WRONG.into()));
    let nobody = "NoSuchEntity: The user with name Nobody cannot be found.";
    w.fails::<op::ListMFADevices>(json!({"UserName": "Nobody"}), nobody).await;
    // A hardware device cannot be enabled: its seed is not known.
    for serial in ["GAHT12345678", &foreign] {
        let mut codes = device.request(&w, "Eve", [0, 1]);
        codes["SerialNumber"] = json!(serial);
        w.fails::<op::EnableMFADevice>(codes, &missing(serial)).await;
    }
}

#[tokio::test]
async fn a_rename_keeps_devices_and_a_deletion_refuses() {
    let w = world().await;
    let device = Device::enabled(&w, "Phone", "Bob").await;
    let conflict = "DeleteConflict: Cannot delete entity, must remove tokens from principal first.";
    w.fails::<op::DeleteUser>(json!({"UserName": "Bob"}), conflict).await;
    w.ok::<op::UpdateUser>(json!({"UserName": "Bob", "NewUserName": "Robert"})).await;
    let target = json!({"UserName": "Robert", "SerialNumber": device.serial});
    let listed = w.ok::<op::ListMFADevices>(json!({"UserName": "Robert"})).await;
    assert_eq!(listed["MFADevices"][0]["UserName"], "Robert");
    w.clock.advance(30);
    assert_eq!(device.verify(&w, "Robert", 0).await, Ok(()));
    w.ok::<op::DeactivateMFADevice>(target).await;
    w.ok::<op::DeleteUser>(json!({"UserName": "Robert"})).await;
    // A new user of that name has no device, and no counted failures.
    w.user("Robert").await;
    assert_eq!(w.ok::<op::ListMFADevices>(json!({"UserName": "Robert"})).await, json!({"IsTruncated": false}));
}
