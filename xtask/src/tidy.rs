//! `cargo xtask tidy`: checks of the source tree that the compiler does not make. All errors are shown at once.

use crate::metadata::Metadata;
use crate::{coverage, cycles, edges, locks, prose};
use anyhow::{Result, bail};

/// Runs all checks. With `bless`, writes generated content instead of comparing it.
///
/// # Errors
/// The errors of all checks, one per line.
pub(crate) fn run(bless: bool) -> Result<String> {
    let mut wrong = edges::undrawn(&Metadata::read(None)?);
    wrong.extend(cycles::check()?);
    wrong.extend(locks::check(bless)?);
    let read = prose::check()?;
    wrong.extend(read.wrong);
    wrong.extend(coverage::check(bless)?);
    if !wrong.is_empty() {
        bail!("{} to tidy:\n  {}", wrong.len(), wrong.join("\n  "));
    }
    for (path, lines) in &read.long {
        println!("      {path}: {lines} lines; is there a seam?");
    }
    Ok(format!("tidy: {} files", read.files))
}
