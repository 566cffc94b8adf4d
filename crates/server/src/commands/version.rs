//! `bailiwick version`: the version and build.

use std::process::ExitCode;

use clap::Args;

use crate::failure::Failure;
use crate::output;
use crate::version::{COMMIT, PROFILE, VERSION};

/// Print the version
#[derive(Args)]
#[command(after_help = "Examples:
  bailiwick version
  bailiwick version --json")]
pub(crate) struct Options {
    /// Print it as JSON
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(options: &Options) -> Result<ExitCode, Failure> {
    let (arch, os) = (std::env::consts::ARCH, std::env::consts::OS);
    let text = if options.json {
        let value = serde_json::json!({
            "version": VERSION, "commit": COMMIT, "profile": PROFILE, "architecture": arch, "os": os,
        });
        format!("{value:#}\n")
    } else {
        let commit = COMMIT.map(|commit| format!("commit {commit}\n")).unwrap_or_default();
        format!("bailiwick {VERSION}\n{commit}{PROFILE} build for {arch} {os}\n")
    };
    output::print(&text)?;
    Ok(ExitCode::SUCCESS)
}
