//! One file per command.

pub(crate) mod catalogue;
pub(crate) mod coverage;
pub(crate) mod evaluate;
pub(crate) mod import;
mod input;
pub(crate) mod policy;
mod remote;
pub(crate) mod serve;
