//! `bailiwick store`: whole stores.

mod copy;

use std::process::ExitCode;

use clap::Subcommand;

use crate::failure::Failure;

/// Copy a store to another place
#[derive(Subcommand)]
pub(crate) enum Command {
    Copy(copy::Options),
}

pub(crate) fn run(command: Command) -> Result<ExitCode, Failure> {
    match command {
        Command::Copy(options) => copy::run(&options),
    }
}
