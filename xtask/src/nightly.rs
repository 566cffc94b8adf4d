//! What is too long for every change: the same tests, with more rounds.

use crate::check::{self, Steps};
use crate::{python, run};
use clap::Args as ClapArgs;
use std::process::ExitCode;

#[derive(ClapArgs)]
pub(crate) struct Args {
    /// Rounds of the crash test: each starts the server, writes, kills it and looks for every answered write
    #[arg(long, default_value_t = 200)]
    crash_rounds: u32,
    /// Cases of each property test
    #[arg(long, default_value_t = 20_000)]
    cases: u32,
}

pub(crate) fn run(args: &Args) -> ExitCode {
    let mut steps = Steps::begin();
    steps.step("properties", || {
        let mut command = run::cargo();
        command.env("PROPTEST_CASES", args.cases.to_string()).args(["test", "--workspace", "--locked", "--release"]);
        check::counted(command)
    });
    steps.step("server", || {
        let mut command = run::cargo();
        command.args(["build", "--locked", "--package", "bailiwick-server"]);
        check::plain(command)
    });
    steps.step("crashes", || {
        let mut command = python::pytest(&python::environment()?);
        command.env("BAILIWICK_CRASH_ROUNDS", args.crash_rounds.to_string()).args(["-q", "test_durability.py"]);
        check::counted(command)
    });
    steps.end()
}
