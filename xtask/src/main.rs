//! The chores of the project, as one command: `cargo xtask test` is everything that a change must pass.
//!
//! It drives the tools (cargo, Python, tar) and holds what no tool knows: which crate may name which, that every module
//! says what it is for, that the README's coverage table is true. It knows nothing of what the crates do.
//! Start reading at [`check`], the list of steps.

mod bench;
mod check;
mod coverage;
mod cycles;
mod dist;
mod edges;
mod licences;
mod metadata;
mod nightly;
mod packages;
mod prose;
mod python;
mod run;
mod sbom;
mod stubs;
mod tidy;
mod wire_check;

use anyhow::Result;
use clap::{Parser, Subcommand};
use std::process::ExitCode;

#[derive(Parser)]
#[command(name = "cargo xtask", about = "The chores of the project", max_term_width = 120)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Everything that a change must pass; what `.ci/run` calls
    Test(check::Args),
    /// Crate edges, module docs, the README's coverage table, words and lengths; seconds
    Tidy {
        /// Write what is generated (the coverage table) instead of comparing it
        #[arg(long)]
        bless: bool,
    },
    /// The proto and the AWS Query codec against botocore's service models
    WireCheck(wire_check::Args),
    /// Stubs in every language that has a generator here
    Stubs,
    /// Licences, bans and sources of the dependencies, against deny.toml
    Licences,
    /// The release: stripped binary, tarball, checksums, SBOM, in `dist/`
    Dist,
    /// Speed and size against baselines, in release builds: the running server, the evaluator, worlds of any size
    Bench(bench::Args),
    /// What is too long for every change: long properties, oracle, fuzz targets, attacks, crash rounds; hours
    Nightly(nightly::Args),
}

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Test(args) => return check::run(&args),
        Command::Tidy { bless } => tidy::run(bless).map(|said| println!("{said}")),
        Command::WireCheck(args) => wire_check::run(&args).map(|said| println!("{said}")),
        Command::Stubs => stubs::run().map(|done| {
            done.skipped.iter().for_each(|what| println!("not checked: {what}"));
            println!("{} generators", done.tally.passed);
        }),
        Command::Licences => licences::run().map(|said| println!("{said}")),
        Command::Dist => dist::run(),
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
