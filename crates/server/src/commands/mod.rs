//! One file per command.

pub(crate) mod agent;
pub(crate) mod audit;
pub(crate) mod authorize;
pub(crate) mod backup;
pub(crate) mod catalogue;
pub(crate) mod coverage;
pub(crate) mod credential_process;
pub(crate) mod doctor;
pub(crate) mod evaluate;
pub(crate) mod explain;
pub(crate) mod findings;
pub(crate) mod health;
pub(crate) mod import;
pub(crate) mod login;
pub(crate) mod manual;
pub(crate) mod policy;
mod progress;
mod question;
pub(crate) mod recover_root;
mod remote;
pub(crate) mod replay;
pub(crate) mod restore;
pub(crate) mod rotate_master_key;
pub(crate) mod serve;
pub(crate) mod unused_permissions;
pub(crate) mod version;
pub(crate) mod whoami;
