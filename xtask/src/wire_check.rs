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

impl Default for Args {
    fn default() -> Self {
        Args { rounds: 5, seed: None }
    }
}

/// Builds the program under comparison and returns the command that compares it.
///
/// # Errors
/// When there is no Python with botocore, or the program does not build.
pub(crate) fn command(args: &Args) -> Result<Command> {
    let python = python::environment()?;
    let mut build = run::cargo();
    build.args(["build", "--quiet", "--package", "bailiwick-testing", "--features", "fuzz", "--example", "wire"]);
    run::quiet(build)?;
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
    let output = run::capture(command(args)?, false)?;
    if !output.success {
        bail!("{}", output.text.trim_end());
    }
    Ok(output.text.trim_end().to_owned())
}
