//! `bailiwick import`: imports objects into a running server, as an authorized client.

mod account;
mod managed_policies;

use std::process::ExitCode;

use clap::Subcommand;

use crate::failure::Failure;

/// The largest file that is read.
const MAX_FILE: u64 = 256 * 1024 * 1024;

/// Import objects into a running server
#[derive(Subcommand)]
pub(crate) enum Command {
    Account(account::Options),
    ManagedPolicies(managed_policies::Options),
}

pub(crate) fn run(command: Command) -> Result<ExitCode, Failure> {
    match command {
        Command::Account(options) => account::run(&options),
        Command::ManagedPolicies(options) => managed_policies::run(&options),
    }
}
