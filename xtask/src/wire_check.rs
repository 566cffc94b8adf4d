//! Holds the proto and the codecs of AWS's protocols against botocore's service models, with random messages of all operations.

use crate::{python, run};
use anyhow::{Result, bail};
use std::process::Command;

/// How many messages of each operation are compared.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Random requests and responses per operation
    #[arg(long, default_value_t = 5)]
    rounds: u32,
    /// The seed that an earlier run printed, to repeat it
    #[arg(long)]
    seed: Option<u32>,
}

impl Args {
    /// The rounds of `cargo xtask test`.
    pub(crate) const DEFAULT: Args = Args { rounds: 5, seed: None };
}

/// Builds the program under comparison and returns the command that compares it.
///
/// # Errors
/// When there is no Python with botocore, or the program does not build.
pub(crate) fn command(args: &Args) -> Result<Command> {
    let mut build = run::cargo();
    build.args(["build", "--quiet", "--package", "bailiwick-testing", "--features", "fuzz", "--example", "wire"]);
    run::quiet(build)?;
    compare(args)
}

/// The command that compares the program as the last build of all tests made it.
fn compare(args: &Args) -> Result<Command> {
    let python = python::environment()?;
    let mut check = Command::new(python);
    check.current_dir(run::root().join("tests/wire")).env("PYTHONDONTWRITEBYTECODE", "1");
    check.arg("check.py").arg(run::target().join("debug/examples/wire"));
    check.args(["--rounds", &args.rounds.to_string()]);
    if let Some(seed) = args.seed {
        check.args(["--seed", &seed.to_string()]);
    }
    Ok(check)
}

/// Compares, and returns a summary.
///
/// # Errors
/// All differences.
pub(crate) fn run(args: &Args) -> Result<String> {
    summary(command(args)?)
}

/// Compares as [`run()`] does, after the Rust tests were built, and with them the program.
///
/// # Errors
/// All differences.
pub(crate) fn run_built(args: &Args) -> Result<String> {
    summary(compare(args)?)
}

fn summary(command: Command) -> Result<String> {
    let output = run::capture(command, false)?;
    if !output.success {
        bail!("{}", output.text.trim_end());
    }
    Ok(output.text.trim_end().to_owned())
}
