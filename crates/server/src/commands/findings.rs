//! `bailiwick findings`: what an administrator should look at.

use std::process::ExitCode;

use anstyle::Style;
use bailiwick_api::account as pb;
use bailiwick_api::op;
use clap::{Args, ValueEnum};

use super::remote::Remote;
use crate::escapes;
use crate::failure::Failure;
use crate::output;

/// List what differs from best practice in the account of the caller
///
/// Root with credentials, users without MFA, old and unused keys, passwords and roles, policies that are a user's own,
/// administrators, and trust policies that allow more principals than they should. The caller needs
/// `bailiwick:ListFindings`.
///
/// Exit codes: 0 no findings, 1 there are findings, 2 wrong usage, the server refuses or cannot be reached.
#[derive(Args)]
#[command(after_help = "Examples:
  bailiwick findings
  bailiwick findings --severity high
  bailiwick findings --unused-days 30 --key-age-days 180 --json")]
pub(crate) struct Options {
    /// Only findings of at least this severity
    #[arg(long, value_enum, default_value = "low")]
    severity: Severity,
    /// Days after which a password, key or role counts as unused
    #[arg(long, value_name = "DAYS", default_value_t = 90, value_parser = clap::value_parser!(i32).range(1..=3650))]
    unused_days: i32,
    /// Days after which an access key counts as old
    #[arg(long, value_name = "DAYS", default_value_t = 90, value_parser = clap::value_parser!(i32).range(1..=3650))]
    key_age_days: i32,
    /// Print the findings as one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    remote: Remote,
}

#[derive(Clone, Copy, ValueEnum)]
enum Severity {
    Low,
    Medium,
    High,
    Critical,
}

impl Severity {
    fn proto(self) -> pb::FindingSeverity {
        match self {
            Severity::Low => pb::FindingSeverity::Low,
            Severity::Medium => pb::FindingSeverity::Medium,
            Severity::High => pb::FindingSeverity::High,
            Severity::Critical => pb::FindingSeverity::Critical,
        }
    }
}

pub(crate) fn run(options: &Options) -> Result<ExitCode, Failure> {
    let listed = options.remote.run(async |server| {
        let (mut all, mut marker) = (pb::ListFindingsResponse::default(), None);
        loop {
            let request = pb::ListFindingsRequest {
                marker,
                max_items: Some(1000),
                kinds: Vec::new(),
                minimum_severity: Some(options.severity.proto().into()),
                unused_days: Some(options.unused_days),
                key_age_days: Some(options.key_age_days),
            };
            let page = server.call::<op::ListFindings>(&request).await.map_err(|e| Failure::new(e.to_string()))?;
            all.findings.extend(page.findings);
            marker = page.marker;
            if marker.is_none() {
                return Ok(all);
            }
        }
    });
    let all = listed.map_err(|failure| failure.coded(2))?;
    if options.json {
        output::print(&output::json::<op::ListFindings>(&all)?)?;
    } else if all.findings.is_empty() {
        output::print("no findings\n")?;
    } else {
        output::print(&all.findings.iter().map(text).collect::<String>())?;
    }
    Ok(if all.findings.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(1) })
}

/// A finding in two lines: severity, resource and what is found; then what to do.
fn text(finding: &pb::Finding) -> String {
    let (name, style) = match finding.severity() {
        pb::FindingSeverity::Critical => ("critical", output::BAD),
        pb::FindingSeverity::High => ("high", output::BAD),
        pb::FindingSeverity::Medium => ("medium", output::NOTABLE),
        pb::FindingSeverity::Low | pb::FindingSeverity::Unspecified => ("low", Style::new()),
    };
    let [resource, found, advice] =
        [&finding.resource, &finding.text, &finding.recommendation].map(|text| escapes::one_line(text));
    let severity = output::styled(style, &format!("{name:<8}"));
    format!("{severity} {resource}  {found}\n         {}\n", output::styled(output::ASIDE, &advice))
}
