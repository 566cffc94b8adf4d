//! Credentials of users and root, and their second factors.

mod access_key;
pub(crate) mod lifecycle;
mod login_profile;
mod mfa_device;
pub(crate) mod passkey;
pub(crate) mod password_change;
pub(crate) mod password_rules;
mod root_mfa_device;
pub(crate) mod serial_number;
mod server_certificate;
mod service_specific_credential;
mod signing_certificate;
mod ssh_public_key;
mod status;
mod target;
pub(crate) mod virtual_mfa_device;
