//! Append-only files of lines: how they grow, and where they end after a crash.

use std::io;
use std::path::Path;

use crate::disk::{Disk, SegmentFile};

/// How much of a file's end is read at first; longer lines are rare.
pub(crate) const TAIL: u64 = 1024 * 1024;

/// The end of a file.
pub(crate) struct End {
    /// Bytes of whole lines.
    pub(crate) whole: u64,
    /// All bytes.
    pub(crate) bytes: u64,
    /// The last whole line, without its line feed.
    pub(crate) line: Option<Vec<u8>>,
}

/// A file that is written.
pub(crate) struct Appended {
    file: Box<dyn SegmentFile>,
    /// How much of it is whole, synced lines.
    pub(crate) bytes: u64,
    /// Whether a write or a sync failed, so that the data after `bytes` is unknown.
    pub(crate) is_torn: bool,
}

impl Appended {
    /// A file that has this many bytes.
    pub(crate) fn new(file: Box<dyn SegmentFile>, bytes: u64) -> Self {
        Appended { file, bytes, is_torn: false }
    }

    /// Writes whole lines and syncs them: all of them, or none.
    ///
    /// # Errors
    /// If that failed. The caller may retry.
    pub(crate) fn write(&mut self, text: &[u8]) -> io::Result<()> {
        self.repair()?;
        let written = self.file.append(text).and_then(|()| self.file.sync());
        match written {
            Ok(()) => self.bytes += text.len() as u64,
            Err(_) => {
                self.is_torn = true;
                // Truncate now if possible; otherwise before the next write, or at the next start.
                let _ = self.repair();
            }
        }
        written
    }

    /// Truncates incomplete data of a failed write.
    fn repair(&mut self) -> io::Result<()> {
        if self.is_torn {
            self.file.truncate(self.bytes)?;
            self.is_torn = false;
        }
        Ok(())
    }
}

/// The last whole line of a file, and where it ends.
pub(crate) fn end(disk: &dyn Disk, path: &Path) -> io::Result<End> {
    let bytes = disk.len(path)?;
    let mut from = bytes.saturating_sub(TAIL);
    loop {
        let text = disk.read(path, from)?;
        let whole = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let lines = text[..whole].strip_suffix(b"\n");
        let begin = lines.and_then(|lines| lines.iter().rposition(|byte| *byte == b'\n')).map(|at| at + 1);
        if begin.is_none() && from > 0 {
            // The line is longer than the part that was read.
            from = 0;
            continue;
        }
        let line = lines.map(|lines| lines[begin.unwrap_or(0)..].to_vec());
        return Ok(End { whole: from + whole as u64, bytes, line });
    }
}
