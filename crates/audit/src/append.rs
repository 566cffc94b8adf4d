//! Append-only files of lines: how they grow, and where they end after a crash.

use std::io;
use std::ops::Range;
use std::path::Path;

use crate::disk::{Disk, SegmentFile};

/// How much of a file's end is read at once; longer lines are rare.
pub(crate) const TAIL: u64 = 1024 * 1024;
/// The longest line that is read. No writer makes a longer one.
const MAX_LINE: usize = 16 * 1024 * 1024;

/// The end of a file.
pub(crate) struct End {
    /// Bytes of whole lines.
    pub(crate) whole: u64,
    /// All bytes.
    pub(crate) bytes: u64,
    /// The last whole line, without its line feed; empty if it is longer than any that is written.
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
        let mut batch = self.begin()?;
        batch.add(text)?;
        batch.finish()
    }

    /// Begins to write whole lines in several parts.
    ///
    /// # Errors
    /// If an earlier failed write can't be undone.
    pub(crate) fn begin(&mut self) -> io::Result<Batch<'_>> {
        self.repair()?;
        Ok(Batch { file: self, bytes: 0, is_finished: false })
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

/// Lines that are written together: all of them are kept, or none. Without [`Self::finish`] they are removed.
pub(crate) struct Batch<'a> {
    file: &'a mut Appended,
    bytes: u64,
    is_finished: bool,
}

impl Batch<'_> {
    /// Writes a part, which need not be synced yet.
    ///
    /// # Errors
    /// If it can't be written. The whole batch fails then.
    pub(crate) fn add(&mut self, text: &[u8]) -> io::Result<()> {
        self.file.file.append(text)?;
        self.bytes += text.len() as u64;
        Ok(())
    }

    /// Returns when everything is durable.
    ///
    /// # Errors
    /// If it is not. The caller may retry with a new batch.
    pub(crate) fn finish(mut self) -> io::Result<()> {
        self.file.file.sync()?;
        self.is_finished = true;
        Ok(())
    }
}

impl Drop for Batch<'_> {
    fn drop(&mut self) {
        if self.is_finished {
            self.file.bytes += self.bytes;
        } else {
            self.file.is_torn = true;
            // Truncate now if possible; otherwise before the next write, or at the next start.
            let _ = self.file.repair();
        }
    }
}

/// The last whole line of a file, and where it ends.
///
/// # Errors
/// When the file can't be read.
pub(crate) fn end(disk: &dyn Disk, path: &Path) -> io::Result<End> {
    end_of(disk.len(path)?, |range| disk.read_part(path, range.start, range.end - range.start))
}

/// The last whole line of a text of so many bytes, and where it ends. Reads the text from its end on, in bounded parts.
///
/// # Errors
/// When the text can't be read.
pub(crate) fn end_of(bytes: u64, mut read: impl FnMut(Range<u64>) -> io::Result<Vec<u8>>) -> io::Result<End> {
    let line_feed = |text: &[u8]| text.iter().rposition(|byte| *byte == b'\n');
    let (mut at, mut whole) = (bytes, 0);
    while at > 0 && whole == 0 {
        let from = at.saturating_sub(TAIL);
        whole = line_feed(&read(from..at)?).map_or(0, |place| from + place as u64 + 1);
        at = from;
    }
    let Some(mut at) = whole.checked_sub(1) else { return Ok(End { whole: 0, bytes, line: None }) };
    let mut line = Vec::new();
    while at > 0 {
        let from = at.saturating_sub(TAIL);
        let mut part = read(from..at)?;
        let begin = line_feed(&part).map(|place| place + 1);
        part.drain(..begin.unwrap_or(0));
        part.append(&mut line);
        line = part;
        if line.len() > MAX_LINE {
            line.clear();
            break;
        }
        if begin.is_some() {
            break;
        }
        at = from;
    }
    Ok(End { whole, bytes, line: Some(line) })
}

#[cfg(test)]
mod tests;
