//! The cost of authenticated rows in a store: a commit and a start, compared with the same without.
//!
//! Both sides are the same code over files with the same content; on one of them the authenticator does nothing. They
//! are measured alternately, so that other load affects both. Start reading at [`commit`], then [`start`].

mod commit;
/// Nothing is counted here.
mod memory {
    pub fn in_use() -> i64 {
        0
    }
}
#[path = "../../load/src/report.rs"]
#[expect(dead_code, reason = "the load has figures with lower bounds, this has none")]
mod report;
mod start;
#[path = "../../scale/src/world.rs"]
#[expect(dead_code, reason = "the scale looks at more of a world")]
mod world;

use anyhow::{Context, Result};
use bailiwick_seal::Keyring;
use bailiwick_storage::Authenticator;
use clap::Parser;

/// As the server has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[derive(Parser)]
#[command(name = "bailiwick-bench-store", about = "What authenticated storage costs")]
struct Cli {
    /// Principals of the world that is started
    #[arg(long, default_value_t = 100_000)]
    principals: u64,
    /// Rounds of each measurement; each round measures both sides once
    #[arg(long, default_value_t = 7, value_parser = clap::value_parser!(u32).range(3..))]
    rounds: u32,
    /// Print JSON instead of a table
    #[arg(long)]
    json: bool,
}

fn main() -> Result<()> {
    let cli = Cli::parse();
    // On the disk of the program, not in memory.
    let folder = std::env::current_exe()?.parent().context("a folder")?.to_owned();
    let folder = tempfile::tempdir_in(folder)?;
    let mut rows = Vec::new();
    commit::measure(folder.path(), cli.rounds, &mut rows)?;
    start::measure(folder.path(), cli.principals, cli.rounds, &mut rows)?;
    report::print(&rows, cli.json)
}

/// The two sides: without and with authentication.
fn sides() -> Result<[(&'static str, Authenticator); 2]> {
    let key = Keyring::generate(0)?.row_key()?.context("a key of rows")?;
    Ok([("plain", Authenticator::none()), ("authenticated", Authenticator::new(key))])
}

fn median(figures: &mut [f64]) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

/// The ratio of the second side to the first: the median of those of the rounds.
fn ratio(name: &str, sides: [Vec<f64>; 2], unit: &str) -> report::Row {
    let [mut plain, mut authenticated] = sides;
    let mut ratios: Vec<f64> = plain.iter().zip(&authenticated).map(|(plain, other)| other / plain).collect();
    let (plain, authenticated) = (median(&mut plain), median(&mut authenticated));
    let detail = format!("plain {plain:.2} {unit}, authenticated {authenticated:.2} {unit}");
    report::Row::new(name, median(&mut ratios), "x", detail)
}
