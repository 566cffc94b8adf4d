//! `bailiwick`: identity and access management that you run yourself and that speaks AWS IAM.
//!
//! Flags and wiring, nothing else: what the parts do is in their crates. One file per command in `commands`; the
//! server is put together in `commands/serve.rs`. Only this crate reads the environment, the clock and randomness.

mod commands;
mod counted;
mod data_dir;
mod deployment;
mod environment;
mod failure;
mod first_start;
mod head_timer;
mod listen;
mod logging;
mod master_key;
mod options;
mod private_file;
mod process;
mod root_credentials;
mod router;
mod signals;
mod sources;
mod store;
mod tls;
mod upkeep;

use std::process::ExitCode;

use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand};

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
    RecoverRoot(commands::recover_root::Options),
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

/// The command line and the environment. Ends the process if they are wrong, or if only help was wanted.
fn parsed() -> Cli {
    let mut command = environment::without_empty_variables(Cli::command());
    let parsed = command.try_get_matches_from_mut(std::env::args_os());
    let parsed = parsed.and_then(|matches| Cli::from_arg_matches(&matches).map_err(|e| e.format(&mut command)));
    parsed.unwrap_or_else(|error| {
        let variable = environment::refused_variable(&command, &error);
        // Without a terminal or pipe to say it to, the exit code remains.
        let _ = error.print();
        if let Some(variable) = variable {
            eprintln!("The value is that of the environment variable {variable}.");
        }
        std::process::exit(error.exit_code());
    })
}

fn main() -> ExitCode {
    let outcome = match parsed().command {
        Command::Serve(options) => commands::serve::run(*options),
        Command::RecoverRoot(options) => commands::recover_root::run(&options),
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
