//! `bailiwick policy`: check and format policy documents, without a server.

use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use bailiwick_policy_lang::{Limits, PolicyKind, format, parse_all};
use clap::{Args, Subcommand, ValueEnum};

use crate::failure::Failure;

/// Check and format policy documents
#[derive(Subcommand)]
pub(crate) enum Command {
    /// Check policy documents: exit code 0 when all are in order, 1 when one is not, 2 when one can't be read
    #[command(after_help = "Examples:
  bailiwick policy validate policy.json
  bailiwick policy validate --type trust role-*.json
  cat policy.json | bailiwick policy validate -")]
    Validate(Files),
    /// Print a policy document in the one form that Bailiwick writes; its meaning stays
    #[command(after_help = "Examples:
  bailiwick policy format policy.json
  bailiwick policy format - < policy.json > formatted.json")]
    Format(Files),
}

/// Documents to read.
#[derive(Args)]
pub(crate) struct Files {
    /// Files to read; `-` is standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// What the documents are used as
    #[arg(long = "type", value_enum, default_value = "identity")]
    kind: Kind,
}

#[derive(Clone, Copy, ValueEnum)]
enum Kind {
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

pub(crate) fn run(command: Command) -> Result<ExitCode, Failure> {
    match command {
        Command::Validate(files) => validate(&files),
        Command::Format(files) => print_formatted(&files),
    }
}

fn validate(files: &Files) -> Result<ExitCode, Failure> {
    let mut refused = 0_usize;
    for file in &files.files {
        let text = read(file)?;
        if let Err(errors) = parse_all(&text, files.kind.into(), &Limits::default()) {
            refused += 1;
            report(file, &errors);
        }
    }
    let checked = files.files.len();
    eprintln!("{} of {checked} policy documents in order", checked - refused);
    Ok(if refused == 0 { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

fn print_formatted(files: &Files) -> Result<ExitCode, Failure> {
    for file in &files.files {
        let text = read(file)?;
        match format(&text, files.kind.into()) {
            Ok(formatted) => println!("{}", formatted.trim_end()),
            Err(error) => {
                report(file, &[error]);
                return Ok(ExitCode::from(1));
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// One line for each error, in the form that editors and terminals make clickable.
fn report(file: &Path, errors: &[bailiwick_policy_lang::PolicyError]) {
    for error in errors {
        let (line, column) = (error.span.start.line, error.span.start.column);
        println!("{}:{line}:{column}: {}: expected {}, found {}", name(file), error.path, error.expected, error.found);
    }
}

fn name(file: &Path) -> String {
    if file.as_os_str() == "-" { "standard input".to_owned() } else { file.display().to_string() }
}

fn read(file: &Path) -> Result<String, Failure> {
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
