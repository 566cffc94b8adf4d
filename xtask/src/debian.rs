//! Programs of the tests that come from Debian's packages.

use std::process::Command;

use anyhow::Result;

use crate::check::Done;
use crate::run::{self, Tally};

/// A program that tests use, and that a caller can do without.
pub(crate) struct Program {
    /// What is not checked without it.
    pub(crate) checks: &'static str,
    /// Its name.
    pub(crate) name: &'static str,
    /// The packages of Debian that have it.
    pub(crate) packages: &'static [&'static str],
    /// Whether it is installed.
    pub(crate) is_installed: fn() -> bool,
}

impl Program {
    /// Installs the program, if it is missing and the caller may: as root on a system with `apt-get`.
    ///
    /// Without it, the result names the command to type.
    pub(crate) fn ensure(&self) -> Done {
        let Program { checks, name, packages, is_installed } = self;
        if is_installed() {
            return Tally::ONE.into();
        }
        let by_hand = format!("apt-get install --no-install-recommends {}", packages.join(" "));
        if !run::installed("apt-get", &["--version"]) {
            return Done::skipped(&format!("{checks} ({name} is not installed)"));
        }
        if !is_root() {
            return Done::skipped(&format!("{checks} (not installed; as root: {by_hand})"));
        }
        // The lists of packages may be missing or old.
        if apt(&["update", "-qq"]).and_then(|()| self.install()).is_err() || !is_installed() {
            return Done::skipped(&format!("{checks} (this failed: {by_hand})"));
        }
        Tally::ONE.into()
    }

    /// The result of a step that the caller leaves out; `option` is its name on the command line.
    pub(crate) fn left_out(&self, option: &str) -> Done {
        Done::skipped(&format!("{} (--without {option})", self.checks))
    }

    fn install(&self) -> Result<()> {
        let mut args = vec!["install", "--yes", "-qq", "--no-install-recommends"];
        args.extend(self.packages);
        apt(&args)
    }
}

/// Whether this process may install packages.
fn is_root() -> bool {
    run::output(Command::new("id").arg("-u")).is_ok_and(|id| id.trim() == "0")
}

fn apt(args: &[&str]) -> Result<()> {
    let mut command = Command::new("apt-get");
    command.args(args).env("DEBIAN_FRONTEND", "noninteractive");
    run::quiet(command)
}
