//! Reads the text of a segment, in coordinates of the uncompressed text.

use std::fs::File;
use std::io;
use std::ops::{ControlFlow, Range};
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use crate::compressed::Compressed;
use crate::files;
use crate::sequence::is_number;

/// The text of one segment.
pub(crate) struct SegmentText {
    source: Source,
    len: u64,
}

/// Where the text is.
enum Source {
    Plain(File),
    Compressed(Compressed),
}

/// How much is read at once.
const CHUNK: u64 = 256 * 1024;
/// The longest line that is read. The recorder bounds what a record contains, so a longer one is not its own.
const MAX_LINE: usize = 1024 * 1024;

impl SegmentText {
    /// Opens the segment whose first line has this number.
    ///
    /// # Errors
    /// `NotFound` if there is no such segment; retention may have removed it.
    pub(crate) fn open(folder: &Path, first: u64) -> io::Result<Self> {
        let plain = folder.join(segment_name(first));
        match files::open(&plain) {
            Ok(file) => {
                let len = file.metadata()?.len();
                Ok(SegmentText { source: Source::Plain(file), len })
            }
            // It was removed after the compressed file got its name.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let packed = folder.join(format!("{}.gz", segment_name(first)));
                let compressed = Compressed::open(files::open(&packed)?)?;
                let len = compressed.len();
                Ok(SegmentText { source: Source::Compressed(compressed), len })
            }
            Err(error) => Err(error),
        }
    }

    /// The length of the text when it was opened, in bytes.
    pub(crate) fn len(&self) -> u64 {
        self.len
    }

    /// The bytes of a range, as far as the text goes.
    ///
    /// # Errors
    /// When the file can't be read.
    pub(crate) fn read(&mut self, range: Range<u64>) -> io::Result<Vec<u8>> {
        let file = match &mut self.source {
            Source::Plain(file) => file,
            Source::Compressed(compressed) => return compressed.read(range),
        };
        let len = range.end.saturating_sub(range.start);
        let mut bytes = vec![0; usize::try_from(len).map_err(io::Error::other)?];
        let mut filled = 0;
        while filled < bytes.len() {
            match file.read_at(&mut bytes[filled..], range.start + filled as u64) {
                Ok(0) => break,
                Ok(read) => filled += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        bytes.truncate(filled);
        Ok(bytes)
    }

    /// Passes each whole line of a range, which begins at a line, to `each`, with its place, both without the line feed,
    /// until `each` breaks. Reads in pieces. A line that is longer than any record is passed as an empty one.
    ///
    /// # Errors
    /// When the file can't be read.
    pub(crate) fn for_each_line(
        &mut self,
        range: Range<u64>,
        mut each: impl FnMut(Range<u64>, &[u8]) -> ControlFlow<()>,
    ) -> io::Result<()> {
        let (mut buffer, mut begin) = (Vec::new(), range.start);
        // Whether the current line is longer than any that is read.
        let mut is_skipped = false;
        loop {
            let from = begin + buffer.len() as u64;
            let read = self.read(from..range.end.min(from.saturating_add(CHUNK)))?;
            if read.is_empty() {
                return Ok(());
            }
            buffer.extend_from_slice(&read);
            let mut at = 0;
            while let Some(len) = buffer[at..].iter().position(|byte| *byte == b'\n') {
                let place = begin + at as u64;
                let line = if is_skipped { &[] } else { &buffer[at..at + len] };
                is_skipped = false;
                at += len + 1;
                if each(place..place + len as u64, line).is_break() {
                    return Ok(());
                }
            }
            buffer.drain(..at);
            begin += at as u64;
            if buffer.len() > MAX_LINE {
                begin += buffer.len() as u64;
                buffer.clear();
                is_skipped = true;
            }
        }
    }
}

/// The numbers of the first lines of all segments in a folder, ascending.
///
/// # Errors
/// When the folder can't be read.
pub(crate) fn segment_starts(folder: &Path) -> io::Result<Vec<u64>> {
    let mut starts = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        starts.extend(start_of(&entry?.file_name().to_string_lossy()));
    }
    starts.sort_unstable();
    starts.dedup();
    Ok(starts)
}

/// The segments in a folder that cannot be opened, by name, each with the reason. Of compressed ones, the headers are read.
///
/// # Errors
/// When the folder can't be read.
pub fn unopened_segments(folder: &Path) -> io::Result<Vec<(String, io::Error)>> {
    let open = |first: u64| SegmentText::open(folder, first).err().map(|error| (segment_name(first), error));
    Ok(segment_starts(folder)?.into_iter().filter_map(open).collect())
}

/// The number of the first line of a segment, by the name of its file.
pub(super) fn start_of(name: &str) -> Option<u64> {
    let name = name.strip_prefix("audit-")?;
    let number = name.strip_suffix(".jsonl").or_else(|| name.strip_suffix(".jsonl.gz"))?;
    number.parse().ok().filter(|first| is_number(*first))
}

/// The name of a segment that is not compressed.
pub(crate) fn segment_name(first: u64) -> String {
    format!("audit-{first:020}.jsonl")
}
