//! Reports about an account.

mod authorization_details;
pub(crate) mod credential_report;
