//! `bailiwick audit generate-policy`: the smallest policy that allows what a principal did.

use std::process::ExitCode;

use bailiwick_api::{audit as pb, op};
use bailiwick_operation::Clock as _;
use clap::Args;

use jiff::Timestamp;

use super::since::{Moment, message};
use super::unreadable::Unreadable;
use crate::commands::principal::principal;
use crate::commands::remote::Remote;
use crate::escapes;
use crate::failure::Failure;
use crate::output;
use crate::progress::Progress;
use crate::system::SystemClock;

/// Generate the smallest policy that allows what a user or role did
///
/// Prints the policy on standard output, ready to attach, and on standard error how many calls it covers and what it
/// does not cover. Calls that succeeded count, in all sessions of a role, and decisions of other services that allowed,
/// if the server records them (`--audit-decisions`). A policy that is longer than a managed policy may be is printed as
/// several documents, one after the other. The caller needs `bailiwick:GeneratePolicy`.
///
/// Exit codes: 0 printed, 1 nothing to allow, or the server refuses or cannot be reached, 2 wrong usage.
#[derive(Args)]
#[command(after_help = "Examples:
  bailiwick audit generate-policy --principal arn:aws:iam::111122223333:user/alice \\
    --since 30d > alice.json
  bailiwick audit generate-policy --principal arn:aws:iam::111122223333:role/ci/deploy \\
    --since 90d --wildcards
  bailiwick audit generate-policy --principal arn:aws:iam::111122223333:user/backup \\
    --source-ip --json")]
pub(crate) struct Options {
    /// ARN of the user or role
    #[arg(long, value_name = "ARN", value_parser = principal)]
    principal: String,
    /// Earliest call: how long ago, as in 1h, 7d, 30d, or a time in RFC 3339, or a date
    #[arg(long, value_name = "TIME", value_parser = Moment::parse, default_value = "30d")]
    since: Moment,
    /// Latest call, in the same forms
    #[arg(long, value_name = "TIME", value_parser = Moment::parse)]
    until: Option<Moment>,
    /// Replace more than so many resources of one action under one path by a wildcard, such as `user/*`
    #[arg(long, value_name = "NUMBER", num_args = 0..=1, default_missing_value = "10", require_equals = true,
          value_parser = clap::value_parser!(i32).range(1..=1000))]
    wildcards: Option<i32>,
    /// Allow the calls only from the addresses that they came from
    #[arg(long)]
    source_ip: bool,
    /// Print the whole answer as one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    remote: Remote,
}

pub(super) fn run(options: &Options) -> Result<ExitCode, Failure> {
    let now = SystemClock.now();
    let mut request = pb::GeneratePolicyRequest {
        principal_arn: options.principal.clone(),
        start_time: Some(message(options.since.from(now))),
        end_time: Some(message(options.until.map_or(now, |moment| moment.from(now)))),
        wildcards_above: options.wildcards,
        source_ip_condition: options.source_ip,
        marker: None,
    };
    options.remote.run(async |server| {
        let progress = Progress::new();
        let answer = loop {
            let answer = server.call::<op::GeneratePolicy>(&request).await.map_err(|e| Failure::new(e.to_string()))?;
            request.marker.clone_from(&answer.marker);
            if request.marker.is_none() {
                break answer;
            }
            progress.so_far(answer.records_read, "records read");
        };
        progress.end();
        Unreadable::default().warn(&answer.unreadable_segments);
        if options.json {
            output::print(&output::json::<op::GeneratePolicy>(&answer)?)?;
        } else {
            output::print(&answer.documents.iter().map(|document| format!("{document}\n")).collect::<String>())?;
            eprint!("{}", summary(&answer, options, now));
        }
        Ok(if answer.documents.is_empty() { ExitCode::from(1) } else { ExitCode::SUCCESS })
    })
}

/// What the policy covers, and what it does not.
fn summary(answer: &pb::GeneratePolicyResponse, options: &Options, now: Timestamp) -> String {
    let failed = output::counted(answer.failed_calls, "failed call");
    if answer.covered_calls == 0 && answer.calls_without_permission == 0 && answer.uncovered.is_empty() {
        return format!(
            "no successful call of {} is on record since {}; {failed} left out\ncheck the ARN and --since\n",
            escapes::one_line(&options.principal),
            beginning(options.since.from(now), answer.trail_begin_time.as_ref())
        );
    }
    let mut text = format!("{} covered, {failed} left out", output::counted(answer.covered_calls, "call"));
    match answer.documents.len() {
        0 if answer.uncovered.is_empty() => text.push_str("; nothing needs a permission\n"),
        0 => text.push_str("; no call can be covered\n"),
        1 => text.push('\n'),
        several => text.push_str(&format!("; {several} policies, because of their length\n")),
    }
    for use_ in &answer.uncovered {
        let why = match use_.reason() {
            pb::UncoveredReason::ChecksNotRecorded => "the record is of an earlier version and lacks the checks",
            pb::UncoveredReason::ResourceNotRecorded => "the record lacks a resource",
            pb::UncoveredReason::DecisionRequest => "asked for a decision; allow bailiwick:Authorize by hand",
            pb::UncoveredReason::NoSourceIp => "the address of the client is not recorded",
            pb::UncoveredReason::Unspecified => "unknown reason",
        };
        let (name, id) = (escapes::one_line(&use_.event_name), escapes::one_line(&use_.event_id));
        text.push_str(&format!("not covered: {name}, {}, such as {id}: {why}\n", output::counted(use_.calls, "call")));
    }
    text
}

/// From when on there are records, in whole seconds.
fn beginning(since: Timestamp, trail: Option<&prost_types::Timestamp>) -> String {
    let shown = |time: Timestamp| time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
    match trail.and_then(|time| Timestamp::new(time.seconds, time.nanos).ok()) {
        Some(trail) if trail > since => format!("{}, when the audit trail begins", shown(trail)),
        _ => shown(since),
    }
}
