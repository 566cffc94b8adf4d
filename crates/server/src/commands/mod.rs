//! One file per command.

pub(crate) mod catalogue;
pub(crate) mod coverage;
pub(crate) mod evaluate;
pub(crate) mod import;
mod input;
pub(crate) mod policy;
pub(crate) mod recover_root;
mod remote;
pub(crate) mod serve;
