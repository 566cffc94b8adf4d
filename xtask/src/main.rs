//! Development tasks of the project in one command. `cargo xtask test` runs every check that a change must pass.
//!
//! It runs other tools (cargo, Python, tar) and adds the checks that no tool has: permitted edges between crates,
//! module documentation, the README's coverage table. It does not know what the crates do.
//! Start reading at [`check`], the list of steps.

mod bench;
mod browser;
mod check;
mod cluster;
mod coverage;
mod cycles;
mod debian;
mod dist;
mod edges;
mod etcd;
mod faketime;
mod fuzz;
mod licences;
mod locks;
mod metadata;
mod nightly;
mod packages;
mod postgres;
mod prose;
mod proto;
mod python;
mod run;
mod sbom;
mod store_server;
mod stubs;
mod tidy;
mod wire_check;

use anyhow::Result;
use clap::{Parser, Subcommand};
use std::process::ExitCode;

#[derive(Parser)]
#[command(name = "cargo xtask", about = "Development tasks of the project", max_term_width = 120)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run every check that a change must pass; `.ci/run` calls this
    Test(check::Args),
    /// Check crate edges, module docs, the README's coverage table, banned words and file lengths; takes seconds
    Tidy {
        /// Write generated content (the coverage table) instead of comparing it
        #[arg(long)]
        bless: bool,
    },
    /// Compare the description of the API with `proto/baseline.txt`: removed, renumbered or retyped elements, changed options
    Proto {
        /// Accept the current description after a review
        #[arg(long)]
        bless: bool,
    },
    /// Compare the proto and the AWS Query codec with botocore's service models
    WireCheck(wire_check::Args),
    /// Generate stubs in every language whose generator is installed
    Stubs,
    /// Check licences, bans and sources of the dependencies against deny.toml
    Licences,
    /// Build the release in `dist/`: tarballs, Debian package, container image, checksums, SBOM
    Dist(dist::Args),
    /// Measure speed and size against baselines in release builds: the server, the evaluator, deployments of any size
    Bench(bench::Args),
    /// Run three servers on one store on this machine, with their addresses and root's access key, until Ctrl-C
    Cluster(cluster::Args),
    /// Run the coverage-guided fuzz targets of `fuzz/`; needs cargo-fuzz and a nightly toolchain
    Fuzz(fuzz::Args),
    /// Run the checks that take hours: long properties, oracle, fuzz targets, attacks, crash rounds
    Nightly(nightly::Args),
}

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Test(args) => return check::run(&args),
        Command::Tidy { bless } => tidy::run(bless).map(|summary| println!("{summary}")),
        Command::Proto { bless } => proto::run(bless).map(|summary| println!("{summary}")),
        Command::Fuzz(args) => fuzz::run(&args),
        Command::WireCheck(args) => wire_check::run(&args).map(|summary| println!("{summary}")),
        Command::Stubs => stubs::run().map(|done| {
            done.skipped.iter().for_each(|what| println!("not checked: {what}"));
            println!("{} generators", done.tally.passed);
        }),
        Command::Licences => licences::run().map(|summary| println!("{summary}")),
        Command::Dist(args) => dist::run(&args),
        Command::Cluster(args) => cluster::run(&args),
        Command::Bench(args) => bench::run(&args),
        Command::Nightly(args) => return nightly::run(&args),
    };
    report(done)
}

fn report(done: Result<()>) -> ExitCode {
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
