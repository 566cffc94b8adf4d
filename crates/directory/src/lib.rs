//! The control plane: one handler per IAM operation and per operation on accounts, one file per noun.
//!
//! A handler says in `checks` what must be allowed and does in `handle` what was asked, within one transaction; both
//! may run twice. What is the same on every noun is written once: names and ARNs (`address`), pages (`pages`),
//! tags, inline policies, attachments, boundaries. What an answer shows of a stored thing is decided in `view`.
//!
//! The crate deliberately does not know HTTP, gRPC or XML, who decides, who records, nor how things are stored.
//!
//! Start reading at `user`; every other noun is a variation of it.

mod absent;
mod access_key;
mod account;
mod account_alias;
mod account_summary;
mod address;
mod attachment;
mod authorization_details;
mod bootstrap;
mod boundary;
mod document;
mod group;
mod inline_policy;
mod managed;
mod membership;
mod pages;
mod policy;
mod policy_entities;
mod policy_list;
mod policy_version;
mod recover_root;
mod request;
mod role;
mod tags;
#[cfg(test)]
mod testing;
mod trust;
mod user;
mod view;
mod who;

pub use absent::absent_operations;
pub use bootstrap::{FirstKey, FirstKeyError, Founded, Start, found};
pub use managed::{BUILTIN_POLICIES, BuiltinPolicy, ImportError, ManagedPolicy, parse_import, put_builtin_policies};
pub use recover_root::{Recovered, Recovery, recover_root};

/// Handles the operations of IAM and of `account.v1`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Directory;
