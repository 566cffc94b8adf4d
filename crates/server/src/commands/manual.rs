//! `bailiwick completions` and `bailiwick man`: shell completions and manual pages.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Command};
use clap_complete::Shell;

use crate::failure::Failure;
use crate::output;

/// Print completions for a shell
#[derive(Args)]
#[command(after_help = "Examples:
  bailiwick completions bash > ~/.local/share/bash-completion/completions/bailiwick
  bailiwick completions zsh > ~/.zfunc/_bailiwick
  bailiwick completions fish > ~/.config/fish/completions/bailiwick.fish")]
pub(crate) struct Completions {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

pub(crate) fn completions(options: &Completions, mut command: Command) -> Result<ExitCode, Failure> {
    let mut out = Vec::new();
    clap_complete::generate(options.shell, &mut command, "bailiwick", &mut out);
    output::print(&String::from_utf8_lossy(&out))?;
    Ok(ExitCode::SUCCESS)
}

/// Print the manual page, or write the pages of all commands into a folder
#[derive(Args)]
#[command(after_help = "Examples:
  bailiwick man | man -l -
  bailiwick man ~/.local/share/man/man1")]
pub(crate) struct Man {
    /// Folder to write the pages into; created if missing
    #[arg(value_name = "DIR")]
    folder: Option<PathBuf>,
}

pub(crate) fn man(options: &Man, command: Command) -> Result<ExitCode, Failure> {
    let Some(folder) = &options.folder else {
        let mut out = Vec::new();
        let rendered = clap_mangen::Man::new(command).render(&mut out);
        rendered.map_err(|e| Failure::new(format!("cannot write the manual: {e}")))?;
        output::print(&String::from_utf8_lossy(&out))?;
        return Ok(ExitCode::SUCCESS);
    };
    let fail = |e: std::io::Error| Failure::new(format!("cannot write into {}: {e}", folder.display()));
    std::fs::create_dir_all(folder).map_err(fail)?;
    clap_mangen::generate_to(command, folder).map_err(fail)?;
    Ok(ExitCode::SUCCESS)
}
