//! Accounts: their life cycle, alias, settings and summary, the first start, and the recovery of root credentials.

mod account;
mod account_alias;
mod account_summary;
pub(crate) mod bootstrap;
pub(crate) mod password_policy;
pub(crate) mod recover_root;
