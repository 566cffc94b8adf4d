//! `bailiwick`: identity and access management that you run yourself and that speaks AWS IAM.
//!
//! Flags and wiring, nothing else: what the parts do is in their crates. One file per command in `commands`; the
//! server is put together in `commands/serve.rs`. Only this crate reads the environment, the clock and randomness.

mod commands;
mod counted;
mod data_dir;
mod deployment;
mod failure;
mod first_start;
mod head_timer;
mod listen;
mod logging;
mod master_key;
mod options;
mod process;
mod router;
mod signals;
mod sources;
mod tls;
mod upkeep;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// A call makes some dozens of small allocations; this allocator makes them cheaper than the system's.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Identity and access management that you run yourself and that speaks AWS IAM.
#[derive(Parser)]
#[command(name = "bailiwick", version, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Serve(Box<commands::serve::Options>),
    #[command(subcommand)]
    Policy(commands::policy::Command),
    Evaluate(commands::evaluate::Options),
    #[command(subcommand)]
    Catalogue(commands::catalogue::Command),
    #[command(subcommand)]
    Import(commands::import::Command),
    #[command(hide = true)]
    Coverage,
}

fn main() -> ExitCode {
    let outcome = match Cli::parse().command {
        Command::Serve(options) => commands::serve::run(*options),
        Command::Policy(command) => commands::policy::run(command),
        Command::Evaluate(options) => commands::evaluate::run(&options),
        Command::Catalogue(command) => commands::catalogue::run(command),
        Command::Import(command) => commands::import::run(command),
        Command::Coverage => {
            commands::coverage::run();
            Ok(ExitCode::SUCCESS)
        }
    };
    outcome.unwrap_or_else(|failure| {
        eprintln!("bailiwick: {failure}");
        ExitCode::from(failure.code())
    })
}
