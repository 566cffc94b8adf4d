//! The indexes of segments: look-ups find what they name, so one that is not of its segment hides records.

use std::io;
use std::path::Path;

use super::report::Report;
use crate::files;
use crate::index::{Builder, index_path};
use crate::segments::{SegmentText, segment_name, segment_starts};

/// The longest index that is read.
const MAX_INDEX: u64 = 1024 * 1024 * 1024;

/// Builds the index of each segment that has one again, and notes those that differ.
pub(super) fn check(folder: &Path, report: &mut Report) -> io::Result<()> {
    for first in segment_starts(folder)? {
        let found = match files::read_at_most(&index_path(folder, first), MAX_INDEX) {
            Ok(found) => found,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => {
                report.note(format!("the index of {} cannot be read: {error}", segment_name(first)));
                continue;
            }
        };
        // A damaged segment is a fault already.
        let Ok(mut text) = SegmentText::open(folder, first) else { continue };
        let (mut builder, len) = (Builder::new(first), text.len());
        if builder.catch_up(&mut text, len).is_ok() && builder.to_bytes() != found {
            report.note(format!(
                "the index of {} is damaged, altered or of another version, so that look-ups may miss records: delete it, and the server builds it again",
                segment_name(first)
            ));
        }
    }
    Ok(())
}
