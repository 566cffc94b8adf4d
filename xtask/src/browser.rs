//! The browser of the console's tests: Debian's `chromium` with its driver.

use std::process::Command;

use anyhow::Result;

use crate::check::Done;
use crate::run::{self, Tally};

/// The programs that the tests start.
const PROGRAMS: [&str; 2] = ["chromium", "chromedriver"];
/// The packages of Debian that have them.
const PACKAGES: [&str; 2] = ["chromium", "chromium-driver"];

/// Installs the browser, if it is missing and the caller may: as root on a system with `apt-get`.
///
/// Without it, the result names the command to type.
pub(crate) fn ensure() -> Done {
    if is_installed() {
        return Tally::ONE.into();
    }
    let by_hand = format!("apt-get install --no-install-recommends {}", PACKAGES.join(" "));
    if !run::installed("apt-get", &["--version"]) {
        return Done::skipped("the console in a browser (chromium and chromedriver are not installed)");
    }
    if !is_root() {
        return Done::skipped(&format!("the console in a browser (not installed; as root: {by_hand})"));
    }
    // The lists of packages may be missing or old.
    if apt(&["update", "-qq"]).and_then(|()| install()).is_err() || !is_installed() {
        return Done::skipped(&format!("the console in a browser (this failed: {by_hand})"));
    }
    Tally::ONE.into()
}

fn is_installed() -> bool {
    PROGRAMS.iter().all(|program| run::installed(program, &["--version"]))
}

/// Whether this process may install packages.
fn is_root() -> bool {
    run::output(Command::new("id").arg("-u")).is_ok_and(|id| id.trim() == "0")
}

fn install() -> Result<()> {
    let mut args = vec!["install", "--yes", "-qq", "--no-install-recommends"];
    args.extend(PACKAGES);
    apt(&args)
}

fn apt(args: &[&str]) -> Result<()> {
    let mut command = Command::new("apt-get");
    command.args(args).env("DEBIAN_FRONTEND", "noninteractive");
    run::quiet(command)
}
