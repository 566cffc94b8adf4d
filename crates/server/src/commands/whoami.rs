//! `bailiwick whoami`: the identity of the caller.

use std::process::ExitCode;

use bailiwick_api::op;
use bailiwick_api::sts::GetCallerIdentityRequest;
use clap::Args;

use super::remote::Remote;
use crate::escapes;
use crate::failure::Failure;
use crate::output;

/// Print the identity that the credentials belong to, as a running server sees it
///
/// Calls GetCallerIdentity, which needs no permission.
///
/// Exit codes: 0 printed, 1 the server refuses the credentials or cannot be reached, 2 no credentials were found.
#[derive(Args)]
#[command(after_help = "Examples:
  bailiwick whoami
  bailiwick whoami --profile deploy
  bailiwick whoami --endpoint https://iam.example.com --ca-file ca.pem --json")]
pub(crate) struct Options {
    /// Print the answer as JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    remote: Remote,
}

pub(crate) fn run(options: &Options) -> Result<ExitCode, Failure> {
    options.remote.run(async |server| {
        let answer = server.call::<op::GetCallerIdentity>(&GetCallerIdentityRequest {}).await;
        let answer = answer.map_err(|e| Failure::new(e.to_string()))?;
        if options.json {
            output::print(&output::json::<op::GetCallerIdentity>(&answer)?)?;
            return Ok(ExitCode::SUCCESS);
        }
        let (endpoint, expires) = (&server.settings().endpoint, server.keys().expiration);
        let mut rows = vec![
            ("arn", answer.arn.unwrap_or_default()),
            ("account", answer.account.unwrap_or_default()),
            ("user id", answer.user_id.unwrap_or_default()),
            ("access key", server.keys().access_key_id.clone()),
        ];
        rows.extend(expires.map(|at| ("expires", at.to_string())));
        rows.push(("server", endpoint.clone()));
        let rows = rows.iter().map(|(name, value)| {
            let value = escapes::one_line(value);
            format!("{} {value}\n", output::styled(output::ASIDE, &format!("{:<11}", format!("{name}:"))))
        });
        output::print(&rows.collect::<String>())?;
        Ok(ExitCode::SUCCESS)
    })
}
