//! `bailiwick audit`: the audit trail.

mod filter;
mod search;
mod since;
mod table;
mod tail;

use std::process::ExitCode;

use clap::Subcommand;

use crate::failure::Failure;

/// Search and follow the audit trail
///
/// The audit trail has a record of every request to the server, in CloudTrail's format.
#[derive(Subcommand)]
pub(crate) enum Command {
    Search(Box<search::Options>),
    Tail(Box<tail::Options>),
}

pub(crate) fn run(command: Command) -> Result<ExitCode, Failure> {
    match command {
        Command::Search(options) => search::run(&options),
        Command::Tail(options) => tail::run(&options),
    }
}
