//! `bailiwick import account`: loads what the AWS CLI prints of a real account.

mod apply;
mod documents;
mod file;
mod identity;
mod json;
mod plan;
mod report;
mod rewrite;
mod state;
mod step;

use std::collections::HashSet;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use self::plan::Planner;
use self::report::Report;
use self::rewrite::{Mode, Rewrite};
use super::MAX_FILE;
use crate::commands::remote::{Connection, Remote};
use crate::failure::Failure;
use crate::{input, output};

/// Import an account from the JSON output of the AWS CLI
///
/// The file is the output of `aws iam get-account-authorization-details`: users, groups, roles and managed policies with
/// their versions, inline policies, attachments, group memberships, permissions boundaries, tags and instance profiles.
/// Without `--apply` the command prints what it would do, and changes nothing.
///
/// Each object of the file becomes equal to the file, also by removing what the file does not have, such as an attached
/// policy. Objects that are not in the file do not change. An import of the same file again does nothing.
///
/// An object is loaded completely or not at all: if the server refuses a call, the calls before it are taken back. An
/// object that needs another one that cannot be loaded, such as an AWS managed policy that this deployment does not have,
/// is not loaded either. No principal can assume a role before it is complete.
///
/// The file does not have access keys, passwords, MFA devices, identity providers, and descriptions, session durations
/// and tags that AWS leaves out. These are not loaded.
///
/// The caller needs the permission for each operation: `iam:GetAccountAuthorizationDetails`,
/// `iam:ListInstanceProfiles`, `iam:ListPolicies`, `iam:GetPolicyVersion`, and those that create and change.
///
/// Exit codes: 0 every object is, or would be, equal to the file; 1 an object cannot be loaded, the server refuses or
/// cannot be reached; 2 the file cannot be read.
#[derive(Args)]
#[command(after_help = "Examples:
  env -u AWS_ENDPOINT_URL_IAM \\
    aws iam get-account-authorization-details --profile real > account.json
  bailiwick import account account.json
  bailiwick import account --apply account.json
  bailiwick import account --arns iam --json account.json
  bailiwick import account --apply --keep-existing --endpoint https://iam.example.com account.json

AWS managed policies are not changed. To load those that this deployment does not have:
  env -u AWS_ENDPOINT_URL_IAM \\
    aws iam get-account-authorization-details --filter AWSManagedPolicy --profile real \\
    | bailiwick import managed-policies -")]
pub(crate) struct Options {
    /// File to read; `-` is standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Change the account; without it, print what would be done
    #[arg(long)]
    apply: bool,
    /// Leave existing objects that differ from the file as they are
    #[arg(long)]
    keep_existing: bool,
    /// Which values in policy documents that name the source account become those of the target account
    #[arg(long, value_enum, default_value = "all", value_name = "WHICH")]
    arns: Mode,
    /// Print the report as JSON, with every object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    remote: Remote,
}

pub(super) fn run(options: &Options) -> Result<ExitCode, Failure> {
    let text = input::read(&options.file, MAX_FILE)?;
    let refused =
        |why: String| Failure::with_code(format!("{}: {why}\nnothing was imported", input::name(&options.file)), 2);
    let file = file::parse(&text).map_err(refused)?;
    drop(text);
    let source = file::source(&file).map_err(refused)?;
    options.remote.run(async |server| import(server, file, source, options).await)
}

async fn import(
    server: &Connection,
    file: json::Json,
    source: Option<rewrite::Place>,
    options: &Options,
) -> Result<ExitCode, Failure> {
    let (caller, target) = state::caller(server).await?;
    let rewrite = Rewrite::new(options.arns, source.unwrap_or_else(|| target.clone()), target.clone());
    let details = file::read(file, &rewrite);
    let arns = details.policies.iter().filter_map(|policy| policy.arn.as_deref());
    let shared: HashSet<String> =
        arns.filter(|arn| arn.contains(":iam::aws:")).map(|arn| rewrite.reference(arn)).collect();
    let state = state::read(server, caller, &shared).await?;
    let keep_existing = options.keep_existing;
    let planner = Planner { file: &details, state: &state, rewrite: &rewrite, target: &target, keep_existing };
    let objects = planner.plan();
    let done = match options.apply {
        true => Some(apply::apply(server, &objects).await),
        false => None,
    };
    let report = Report { objects: &objects, done: done.as_deref(), rewrite: &rewrite };
    output::print(&if options.json { format!("{:#}\n", report.json()) } else { report.text() })?;
    Ok(if report.is_good() { ExitCode::SUCCESS } else { ExitCode::from(1) })
}
