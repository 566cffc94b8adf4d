//! The index of a complete segment, as a file.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use aws_lc_rs::digest::{SHA256, digest};

use super::body::Body;
use super::layout::{HEADER, Header, damaged};
use super::{Builder, Key};
use crate::files;
use crate::query::{Hit, Newest, Position, Query};
use crate::segments::{SegmentText, segment_starts};

/// An index file. Its header is in memory; the rest is read when it is needed.
pub(crate) struct IndexFile {
    path: PathBuf,
    header: Header,
    /// Of each block of the body.
    checksums: Vec<u32>,
    /// Where the body begins in the file.
    body: u64,
}

/// The place of the index of a segment.
pub(crate) fn index_path(folder: &Path, first: u64) -> PathBuf {
    folder.join(format!("audit-{first:020}.index"))
}

/// Removes the indexes whose segments are gone, and what a crash left of unfinished ones.
///
/// # Errors
/// When the folder can't be read.
pub(crate) fn remove_orphans(folder: &Path) -> io::Result<()> {
    let starts = segment_starts(folder)?;
    for entry in fs::read_dir(folder)? {
        let (name, path) = entry.map(|entry| (entry.file_name(), entry.path()))?;
        let name = name.to_string_lossy();
        let Some((number, kind)) = name.strip_prefix("audit-").and_then(|name| name.split_once('.')) else { continue };
        let is_orphan = || number.parse().is_ok_and(|first: u64| starts.binary_search(&first).is_err());
        if kind == "index.new" || (kind == "index" && is_orphan()) {
            fs::remove_file(path)?;
        }
    }
    Ok(())
}

impl IndexFile {
    /// Writes the index of a complete segment, in place of an older one.
    ///
    /// # Errors
    /// When it can't be written.
    pub(crate) fn write(folder: &Path, first: u64, builder: &Builder) -> io::Result<()> {
        let path = index_path(folder, first);
        let new = path.with_extension("index.new");
        // Left from a crash, if it exists.
        let _ = fs::remove_file(&new);
        let mut file = OpenOptions::new().create_new(true).write(true).mode(0o600).open(&new)?;
        file.write_all(&builder.to_bytes())?;
        // Not synced: an incomplete file is recognized by its checksums.
        fs::rename(&new, &path)
    }

    /// Opens the index of a segment.
    ///
    /// # Errors
    /// When there is none, and when it is damaged or not of this segment.
    pub(crate) fn open(folder: &Path, first: u64, text: &mut SegmentText) -> io::Result<Self> {
        let path = index_path(folder, first);
        let file = files::open(&path)?;
        let len = file.metadata()?.len();
        let mut bytes = vec![0; HEADER];
        file.read_exact_at(&mut bytes, 0)?;
        let header = Header::read(&bytes)?;
        let checksums = header.blocks() * 4;
        let body = HEADER as u64 + checksums + 4;
        if len != body + header.parts()[2] {
            return Err(damaged("its length is not that of its header"));
        }
        // Bounded by the length of the file, which was just compared.
        bytes.resize(usize::try_from(body).map_err(io::Error::other)?, 0);
        file.read_exact_at(&mut bytes[HEADER..], HEADER as u64)?;
        let (covered, checksum) = bytes.split_at(bytes.len() - 4);
        if crc32fast::hash(covered).to_le_bytes() != checksum {
            return Err(damaged("its header has another checksum"));
        }
        let numbers = covered[HEADER..].as_chunks::<4>().0;
        let checksums = numbers.iter().map(|bytes| u32::from_le_bytes(*bytes)).collect();
        let index = IndexFile { path, header, checksums, body };
        index.expect_segment(first, text)?;
        Ok(index)
    }

    fn expect_segment(&self, first: u64, text: &mut SegmentText) -> io::Result<()> {
        let Header { last, last_sha256, .. } = &self.header;
        let (begin, end) = last.bytes();
        let is_same = (self.header.first, self.header.text_len) == (first, text.len())
            && end <= text.len()
            && digest(&SHA256, &text.read(begin..end)?).as_ref() == last_sha256;
        if is_same { Ok(()) } else { Err(damaged("it is of another segment")) }
    }

    /// The times of the first and the last event.
    pub(crate) fn times(&self) -> Option<(i64, i64)> {
        (self.header.events > 0).then_some((self.header.min_time, self.header.max_time))
    }

    /// Finds the newest events that have all keys of one of the sets.
    ///
    /// # Errors
    /// When the file can't be read or is damaged.
    pub(crate) fn search(&self, sets: &[Vec<Key>], query: &Query, newest: &mut Newest) -> io::Result<()> {
        let mut body = Body::open(&self.path, self.body, &self.header, &self.checksums)?;
        let count = self.header.events;
        let end = body.end_of(query)?;
        for set in sets {
            let Some(ranks) = body.ranks(set)? else { continue };
            for rank in ranks.descending(end.min(count)) {
                let event = body.event(rank)?;
                let position = Position { time: event.time, sequence: self.header.first + u64::from(event.line) };
                let is_too_old = query.from.is_some_and(|from| position.time < from.as_microsecond());
                if is_too_old || newest.is_full_of_newer(position) {
                    break;
                }
                if query.includes(position) {
                    newest.push(Hit { position, first: self.header.first, bytes: event.place.bytes() });
                }
            }
        }
        Ok(())
    }
}
