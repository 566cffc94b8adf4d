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
mod accounts;
mod address;
mod credentials;
mod identities;
mod pages;
mod policies;
mod reports;
mod request;
#[cfg(test)]
mod testing;
mod trust;
mod user_or_root;
mod view;

pub use absent::absent_operations;
pub use accounts::bootstrap::{BootstrapOptions, Bootstrapped, FirstKey, FirstKeyError, bootstrap};
pub use accounts::recover_root::{Recovered, Recovery, recover_root};
pub use policies::managed::{
    BUILTIN_POLICIES, BuiltinPolicy, ImportError, ManagedPolicy, parse_import, put_builtin_policies,
};

/// Handles the operations of IAM and of `account.v1`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Directory;
