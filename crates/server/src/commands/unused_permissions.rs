//! `bailiwick unused-permissions`: what policies allow and was not used.

use std::process::ExitCode;

use bailiwick_api::account as pb;
use bailiwick_api::op;
use clap::Args;

use super::principal::principal;
use super::remote::Remote;
use crate::escapes;
use crate::failure::Failure;
use crate::output;

/// List the actions that a user's or role's policies allow, and that it did not use
///
/// One line for each service: how many of the allowed actions were used, and which; with --all also those that were not.
/// Statements that allow count, whatever their resources and conditions. The caller needs
/// `bailiwick:ListUnusedPermissions`. `bailiwick audit generate-policy` prints a policy of what was used.
///
/// Exit codes: 0 every allowed action was used, 1 some were not, 2 wrong usage, the server refuses or cannot be reached.
#[derive(Args)]
#[command(after_help = "Examples:
  bailiwick unused-permissions --principal arn:aws:iam::111122223333:user/alice
  bailiwick unused-permissions --principal arn:aws:iam::111122223333:role/ci --days 30 --all
  bailiwick unused-permissions --principal arn:aws:iam::111122223333:role/ci --json \\
    | jq '.services[].unusedActions'")]
pub(crate) struct Options {
    /// ARN of the user or role
    #[arg(long, value_name = "ARN", value_parser = principal)]
    principal: String,
    /// Days after which an action counts as unused
    #[arg(long, value_name = "DAYS", default_value_t = 90, value_parser = clap::value_parser!(i32).range(1..=400))]
    days: i32,
    /// List the names of the unused actions too
    #[arg(long)]
    all: bool,
    /// Print the answer as one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    remote: Remote,
}

pub(crate) fn run(options: &Options) -> Result<ExitCode, Failure> {
    let request =
        pb::ListUnusedPermissionsRequest { principal_arn: options.principal.clone(), unused_days: Some(options.days) };
    let listed = options.remote.run(async |server| {
        server.call::<op::ListUnusedPermissions>(&request).await.map_err(|e| Failure::new(e.to_string()))
    });
    let listed = listed.map_err(|failure| failure.coded(2))?;
    if options.json {
        output::print(&output::json::<op::ListUnusedPermissions>(&listed)?)?;
    } else {
        output::print(&listed.services.iter().map(|service| line(service, options.all)).collect::<String>())?;
    }
    let is_unused = listed.services.iter().any(|service| !service.unused_actions.is_empty());
    Ok(if is_unused { ExitCode::from(1) } else { ExitCode::SUCCESS })
}

fn line(permissions: &pb::ServicePermissions, all: bool) -> String {
    let pb::ServicePermissions { service, used_actions, unused_actions, .. } = permissions;
    let names = |names: &[String]| escapes::one_line(&names.join(", ")).into_owned();
    let (used, allowed) = (used_actions.len(), used_actions.len() + unused_actions.len());
    let mut text = format!("{}: {used} of {allowed} allowed actions used", escapes::one_line(service));
    if used > 0 {
        text.push_str(&format!(": {}", names(used_actions)));
    }
    text.push('\n');
    if all && !unused_actions.is_empty() {
        text.push_str(&format!("    unused: {}\n", names(unused_actions)));
    }
    text
}
