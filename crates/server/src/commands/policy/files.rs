//! The documents that the commands read, and their types.

use std::path::{Path, PathBuf};

use bailiwick_policy_lang::PolicyKind;
use clap::{Args, ValueEnum};

use crate::failure::Failure;
use crate::input;

/// Documents to read.
#[derive(Args)]
pub(crate) struct Files {
    /// Files to read; `-` is standard input
    #[arg(required = true, value_name = "FILE")]
    pub(super) files: Vec<PathBuf>,
    /// Type of the documents
    #[arg(long = "type", value_enum, default_value = "identity")]
    pub(super) kind: Kind,
}

/// The type of a document.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Kind {
    /// Identity-based policy of a user, group or role
    Identity,
    /// Resource-based policy
    Resource,
    /// Trust policy of a role
    Trust,
    /// Permissions boundary
    Boundary,
    /// Session policy
    Session,
    /// Service control policy
    Scp,
    /// Resource control policy
    Rcp,
    /// Endpoint policy
    Endpoint,
}

impl From<Kind> for PolicyKind {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Identity => PolicyKind::Identity,
            Kind::Resource => PolicyKind::Resource,
            Kind::Trust => PolicyKind::Trust,
            Kind::Boundary => PolicyKind::Boundary,
            Kind::Session => PolicyKind::Session,
            Kind::Scp => PolicyKind::Scp,
            Kind::Rcp => PolicyKind::Rcp,
            Kind::Endpoint => PolicyKind::Endpoint,
        }
    }
}

/// The largest accepted document in bytes.
const MAX_FILE: u64 = 1024 * 1024;

/// Reads a document. Errors have exit code 2.
pub(super) fn read(file: &Path) -> Result<String, Failure> {
    input::read(file, MAX_FILE)
}
