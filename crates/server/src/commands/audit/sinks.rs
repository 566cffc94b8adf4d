//! `bailiwick audit sinks`: how far sinks have delivered.

use std::path::PathBuf;
use std::process::ExitCode;

use bailiwick_audit::{SinkFile, last_record, stored_sinks};
use clap::Args;

use crate::control;
use crate::failure::Failure;
use crate::{escapes, output};

/// The columns and their least widths, in characters.
const COLUMNS: [(&str, usize); 4] = [("SINK", 16), ("DELIVERED", 12), ("WAITING", 12), ("STORED AT", 32)];
/// The exit code if a sink fails.
const FAILING: u8 = 1;

/// Show how far the sinks of the audit trail have delivered
///
/// Reads the files in the folder `audit/sinks` of the data folder; the server may run. A sink that is not configured any more
/// is shown until its file is deleted. DELIVERED is the number of the last record that was delivered, or that is not for
/// this sink. STATE is `idle` if the sink is not configured any more, or if no server answers on the control socket of the
/// data folder.
///
/// Exit codes: 0 no sink fails, 1 a sink fails, 2 wrong usage or the files cannot be read.
#[derive(Args)]
#[command(after_help = "Examples:
  bailiwick audit sinks --data-dir /var/lib/bailiwick/data
  bailiwick audit sinks --json")]
pub(crate) struct Options {
    /// Print JSON, one object for each sink a line
    #[arg(long)]
    json: bool,
    /// Data folder of the server
    #[arg(long, env = "BAILIWICK_DATA_DIR", default_value = "./bailiwick-data", value_name = "FOLDER")]
    data_dir: PathBuf,
}

pub(super) fn run(options: &Options) -> Result<ExitCode, Failure> {
    let trail = options.data_dir.join("audit");
    let failed = |e: std::io::Error| {
        Failure::with_code(format!("cannot read the sinks of the audit trail in {}: {e}", trail.display()), 2)
    };
    if !trail.is_dir() {
        let why =
            format!("there is no audit trail {}: expected the data folder of a server in --data-dir", trail.display());
        return Err(Failure::with_code(why, 2));
    }
    let sinks = stored_sinks(&trail).map_err(failed)?;
    let last = last_record(&trail).map_err(failed)?;
    let is_served = control::answers(&options.data_dir);
    let mut text = String::new();
    if sinks.is_empty() {
        eprintln!("{} has no sink: none was configured with --audit-sink so far", trail.display());
    } else if !options.json {
        let names = COLUMNS.iter().map(|(name, width)| format!("{name:<width$}  ")).collect::<String>();
        text = output::styled(output::ASIDE, &format!("{names}STATE")) + "\n";
    }
    sinks.iter().for_each(|sink| text += &line(sink, last, is_served, options.json));
    output::print(&text)?;
    let is_failing = sinks.iter().any(|sink| sink.configured && sink.failing.is_some());
    Ok(ExitCode::from(if is_failing { FAILING } else { 0 }))
}

fn line(sink: &SinkFile, last: u64, is_served: bool, is_json: bool) -> String {
    let waiting = last.saturating_sub(sink.sequence());
    let state = match &sink.failing {
        _ if !sink.configured => "idle",
        Some(_) => "fails",
        None if !is_served => "idle",
        None => "delivers",
    };
    if is_json {
        let failing = sink.failing.as_ref().map(|of| serde_json::json!({ "since": of.since, "message": of.message }));
        let line = serde_json::json!({
            "sink": sink.sink,
            "delivered": sink.sequence(),
            "waiting": waiting,
            "storedAt": sink.time,
            "state": state,
            "failing": failing,
        });
        return format!("{line}\n");
    }
    let cells = [
        escapes::one_line(&sink.sink).to_string(),
        sink.sequence().to_string(),
        waiting.to_string(),
        escapes::one_line(&sink.time).to_string(),
    ];
    let cells: String = cells.iter().zip(COLUMNS).map(|(cell, (_, width))| format!("{cell:<width$}  ")).collect();
    let state = match &sink.failing {
        _ if !sink.configured => "idle: not configured any more".to_owned(),
        None if !is_served => "idle: no server answers".to_owned(),
        None => output::styled(output::GOOD, state),
        Some(of) => {
            let text = format!("fails since {}: {}", of.since, of.message);
            output::styled(output::BAD, &escapes::one_line(&text))
        }
    };
    format!("{cells}{state}\n")
}
