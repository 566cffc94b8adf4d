//! The crates that others may add to their programs: each makes a package, and compiles with few features.

use crate::check::Done;
use crate::run::{self, Tally};
use anyhow::{Result, bail};
use std::process::Command;

/// The crates for others, by folder.
const CRATES: &[&str] = &["model", "policy-lang", "evaluator", "sigv4"];

/// Features that a crate must compile with, each run by itself, since the workspace enables others.
const FEATURES: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("model", &["serde"]),
    ("policy-lang", &[]),
    ("evaluator", &[]),
    ("sigv4", &["rust-crypto"]),
    ("sigv4", &["aws-lc-rs", "http"]),
];

/// Makes the packages. `verify` compiles each from its package, which takes minutes.
///
/// # Errors
/// What cargo refuses or warns about the manifests, and crates that do not compile.
pub(crate) fn check(verify: bool) -> Result<Tally> {
    let mut package = cargo(&["package", "--allow-dirty", "--locked"], CRATES);
    if !verify {
        package.arg("--no-verify");
    }
    let mut tally = Tally { passed: CRATES.len() as u64, failed: 0 };
    run(package)?;
    for (name, features) in FEATURES {
        let mut command = cargo(&["check", "--locked", "--no-default-features"], &[name]);
        command.args(["--features", &features.join(",")]);
        run(command)?;
        tally.passed += 1;
    }
    Ok(tally)
}

/// Compares the public items with those of the last release.
///
/// # Errors
/// Breaking changes that the version does not announce.
pub(crate) fn compatible() -> Result<Done> {
    if !run::installed("cargo-semver-checks", &["semver-checks", "--version"]) {
        return Ok(Done::skipped("breaking changes of public items (cargo semver-checks is not installed)"));
    }
    let mut describe = Command::new("git");
    describe.current_dir(run::root()).args(["describe", "--tags", "--abbrev=0", "--match", "v*"]);
    let release = describe.output().ok().filter(|output| output.status.success());
    let Some(release) = release else {
        return Ok(Done::skipped("breaking changes of public items (no tag `v*` to compare with)"));
    };
    let tag = String::from_utf8_lossy(&release.stdout).trim().to_owned();
    run::quiet(cargo(&["semver-checks", "--baseline-rev", &tag], CRATES))?;
    Ok(Tally { passed: CRATES.len() as u64, failed: 0 }.into())
}

fn cargo(args: &[&str], crates: &[&str]) -> Command {
    let mut command = run::cargo();
    command.args(args);
    for name in crates {
        command.args(["--package", &format!("bailiwick-{name}")]);
    }
    command
}

fn run(command: Command) -> Result<()> {
    let said = run::capture(command, false)?;
    // Cargo only warns about a manifest without a description, a licence or a repository.
    if !said.success || said.text.contains("warning: manifest has no") {
        bail!("{}", said.text.trim_end());
    }
    Ok(())
}
