//! The view that decisions read, in worlds of a thousand to a million principals.
//!
//! All worlds are in one process, and their measurements alternate, so that other load of the machine affects all of
//! them. The store is in memory, so that the disk does not matter. Start reading at
//! [`world`], which describes the content of a world; then `measure`.

mod measure;
mod memory;
#[path = "../../load/src/report.rs"]
#[expect(dead_code, reason = "the load has figures with lower bounds, this has none")]
mod report;
mod requests;
mod world;

use anyhow::Result;
use clap::Parser;
use world::World;

#[derive(Parser)]
#[command(name = "bailiwick-scale", about = "Decisions, memory and publication in worlds of any size")]
struct Cli {
    /// Principals of the largest world; each is ten times as large as the one before, and the first has a thousand
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u64).range(10_000..=1_000_000))]
    max: u64,
    /// Rounds of each measurement through all worlds
    #[arg(long, default_value_t = 2_000, value_parser = clap::value_parser!(u32).range(100..))]
    rounds: u32,
    /// Print JSON instead of a table
    #[arg(long)]
    json: bool,
}

// On one thread, so that a commit's publication is measured and not the waking of a thread.
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let cli = Cli::parse();
    let sizes = [1_000, 10_000, 100_000, 1_000_000];
    let mut worlds = Vec::new();
    for size in sizes.into_iter().filter(|size| *size <= cli.max) {
        eprintln!("a world of {size} principals …");
        worlds.push(World::build(size).await?);
    }
    let mut rows = Vec::new();
    measure::decisions(&worlds, cli.rounds, &mut rows)?;
    measure::memory(&worlds, &mut rows);
    measure::publication(&worlds, cli.rounds, &mut rows).await?;
    measure::start(&worlds, &mut rows);
    report::print(&rows, cli.json)
}
