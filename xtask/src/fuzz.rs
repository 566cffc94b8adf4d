//! `cargo xtask fuzz`: runs the coverage-guided fuzz targets of `fuzz/` with `cargo fuzz`, where it is installed.
//!
//! New inputs go to `target/fuzz-corpus`, not to the checked-in corpus. An input that fails is in `fuzz/artifacts`; copied
//! to `fuzz/corpus/TARGET`, the tests replay it.

use crate::check::Done;
use crate::run::{self, Tally};
use anyhow::{Context, Result, bail};
use clap::Args as ClapArgs;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

#[derive(ClapArgs)]
pub(crate) struct Args {
    /// Seconds for each target
    #[arg(long, default_value_t = 60)]
    seconds: u32,
    /// Run only targets whose name contains this text
    filter: Option<String>,
}

/// Runs the targets, and fails if `cargo fuzz` is not installed.
pub(crate) fn run(args: &Args) -> Result<()> {
    let done = targets(args.seconds, args.filter.as_deref())?;
    if !done.skipped.is_empty() {
        bail!("{}", done.skipped.join("; "));
    }
    println!("{} targets", done.tally.passed);
    Ok(())
}

/// Runs the targets whose name contains the filter, each for so many seconds.
pub(crate) fn targets(seconds: u32, filter: Option<&str>) -> Result<Done> {
    if !is_installed() {
        let what = "fuzz targets: `cargo fuzz` or a nightly toolchain is not installed (`cargo install cargo-fuzz`)";
        return Ok(Done::skipped(what));
    }
    let folder = run::root().join("fuzz");
    let mut passed = 0;
    for name in names(&folder)?.iter().filter(|name| filter.is_none_or(|filter| name.contains(filter))) {
        println!("      {name}, {seconds} s");
        let found = run::target().join("fuzz-corpus").join(name);
        fs::create_dir_all(&found).with_context(|| format!("cannot create {}", found.display()))?;
        let mut command = Command::new("cargo");
        command
            .current_dir(run::root())
            .args(["+nightly", "fuzz", "run", "--target-dir"])
            .arg(run::target().join("fuzz"));
        command.arg(name).arg(found).arg(folder.join("corpus").join(name));
        command.args(["--", "-timeout=10", "-rss_limit_mb=2048", "-print_final_stats=1"]);
        command.arg(format!("-max_total_time={seconds}"));
        if !command.status().context("cannot run cargo fuzz")?.success() {
            bail!("{name} failed; copy the input from fuzz/artifacts/{name} to fuzz/corpus/{name} and mend the defect");
        }
        passed += 1;
    }
    if passed == 0 {
        bail!("no target has such a name");
    }
    Ok(Tally { passed, ..Tally::default() }.into())
}

fn is_installed() -> bool {
    let mut command = Command::new("cargo");
    command.args(["+nightly", "fuzz", "--version"]).stdout(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// The names of the targets: the programs in `fuzz/fuzz_targets`.
fn names(folder: &Path) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder.join("fuzz_targets")).context("cannot read fuzz/fuzz_targets")? {
        names.extend(entry?.path().file_stem().map(|stem| stem.to_string_lossy().into_owned()));
    }
    names.sort();
    Ok(names)
}
