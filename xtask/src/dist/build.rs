//! Building the binaries, so that the folders of the machine do not change their bytes.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Result;

use super::{BINARY, PACKAGE};
use crate::run;

/// Builds the binary in a target folder. Returns its path.
pub(crate) fn binary(target: &Path, host: &str, is_static: bool) -> Result<PathBuf> {
    let kind = if is_static { "static" } else { "dynamic" };
    println!("building the {kind} {BINARY} for {host} in {}; this takes minutes", target.display());
    let target = target.join(kind);
    let folders = [
        (target.clone(), "/build/target"),
        (run::root(), "/build"),
        (std::env::var_os("CARGO_HOME").map_or_else(home, PathBuf::from), "/cargo"),
    ];
    let mut flags = Vec::new();
    if is_static {
        flags.push("-Ctarget-feature=+crt-static".to_owned());
    }
    // Of several that match, the compiler takes the last one, so the innermost folder comes last.
    flags.extend(folders.iter().rev().map(|(from, to)| format!("--remap-path-prefix={}={to}", from.display())));
    let of_c: Vec<_> =
        folders.iter().rev().map(|(from, to)| format!("-ffile-prefix-map={}={to}", from.display())).collect();
    let mut build = run::cargo();
    build.args(["build", "--locked", "--profile", "dist", "--package", PACKAGE, "--target", host, "--target-dir"]);
    build.arg(&target).env("CARGO_ENCODED_RUSTFLAGS", flags.join("\u{1f}")).env("CFLAGS", of_c.join(" "));
    build.env("CARGO_INCREMENTAL", "0").env("SOURCE_DATE_EPOCH", time().to_string());
    if let Some(commit) = commit() {
        build.env("BAILIWICK_COMMIT", commit);
    }
    run::quiet(build)?;
    Ok(target.join(host).join("dist").join(BINARY))
}

/// Whether the C library of the target can be linked statically.
pub(crate) fn can_be_static(host: &str) -> bool {
    let found = run::output(Command::new("cc").arg("-print-file-name=libc.a"));
    host.ends_with("-linux-gnu") && found.is_ok_and(|path| Path::new(path.trim()).is_absolute())
}

/// The commit that `bailiwick version` prints, unless the tree has uncommitted changes.
pub(crate) fn commit() -> Option<String> {
    git(&["status", "--porcelain"]).filter(String::is_empty)?;
    git(&["rev-parse", "--short=12", "HEAD"])
}

/// The time of the files of a release: `SOURCE_DATE_EPOCH`, or that of the commit.
pub(crate) fn time() -> u64 {
    let given = std::env::var("SOURCE_DATE_EPOCH").ok();
    given.or_else(|| git(&["log", "-1", "--format=%ct"])).and_then(|time| time.trim().parse().ok()).unwrap_or(0)
}

fn git(args: &[&str]) -> Option<String> {
    let output = run::output(Command::new("git").current_dir(run::root()).args(args)).ok()?;
    Some(output.trim().to_owned())
}

fn home() -> PathBuf {
    std::env::var_os("HOME").map_or_else(PathBuf::new, PathBuf::from).join(".cargo")
}
