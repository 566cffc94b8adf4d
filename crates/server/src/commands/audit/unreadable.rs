//! Warnings about segments of the trail that the server cannot read.

use std::collections::BTreeSet;

use crate::escapes;
use crate::output::{NOTABLE, styled};

/// The segments that a warning has named.
#[derive(Default)]
pub(crate) struct Unreadable(BTreeSet<String>);

impl Unreadable {
    /// Prints a warning for each segment that has none yet.
    pub(crate) fn warn(&mut self, segments: &[String]) {
        for segment in segments {
            if self.0.insert(segment.clone()) {
                let segment = escapes::one_line(segment);
                eprintln!(
                    "{} the server cannot read {segment} of its audit trail: records may be missing here; `bailiwick audit verify` on the server says why",
                    styled(NOTABLE, "warning:")
                );
            }
        }
    }
}
