//! The control plane: one handler per IAM operation and per operation on accounts, one file per noun.
//!
//! A handler's `plan` parses the request and names what must be allowed; its `handle` makes the change. Both run within
//! one transaction, and both run again after a write conflict. Code that is the same for every noun is generic: names
//! and ARNs (`address`), tags, inline policies, attachments, boundaries. `view` decides what a response
//! shows of a stored object. Folders group the nouns: `identities`, `policies`, `credentials`, `accounts`, `providers`,
//! `delegation`, `reports`.
//!
//! The crate deliberately does not know HTTP, gRPC or XML, how a decision is made, how a call is recorded, nor how
//! objects are stored.
//!
//! Start reading at `identities::user`; every other noun is a variation of it.

mod accounts;
mod address;
mod credentials;
mod delegation;
mod document;
mod identities;
mod policies;
mod providers;
mod reports;
mod request;
#[cfg(test)]
mod testing;
mod trust;
mod user_or_root;
mod view;

pub use accounts::bootstrap::{BootstrapOptions, Bootstrapped, FirstKey, FirstKeyError, bootstrap};
pub use accounts::recover_root::{Recovered, Recovery, recover_root};
pub use credentials::lifecycle::{CredentialId, CredentialStep, End, end_of_password, ended, take_step};
pub use credentials::passkey::descriptors;
pub use credentials::password_change::PasswordChange;
pub use credentials::password_rules::check as check_password;
pub use credentials::serial_number::{passkey_serial_number, serial_number};
pub use policies::managed::{
    BUILTIN_POLICIES, BuiltinPolicy, ImportError, ManagedPolicy, parse_import, put_builtin_policies,
};
pub use reports::credential_report::write_requested as write_requested_reports;
pub use user_or_root::{UserOrCaller, UserOrRoot};

/// Handles the operations of IAM and of `account.v1`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Directory;
