//! Accounts: their life cycle, alias, settings, quotas and summary, the first start, and the recovery of root credentials.

mod account;
mod account_alias;
mod account_properties;
mod account_quotas;
mod account_summary;
pub(crate) mod bootstrap;
mod credential_rules;
mod organization;
mod organization_features;
mod outbound_federation;
pub(crate) mod password_policy;
pub(crate) mod recover_root;

pub(crate) use organization::{organization_id, organization_root};
