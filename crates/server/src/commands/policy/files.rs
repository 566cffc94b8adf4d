//! The documents that the commands read, and what they are used as.

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use bailiwick_policy_lang::PolicyKind;
use clap::{Args, ValueEnum};

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

/// How a file is called in what is said about it.
pub(super) fn name(file: &Path) -> String {
    if file.as_os_str() == "-" { "standard input".to_owned() } else { file.display().to_string() }
}

/// The text of a file; a failure of exit code 2 when there is none.
pub(super) fn read(file: &Path) -> Result<String, Failure> {
    let fail = |e: std::io::Error| Failure::with_code(format!("cannot read {}: {e}", name(file)), 2);
    let mut bytes = Vec::new();
    if file.as_os_str() == "-" {
        std::io::stdin().take(MAX_FILE + 1).read_to_end(&mut bytes).map_err(fail)?;
    } else {
        fs::File::open(file).and_then(|f| f.take(MAX_FILE + 1).read_to_end(&mut bytes)).map_err(fail)?;
    }
    if bytes.len() as u64 > MAX_FILE {
        return Err(Failure::with_code(format!("{} has more than {MAX_FILE} bytes", name(file)), 2));
    }
    String::from_utf8(bytes).map_err(|_| Failure::with_code(format!("{} is not UTF-8", name(file)), 2))
}
