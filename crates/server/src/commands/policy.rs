//! `bailiwick policy`: check and format policy documents.

mod files;
mod remote;
mod validate;

use std::process::ExitCode;

use bailiwick_policy_lang::format;
use clap::Subcommand;

use crate::failure::Failure;
use crate::{input, output};
use files::Files;

/// Check and format policy documents
#[derive(Subcommand)]
pub(crate) enum Command {
    Validate(validate::Options),
    /// Print a policy document in Bailiwick's canonical format, with the same meaning
    ///
    /// Exit codes: 0 printed, 1 a file is not a policy document, 2 a file cannot be read.
    #[command(after_help = "Examples:
  bailiwick policy format policy.json
  bailiwick policy format - < policy.json > formatted.json")]
    Format(Files),
}

pub(crate) fn run(command: Command) -> Result<ExitCode, Failure> {
    match command {
        Command::Validate(options) => validate::run(&options),
        Command::Format(files) => print_formatted(&files),
    }
}

fn print_formatted(files: &Files) -> Result<ExitCode, Failure> {
    let mut all_formatted = true;
    for file in &files.files {
        let text = files::read(file)?;
        match format(&text, files.kind.into()) {
            Ok(formatted) => output::print(&format!("{}\n", formatted.trim_end()))?,
            Err(error) => {
                // One line, in the format that editors and terminals make clickable.
                let (line, column) = (error.span.start.line, error.span.start.column);
                let path = if error.path.is_empty() { String::new() } else { format!("in {}: ", error.path) };
                let (name, kind, difference) = (input::name(file), error.kind, error.difference());
                eprintln!("{name}:{line}:{column}: {path}{kind}: {difference}");
                all_formatted = false;
            }
        }
    }
    Ok(if all_formatted { ExitCode::SUCCESS } else { ExitCode::from(1) })
}
