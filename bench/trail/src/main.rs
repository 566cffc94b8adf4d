//! Look-up in an audit trail of ten million events, a year of a busy account.
//!
//! The trail is generated in the format of the recorder, in segments of 64 MiB. Each page is measured with the files in
//! the cache of the system, without them, and without the headers that a server keeps in memory.

mod trail;
#[path = "../../load/src/report.rs"]
#[expect(dead_code, reason = "the load has figures with lower bounds, this has none")]
mod report;

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result};
use bailiwick_audit::{Attribute, LookUp, Query};
use bailiwick_model::AccountId;
use clap::Parser;
use jiff::Timestamp;
use report::Row;

/// As the server has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[derive(Parser)]
#[command(name = "bailiwick-bench-trail", about = "Look-up in an audit trail of ten million events")]
struct Cli {
    /// Events of the trail, which has about a kilobyte for each
    #[arg(long, default_value_t = 10_000_000)]
    events: u64,
    /// Keep the trail in this folder, and use the one that is there
    #[arg(long)]
    folder: Option<PathBuf>,
    /// Rounds of each measurement
    #[arg(long, default_value_t = 7, value_parser = clap::value_parser!(u32).range(3..))]
    rounds: u32,
    /// Print JSON instead of a table
    #[arg(long)]
    json: bool,
}

#[tokio::main]
async fn main() -> Result<()> {
    let cli = Cli::parse();
    // On the disk of the program, not in memory.
    let beside = std::env::current_exe()?.parent().context("a folder")?.to_owned();
    let temporary = tempfile::tempdir_in(beside)?;
    let folder = cli.folder.as_deref().unwrap_or(temporary.path());
    fs::create_dir_all(folder)?;
    let mut rows = Vec::new();
    if fs::read_dir(folder)?.next().is_none() {
        trail::generate(folder, cli.events)?;
    }
    let before = memory()?;
    let start = Instant::now();
    let look_up = LookUp::of_folder(folder);
    let built = look_up.build_indexes().await.map_err(|error| anyhow::anyhow!("{error:?}"))?;
    if built > 0 {
        let took = start.elapsed().as_secs_f64();
        let detail = format!("{built} segments in {took:.1} s, {:.0} ms each", 1_000.0 * took / built as f64);
        rows.push(Row::new("indexes built", cli.events as f64 / took / 1e6, "M/s", detail));
    }
    let index = size(folder, "index")?;
    let text = size(folder, "jsonl")?;
    let detail = format!("{:.0} MB of {:.0} MB of segments", index as f64 / 1e6, text as f64 / 1e6);
    rows.push(Row::new("index size of an event", index as f64 / cli.events as f64, "bytes", detail));
    for (name, query) in pages(cli.events)? {
        measure(folder, &look_up, name, &query, cli.rounds, &mut rows).await?;
    }
    let detail = format!("resident {:.0} MB before, {:.0} MB after", before as f64 / 1e6, memory()? as f64 / 1e6);
    rows.push(Row::new("memory", (memory()? as f64 - before as f64).max(0.0) / 1e6, "MB", detail));
    report::print(&rows, cli.json)
}

/// The measured pages.
fn pages(events: u64) -> Result<Vec<(&'static str, Query)>> {
    let account = AccountId::parse(trail::ACCOUNT)?;
    let of = |filters: &[(Attribute, &str)]| Query {
        account: Some(account),
        filters: filters.iter().map(|(attribute, value)| (*attribute, (*value).to_owned())).collect(),
        limit: 50,
        ..Query::default()
    };
    let second = |part: f64| Timestamp::from_microsecond(trail::time((events as f64 * part) as u64, events));
    let middle = |query: Query| Ok::<_, anyhow::Error>(Query { to: Some(second(0.5)?), ..query });
    Ok(vec![
        ("all events", of(&[])),
        ("all events, from the middle", middle(of(&[]))?),
        ("readOnly=true", of(&[(Attribute::ReadOnly, "true")])),
        ("a common user", of(&[(Attribute::Username, "user-0")])),
        ("a common user, from the middle", middle(of(&[(Attribute::Username, "user-0")]))?),
        ("a user with 20 events in the year", of(&[(Attribute::Username, "rare")])),
        ("the same and readOnly=true", of(&[(Attribute::Username, "rare"), (Attribute::ReadOnly, "true")])),
        ("an absent user", of(&[(Attribute::Username, "absent")])),
        ("an event id of the first day", of(&[(Attribute::EventId, &trail::id(7))])),
        (
            "two common values, never together",
            of(&[(Attribute::EventName, "CreateUser"), (Attribute::ReadOnly, "true")]),
        ),
        (
            "three common values",
            of(&[
                (Attribute::EventName, "GetUser"),
                (Attribute::ReadOnly, "true"),
                (Attribute::ErrorCode, "AccessDenied"),
            ]),
        ),
        (
            "an event name within a day",
            Query { from: Some(second(0.5)?), to: Some(second(0.503)?), ..of(&[(Attribute::EventName, "CreateUser")]) },
        ),
        ("a resource", of(&[(Attribute::ResourceName, "user-1999")])),
        ("the access key of a common user", of(&[(Attribute::AccessKeyId, &trail::common_key())])),
        ("an access key with 20 events in the year", of(&[(Attribute::AccessKeyId, trail::RARE_KEY)])),
        ("an error", of(&[(Attribute::ErrorCode, "AccessDenied")])),
        ("an error of a common user", of(&[(Attribute::ErrorCode, "AccessDenied"), (Attribute::Username, "user-0")])),
    ])
}

async fn measure(
    folder: &Path,
    look_up: &LookUp,
    name: &str,
    query: &Query,
    rounds: u32,
    rows: &mut Vec<Row>,
) -> Result<()> {
    let mut times = [Vec::new(), Vec::new(), Vec::new()];
    let mut found = 0;
    for _ in 0..rounds {
        for (kind, times) in times.iter_mut().enumerate() {
            if kind > 0 {
                forget(folder)?;
            }
            let fresh = LookUp::of_folder(folder);
            let look_up = if kind == 2 { &fresh } else { look_up };
            let start = Instant::now();
            let page = look_up.page("bench", query).await.map_err(|error| anyhow::anyhow!("{error:?}"))?;
            times.push(start.elapsed().as_secs_f64() * 1_000.0);
            found = page.events.len();
        }
    }
    let [warm, cold, started] = times.map(|mut times| {
        times.sort_by(f64::total_cmp);
        (times[times.len() / 2], times[times.len() - 1])
    });
    let detail = format!(
        "{found} events; cached {:.1} ms; cold worst {:.1} ms; first after a start {:.1} ms",
        warm.0, cold.1, started.0
    );
    rows.push(Row::new(name, cold.0, "ms", detail).at_most(100.0));
    Ok(())
}

/// Removes the files of a folder from the cache of the system.
fn forget(folder: &Path) -> Result<()> {
    for entry in fs::read_dir(folder)? {
        let file = File::open(entry?.path())?;
        rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::DontNeed)?;
    }
    Ok(())
}

fn size(folder: &Path, extension: &str) -> Result<u64> {
    let mut size = 0;
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|own| own == extension) {
            File::open(&path)?.sync_all()?;
            size += fs::metadata(&path)?.len();
        }
    }
    Ok(size)
}

/// The resident memory of the process.
fn memory() -> Result<u64> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("VmRSS")?;
    Ok(line.trim().trim_end_matches(" kB").parse::<u64>()? * 1_024)
}
