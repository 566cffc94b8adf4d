//! Verifies a trail: the chain of records, the chain and the signatures of digests, and what the store knows.
//!
//! Files are read in parts, each once. A fault does not end the verification: it continues with what is found.

mod anchor;
mod chain;
mod conclusion;
mod digests;
mod end;
mod indexes;
mod line;
mod report;
mod segments;
mod text;

use std::io;
use std::path::Path;

use crate::PublicKey;

pub use anchor::Anchor;
pub use report::{Fault, Report, Trust};

/// What a trail is compared with.
#[derive(Default)]
pub struct Expected {
    /// The keys that digests may be signed with. If empty: those of the anchor, or else that of the first digest.
    pub keys: Vec<PublicKey>,
    /// What the store of a stopped server knows of the trail.
    pub anchor: Option<Anchor>,
}

/// Verifies the trail in a folder. `progress` is called with how many of how many bytes were read.
///
/// # Errors
/// When the folder or a file in it can't be read. Faults of the content are in the report.
pub fn verify(folder: &Path, expected: &Expected, progress: &mut dyn FnMut(u64, u64)) -> io::Result<Report> {
    let mut report = Report::default();
    let mut digests = digests::read(folder, expected, &mut report)?;
    let end = segments::read(folder, &mut digests, expected.anchor.as_ref(), &mut report, progress)?;
    if let Some(anchor) = &expected.anchor {
        anchor.compare(&digests, &end, &mut report);
    }
    indexes::check(folder, &mut report)?;
    conclusion::conclude(&mut report, &digests, &end, expected.anchor.as_ref());
    Ok(report)
}

#[cfg(test)]
mod tests;
