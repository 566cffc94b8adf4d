//! The last line of a segment, after which writing continues.

use std::io;
use std::path::Path;

use super::{SegmentText, Segments, segment_name};
use crate::append::{self, End};

/// The end of a segment.
pub(super) struct Last {
    pub(super) end: End,
    /// Whether it can be written: it is not compressed.
    pub(super) is_plain: bool,
}

impl Segments {
    /// Finds the last line of a segment. It is empty if a compressed segment can't be read.
    ///
    /// # Errors
    /// When the file can't be read; the error names it.
    pub(super) fn last(&self, first: u64) -> io::Result<Last> {
        let path = self.path(first);
        match append::end(self.disk.as_ref(), &path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            end => return Ok(Last { end: end.map_err(|e| in_file(&path, &e))?, is_plain: true }),
        }
        let end = SegmentText::open(&self.folder, first)
            .and_then(|mut text| append::end_of(text.len(), |range| text.read(range)));
        let path = self.folder.join(format!("{}.gz", segment_name(first)));
        match end {
            // The writer compresses whole lines only.
            Ok(end) if end.line.is_some() => Ok(Last { end, is_plain: false }),
            Err(error) if !is_damage(&error) => Err(in_file(&path, &error)),
            _ => {
                tracing::error!(file = %path.display(), "a compressed segment of the audit trail is damaged");
                Ok(Last { end: End { whole: 0, bytes: 0, line: Some(Vec::new()) }, is_plain: false })
            }
        }
    }

    /// The number of lines in the first bytes of a segment, as far as it can be read.
    pub(super) fn count_lines(&self, first: u64, bytes: u64) -> u64 {
        let Ok(mut text) = SegmentText::open(&self.folder, first) else { return 0 };
        let mut lines = 0;
        let mut at = 0;
        while at < bytes {
            let part = text.read(at..bytes.min(at + append::TAIL)).unwrap_or_default();
            if part.is_empty() {
                break;
            }
            lines += part.iter().filter(|byte| **byte == b'\n').count() as u64;
            at += part.len() as u64;
        }
        lines
    }
}

/// Whether an error says that a compressed file is not what the writer wrote, and not that the disk fails.
pub(crate) fn is_damage(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::InvalidData | io::ErrorKind::InvalidInput | io::ErrorKind::UnexpectedEof)
}

/// Names the file in an error.
pub(super) fn in_file(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}
