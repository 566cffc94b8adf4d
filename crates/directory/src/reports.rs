//! Reports about an account.

mod access;
mod authorization_details;
pub(crate) mod credential_report;
mod findings;
