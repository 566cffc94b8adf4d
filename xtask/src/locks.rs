//! The lock files of the workspaces beside the main one, which use its crates: a new dependency of a crate changes them.

use crate::run;
use anyhow::{Context as _, Result};
use std::process::Stdio;

/// The folders of these workspaces.
pub(crate) const FOLDERS: [&str; 6] =
    ["bench/load", "bench/evaluator", "bench/scale", "bench/store", "bench/trail", "fuzz"];

/// Returns an error for each lock file that is out of date. With `bless`, updates it instead.
///
/// # Errors
/// If cargo can't be started.
pub(crate) fn check(bless: bool) -> Result<Vec<String>> {
    let mut wrong = Vec::new();
    for folder in FOLDERS {
        let mut command = run::cargo();
        command.current_dir(run::root().join(folder)).args(["metadata", "--locked", "--format-version", "1"]);
        let output = command.stdout(Stdio::null()).output().context("cannot start cargo")?;
        // Other failures, as that of a machine that is offline, are not the lock file's.
        if !String::from_utf8_lossy(&output.stderr).contains("--locked") {
            continue;
        }
        if bless {
            let mut update = run::cargo();
            update.current_dir(run::root().join(folder)).args(["update", "--workspace", "--quiet"]);
            run::quiet(update)?;
        } else {
            wrong.push(format!("{folder}/Cargo.lock is out of date: `cargo xtask tidy --bless` updates it"));
        }
    }
    Ok(wrong)
}
