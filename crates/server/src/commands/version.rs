//! `bailiwick version`: the version and build.

use std::process::ExitCode;
use std::sync::LazyLock;

use clap::Args;

use super::output;
use crate::failure::Failure;

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

/// The version of the package.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");
/// The commit that it was built from, if `BAILIWICK_COMMIT` was set during the build.
pub(crate) const COMMIT: Option<&str> = option_env!("BAILIWICK_COMMIT");
const PROFILE: &str = if cfg!(debug_assertions) { "debug" } else { "release" };

/// Returns version and commit on one line.
pub(crate) fn line() -> &'static str {
    static LINE: LazyLock<String> = LazyLock::new(|| match COMMIT {
        Some(commit) => format!("{VERSION} ({commit})"),
        None => VERSION.to_owned(),
    });
    &LINE
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
