//! `bailiwick audit tail`: follows the trail.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use bailiwick_api::{audit as pb, op};
use clap::Args;

use super::filter::Filter;
use super::table;
use super::unreadable::Unreadable;
use crate::commands::remote::Remote;
use crate::failure::Failure;
use crate::output;

/// How long a call waits for an event, in seconds.
const WAIT: i32 = 10;
/// The least time between calls that found nothing.
const PAUSE: Duration = Duration::from_secs(1);

/// Print events of the caller's account as they are written, until Ctrl-C
///
/// Prints a table, or with --json one record a line, in CloudTrail's format. The caller needs `cloudtrail:LookupEvents`.
/// Events of the command's own calls, TailEvents, are left out.
///
/// Exit codes: 0 the output was closed, 1 the server refuses or cannot be reached, 2 wrong usage.
#[derive(Args)]
#[command(after_help = "Examples:
  bailiwick audit tail
  bailiwick audit tail --error AccessDenied
  bailiwick audit tail --changes --json | jq -r '.eventName + \" \" + .userIdentity.arn'")]
pub(crate) struct Options {
    #[command(flatten)]
    filter: Filter,
    /// Print the records as JSON, one a line
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    remote: Remote,
}

pub(super) fn run(options: &Options) -> Result<ExitCode, Failure> {
    let mut request = pb::TailEventsRequest {
        filter: Some(options.filter.message()),
        wait_seconds: Some(WAIT),
        ..pb::TailEventsRequest::default()
    };
    options.remote.run(async |server| {
        let mut missing = Unreadable::default();
        if !options.json {
            output::print(&table::title())?;
        }
        loop {
            let start = Instant::now();
            let answer = server.call::<op::TailEvents>(&request).await.map_err(|e| Failure::new(e.to_string()))?;
            let lines: String = answer.events.iter().map(|event| table::line(event, options.json)).collect();
            if !output::print_if_open(&lines)? {
                return Ok(ExitCode::SUCCESS);
            }
            missing.warn(&answer.unreadable_segments);
            let is_first = request.marker.replace(answer.marker).is_none();
            if answer.events.is_empty() && !answer.is_truncated && !is_first {
                // The server does not wait if too many calls do.
                tokio::time::sleep(PAUSE.saturating_sub(start.elapsed())).await;
            }
        }
    })
}
