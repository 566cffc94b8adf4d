//! `cargo xtask proto`: the description of the API compared with `proto/baseline.txt`, by a test of `api`.

use crate::run;
use anyhow::{Result, bail};

/// Runs the comparison. With `bless`, writes the baseline first.
///
/// # Errors
/// The elements that were removed, changed or added.
pub(crate) fn run(bless: bool) -> Result<String> {
    let mut command = run::cargo();
    command.args(["test", "--quiet", "--locked", "--package", "bailiwick-api", "--test", "baseline"]);
    if bless {
        command.env("BAILIWICK_BLESS", "1");
    }
    let output = run::capture(command, false)?;
    if !output.success {
        bail!("{}", output.text.trim_end());
    }
    Ok("proto: the description is the baseline".to_owned())
}
