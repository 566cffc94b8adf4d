//! Managed policies, inline policies, attachments and permissions boundaries.

mod attachment;
pub(crate) mod boundary;
pub(crate) mod granting_access;
mod inline_policy;
pub(crate) mod managed;
mod policy;
mod policy_entities;
mod policy_list;
mod policy_version;
