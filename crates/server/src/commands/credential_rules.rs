//! `bailiwick credential-rules`: when access keys and passwords end by themselves.

use std::process::ExitCode;

use bailiwick_api::account as pb;
use bailiwick_api::op;
use clap::{Args, Subcommand};

use super::remote::Remote;
use crate::escapes;
use crate::failure::Failure;
use crate::output;

/// Show or change when access keys and passwords of the account end by themselves
#[derive(Subcommand)]
pub(crate) enum Command {
    Show(Show),
    Set(Set),
}

/// Print the credential rules of the caller's account
///
/// The caller needs `bailiwick:GetCredentialRules`.
///
/// Exit codes: 0 printed, 1 the server refuses or cannot be reached, 2 wrong usage.
#[derive(Args)]
#[command(after_help = "Examples:
  bailiwick credential-rules show
  bailiwick credential-rules show --json")]
pub(crate) struct Show {
    /// Print the rules as one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    remote: Remote,
}

/// Replace the credential rules of the caller's account
///
/// A rule that is left out is removed: without options, nothing ends by itself. New rules disable nothing before the days of
/// warning have passed. The caller needs `bailiwick:PutCredentialRules`.
///
/// Exit codes: 0 replaced, 1 the server refuses or cannot be reached, 2 wrong usage.
#[derive(Args)]
#[command(after_help = "Examples:
  bailiwick credential-rules set --key-max-age-days 90 --key-unused-days 45
  bailiwick credential-rules set --key-max-age-days 90 --warning-days 30 --exempt-tag BreakGlass
  bailiwick credential-rules set")]
pub(crate) struct Set {
    /// Days after its creation when an access key expires
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(i32).range(1..=3650))]
    key_max_age_days: Option<i32>,
    /// Days without use after which an access key is deactivated
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(i32).range(1..=3650))]
    key_unused_days: Option<i32>,
    /// Days without use after which a user's password is deleted
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(i32).range(1..=3650))]
    password_unused_days: Option<i32>,
    /// Days before the end when a warning is given
    #[arg(long, value_name = "DAYS", default_value_t = 14, value_parser = clap::value_parser!(i32).range(1..=365))]
    warning_days: i32,
    /// Key of a tag whose users are exempt
    #[arg(long, value_name = "KEY")]
    exempt_tag: Option<String>,
    /// The rules for access keys hold for root too
    #[arg(long)]
    include_root: bool,
    /// Print the rules as one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    remote: Remote,
}

pub(crate) fn run(command: &Command) -> Result<ExitCode, Failure> {
    match command {
        Command::Show(options) => {
            let got = options.remote.run(async |server| {
                let request = pb::GetCredentialRulesRequest {};
                server.call::<op::GetCredentialRules>(&request).await.map_err(|e| Failure::new(e.to_string()))
            })?;
            let json = options.json.then(|| output::json::<op::GetCredentialRules>(&got)).transpose()?;
            print(json, got.rules)
        }
        Command::Set(options) => {
            let rules = pb::CredentialRules {
                access_key_max_age_days: options.key_max_age_days,
                access_key_unused_days: options.key_unused_days,
                password_unused_days: options.password_unused_days,
                warning_days: Some(options.warning_days),
                exempt_tag: options.exempt_tag.clone(),
                include_root: Some(options.include_root),
            };
            let put = options.remote.run(async |server| {
                let request = pb::PutCredentialRulesRequest { rules: Some(rules.clone()) };
                server.call::<op::PutCredentialRules>(&request).await.map_err(|e| Failure::new(e.to_string()))
            })?;
            let json = options.json.then(|| output::json::<op::PutCredentialRules>(&put)).transpose()?;
            print(json, put.rules)
        }
    }
}

fn print(json: Option<String>, rules: Option<pb::CredentialRules>) -> Result<ExitCode, Failure> {
    let text = json.unwrap_or_else(|| text(&rules.unwrap_or_default()));
    output::print(&text)?;
    Ok(ExitCode::SUCCESS)
}

fn text(rules: &pb::CredentialRules) -> String {
    let line = |what: &str, days: Option<i32>, how: &str| match days {
        Some(days) => format!("{what} {how} {days} days\n"),
        None => format!("{what} never\n"),
    };
    let mut text = line("access keys expire:            ", rules.access_key_max_age_days, "after");
    text += &line("access keys are deactivated:   ", rules.access_key_unused_days, "unused for");
    text += &line("passwords are deleted:         ", rules.password_unused_days, "unused for");
    text += &line("warning before the end:        ", rules.warning_days, "in the last");
    if let Some(tag) = &rules.exempt_tag {
        text += &format!("exempt are users with the tag:  {}\n", escapes::one_line(tag));
    }
    text += &format!("root's access keys are exempt:  {}\n", if rules.include_root() { "no" } else { "yes" });
    text
}
