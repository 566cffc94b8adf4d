//! MFA devices: there are none.

use super::{Place, absent, missing, text};

absent! {
    list ListMFADevices |req| Place::User(&req.user_name);
    list ListVirtualMFADevices |req| Place::Account;
    get GetMFADevice DeactivateMFADevice ResyncMFADevice
        |req| Place::User(&req.user_name) => |_, req| unknown(&req.serial_number);
    get DeleteVirtualMFADevice ListMFADeviceTags
        |req| Place::Device(&req.serial_number) => |_, req| unknown(&req.serial_number);
    tag TagMFADevice |req| Place::Device(&req.serial_number) => |_, req| unknown(&req.serial_number);
    untag UntagMFADevice |req| Place::Device(&req.serial_number) => |_, req| unknown(&req.serial_number);
}

fn unknown(serial: &Option<String>) -> bailiwick_model::IamError {
    missing(format!("MFA Device with serial number {} does not exist.", text(serial)))
}
