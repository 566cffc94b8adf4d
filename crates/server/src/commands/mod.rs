//! One file per command.

pub(crate) mod coverage;
pub(crate) mod evaluate;
pub(crate) mod import;
pub(crate) mod policy;
pub(crate) mod serve;
