//! The Python environment of the client tests: a virtual environment of pinned packages, created once per list.

use crate::dist::hex;
use crate::run;
use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const REQUIREMENTS: &str = "tests/clients/requirements.txt";
const ANSIBLE: &str = "tests/clients/ansible-requirements.txt";

/// Interpreters to try, newest first; `python3` is last, since it may be old.
const PYTHONS: &[&str] = &["python3.11", "python3.12", "python3.13", "python3"];

/// Returns the environment's `python`, and creates the environment if necessary.
///
/// # Errors
/// When no Python 3.10 or later is installed, or the packages cannot be installed.
pub(crate) fn environment() -> Result<PathBuf> {
    made(REQUIREMENTS, "clients")
}

/// Returns `ansible-playbook` of an environment of its own, half a gigabyte, and creates it if necessary.
///
/// # Errors
/// As for [`environment`]. Ansible needs Python 3.11.
pub(crate) fn ansible() -> Result<PathBuf> {
    Ok(made(ANSIBLE, "ansible")?.with_file_name("ansible-playbook"))
}

/// Returns the `python` of an environment with the packages of a list.
fn made(requirements: &str, name: &str) -> Result<PathBuf> {
    let list = fs::read(run::root().join(requirements)).with_context(|| format!("cannot read {requirements}"))?;
    let base = base()?;
    let version = run::output(Command::new(base).arg("--version"))?;
    let mut hash = Sha256::new();
    hash.update(&list);
    hash.update(version.as_bytes());
    let folder = run::target().join(name).join(&hex(&hash.finalize())[..16]);
    let python = folder.join("bin/python");
    let complete = folder.join(".complete");
    if complete.exists() {
        return Ok(python);
    }
    if folder.exists() {
        fs::remove_dir_all(&folder).context("cannot remove an incomplete environment")?;
    }
    let mut make = Command::new(base);
    make.args(["-m", "venv"]).arg(&folder);
    run::quiet(make).context("cannot make a virtual environment (Debian and Ubuntu: apt-get install python3-venv)")?;
    let mut install = Command::new(&python);
    install
        .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"])
        .arg(run::root().join(requirements));
    run::quiet(install).context("cannot install the pinned packages")?;
    fs::write(&complete, "").context("cannot mark the environment as complete")?;
    Ok(python)
}

fn base() -> Result<&'static str> {
    let recent = "import sys, venv; sys.exit(sys.version_info < (3, 10))";
    match PYTHONS.iter().find(|python| run::installed(python, &["-c", recent])) {
        Some(python) => Ok(python),
        None => bail!("no Python of 3.10 or later with `venv`; tried {}", PYTHONS.join(", ")),
    }
}

/// A `pytest` over `tests/clients` with this environment.
pub(crate) fn pytest(python: &Path) -> Command {
    let mut command = Command::new(python);
    command.current_dir(run::root().join("tests/clients")).args(["-m", "pytest", "-p", "no:cacheprovider"]);
    command
}
