//! Measures a release build of the server against baselines that are written to be fast.
//!
//! Each measurement is a ratio of two rates, measured alternately in one run: the same client, payload and settings on
//! both sides, the server in a process of its own whose CPU time the kernel counts. Rates depend on the machine; ratios
//! are comparable. It uses the server only through its interfaces. Start reading at [`measure`].

mod baseline;
mod beside;
mod commit;
mod credentials;
mod drive;
mod flood;
mod flooded;
mod grpc;
mod many_calls;
mod measure;
mod process;
mod query;
mod report;
mod shared;
mod sign_in;
mod soak;
mod world;

use anyhow::Result;
use clap::{Parser, Subcommand};
use std::net::SocketAddr;
use std::path::PathBuf;

#[derive(Parser)]
#[command(name = "bailiwick-load", about = "Load, latency and size of the running server")]
struct Cli {
    /// A release build of the server
    #[arg(long, default_value = "../../target/release/bailiwick")]
    server: PathBuf,
    /// Seconds of each measurement on each side
    #[arg(long, default_value_t = 5)]
    seconds: u32,
    /// Instead of the measurements, run a mix of calls for this many minutes, and compare memory, open files and latency
    /// of its last third with those of its second
    #[arg(long, value_name = "MINUTES", conflicts_with = "filter")]
    soak: Option<u32>,
    /// Instead of the measurements, three servers on this empty PostgreSQL database, or on the etcd of `etcd://HOST:PORT`
    #[arg(long, value_name = "ADDRESS", conflicts_with = "soak")]
    database: Option<String>,
    /// Print JSON instead of a table
    #[arg(long)]
    json: bool,
    /// Only the measurements whose name contains this; with `--database`: `decisions`, `change to effect elsewhere`,
    /// `create user` or `start to first answer`
    filter: Option<String>,
    #[command(subcommand)]
    baseline: Option<Baseline>,
}

/// The baselines, which the program runs as child processes.
#[derive(Subcommand)]
enum Baseline {
    /// An empty tonic echo
    #[command(hide = true)]
    EchoGrpc { listen: SocketAddr, answer: PathBuf },
    /// An axum handler that echoes a form
    #[command(hide = true)]
    EchoForm { listen: SocketAddr },
    /// Clients without credentials that flood a server
    #[command(hide = true)]
    SendFlood { server: SocketAddr, kind: flood::Kind },
}

#[tokio::main]
async fn main() -> Result<()> {
    let cli = Cli::parse();
    match cli.baseline {
        Some(Baseline::EchoGrpc { listen, answer }) => baseline::grpc(listen, &answer).await,
        Some(Baseline::EchoForm { listen }) => baseline::form(listen).await,
        Some(Baseline::SendFlood { server, kind }) => flood::run(server, kind).await,
        None => {
            let rows = match (cli.soak, &cli.database) {
                (Some(minutes), _) => soak::run(&cli.server, minutes).await?,
                (None, Some(address)) => shared::all(&cli.server, address, cli.seconds, cli.filter.as_deref()).await?,
                (None, None) => measure::all(&cli.server, cli.seconds, cli.filter.as_deref()).await?,
            };
            report::print(&rows, cli.json)?;
            // A bench reports; a soak is a check.
            let is_kept = |row: &report::Row| row.target.as_ref().is_none_or(|target| target.reached);
            anyhow::ensure!(cli.soak.is_none() || rows.iter().all(is_kept), "the server did not stay as it was");
            Ok(())
        }
    }
}
