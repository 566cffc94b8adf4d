//! What holds the house together and no compiler sees; each part returns its complaints, and all are shown at once.

use crate::metadata::Metadata;
use crate::{coverage, cycles, edges, prose};
use anyhow::{Result, bail};

/// Runs all parts; `bless` writes what is generated instead of comparing it.
///
/// # Errors
/// All complaints of all parts, one per line.
pub(crate) fn run(bless: bool) -> Result<String> {
    let mut wrong = edges::undrawn(&Metadata::read(None)?);
    wrong.extend(cycles::check()?);
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
