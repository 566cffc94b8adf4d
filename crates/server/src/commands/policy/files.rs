//! The documents that the commands read, and what they are used as.

use std::path::{Path, PathBuf};

use bailiwick_policy_lang::PolicyKind;
use clap::{Args, ValueEnum};

use crate::commands::input;
use crate::failure::Failure;

/// Documents to read.
#[derive(Args)]
pub(crate) struct Files {
    /// Files to read; `-` is standard input
    #[arg(required = true, value_name = "FILE")]
    pub(super) files: Vec<PathBuf>,
    /// What the documents are used as
    #[arg(long = "type", value_enum, default_value = "identity")]
    pub(super) kind: Kind,
}

/// What a document is used as.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Kind {
    /// Of a user, group or role
    Identity,
    /// Of a resource
    Resource,
    /// Who may assume a role
    Trust,
    /// Permissions boundary
    Boundary,
    /// Handed over when a role is assumed
    Session,
    /// Service control policy
    Scp,
    /// Resource control policy
    Rcp,
    /// Of an endpoint
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

/// Larger files are no policy documents.
const MAX_FILE: u64 = 1024 * 1024;

/// The text of a document; a failure of exit code 2 when there is none.
pub(super) fn read(file: &Path) -> Result<String, Failure> {
    input::read(file, MAX_FILE)
}
