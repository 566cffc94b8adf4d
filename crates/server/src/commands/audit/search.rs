//! `bailiwick audit search`: finds events.

use std::process::ExitCode;

use bailiwick_api::{audit as pb, op};
use bailiwick_operation::Clock as _;
use clap::Args;

use super::filter::Filter;
use super::since::{Moment, message};
use super::table;
use super::unreadable::Unreadable;
use crate::commands::remote::Remote;
use crate::failure::Failure;
use crate::output;
use crate::system::SystemClock;

/// The most events that one call is asked for.
const PAGE: u32 = 1_000;

/// Find events of the caller's account, newest first
///
/// Prints a table, or with --json one record a line, in CloudTrail's format. The caller needs `cloudtrail:LookupEvents`.
/// The management account also finds events without an account, of callers who are not known. Warnings name the segments
/// of the trail that cannot be read.
///
/// Exit codes: 0 printed, even if there are no events, 1 the server refuses or cannot be reached, 2 wrong usage.
#[derive(Args)]
#[command(after_help = "Examples:
  bailiwick audit search --since 1h
  bailiwick audit search --user alice --changes --since 2026-01-01 --until 2026-02-01T12:00:00Z
  bailiwick audit search --resource arn:aws:iam::111122223333:role/deploy \\
    --event UpdateAssumeRolePolicy
  bailiwick audit search --error AccessDenied --since 7d --limit 1000 --json \\
    | jq -r .userIdentity.arn")]
pub(crate) struct Options {
    #[command(flatten)]
    filter: Filter,
    /// Earliest event time: how long ago, as in 15m, 1h, 7d, or a time in RFC 3339, or a date
    #[arg(long, value_name = "TIME", value_parser = Moment::parse)]
    since: Option<Moment>,
    /// Latest event time, in the same forms
    #[arg(long, value_name = "TIME", value_parser = Moment::parse)]
    until: Option<Moment>,
    /// Maximum number of events
    #[arg(long, value_name = "NUMBER", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..))]
    limit: u32,
    /// Print the records as JSON, one a line
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    remote: Remote,
}

pub(super) fn run(options: &Options) -> Result<ExitCode, Failure> {
    let now = SystemClock.now();
    let time = |moment: Option<Moment>| moment.map(|moment| message(moment.from(now)));
    let mut request = pb::SearchEventsRequest {
        filter: Some(options.filter.message()),
        start_time: time(options.since),
        end_time: time(options.until),
        ..pb::SearchEventsRequest::default()
    };
    options.remote.run(async |server| {
        let mut left = options.limit;
        let mut missing = Unreadable::default();
        if !options.json {
            output::print(&table::title())?;
        }
        loop {
            // At most 1,000.
            request.max_items = Some(left.min(PAGE) as i32);
            let page = server.call::<op::SearchEvents>(&request).await.map_err(|e| Failure::new(e.to_string()))?;
            let lines: String = page.events.iter().map(|event| table::line(event, options.json)).collect();
            output::print(&lines)?;
            missing.warn(&page.unreadable_segments);
            left = left.saturating_sub(u32::try_from(page.events.len()).unwrap_or(u32::MAX));
            request.marker = page.marker;
            if request.marker.is_none() || left == 0 {
                return Ok(ExitCode::SUCCESS);
            }
        }
    })
}
