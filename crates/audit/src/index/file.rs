//! The index of a complete segment, as a file.

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::ops::Range;
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use aws_lc_rs::digest::{SHA256, digest};

use super::layout::{BLOCK, EVENT, HEADER, Header, IndexedEvent, ROW, Row, damaged};
use super::postings::{self, Ranks};
use super::{Builder, Key};
use crate::files;
use crate::query::{Hit, Newest, Position, Query};
use crate::segments::{SegmentText, segment_starts};

/// How far from its expected place a key is looked for at first, in rows of the table.
const WINDOW: u32 = 512;

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
        let mut body = Body { file: files::open(&self.path)?, index: self, blocks: HashMap::new() };
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

/// The body of an index file during a search, with the blocks that were read.
struct Body<'a> {
    index: &'a IndexFile,
    file: File,
    blocks: HashMap<u64, Vec<u8>>,
}

impl Body<'_> {
    fn block(&mut self, number: u64) -> io::Result<&[u8]> {
        let [.., len] = self.index.header.parts();
        let begin = number * BLOCK as u64;
        let size = len.saturating_sub(begin).min(BLOCK as u64) as usize;
        if !self.blocks.contains_key(&number) {
            let mut bytes = vec![0; size];
            self.file.read_exact_at(&mut bytes, self.index.body + begin)?;
            let expected = usize::try_from(number).ok().and_then(|number| self.index.checksums.get(number));
            if expected != Some(&crc32fast::hash(&bytes)) {
                return Err(damaged("a block has another checksum"));
            }
            self.blocks.insert(number, bytes);
        }
        self.blocks.get(&number).map(Vec::as_slice).ok_or_else(|| damaged("a block is missing"))
    }

    fn read(&mut self, range: Range<u64>) -> io::Result<Vec<u8>> {
        let (mut bytes, mut at) = (Vec::new(), range.start);
        while at < range.end {
            let (number, within) = (at / BLOCK as u64, (at % BLOCK as u64) as usize);
            let most = (range.end - at).min(BLOCK as u64) as usize;
            let block = self.block(number)?;
            let part = block.get(within..block.len().min(within + most)).filter(|part| !part.is_empty());
            let part = part.ok_or_else(|| damaged("it names a place beyond its end"))?;
            bytes.extend_from_slice(part);
            at += part.len() as u64;
        }
        Ok(bytes)
    }

    fn event(&mut self, rank: u32) -> io::Result<IndexedEvent> {
        let at = u64::from(rank) * EVENT as u64;
        IndexedEvent::read(&self.read(at..at + EVENT as u64)?)
    }

    fn row(&mut self, number: u32) -> io::Result<Row> {
        let at = self.index.header.parts()[0] + u64::from(number) * ROW as u64;
        Row::read(&self.read(at..at + ROW as u64)?)
    }

    /// The number of events that may be on the page, which are the first in the order of time.
    fn end_of(&mut self, query: &Query) -> io::Result<u32> {
        let Header { first, events, max_time, .. } = self.index.header;
        let until = [query.to.map(|to| to.as_microsecond()), query.after.map(|after| after.time)];
        if until.into_iter().flatten().all(|until| max_time < until) {
            return Ok(events);
        }
        let (mut low, mut high) = (0, events);
        while low < high {
            let middle = low + (high - low) / 2;
            let event = self.event(middle)?;
            let position = Position { time: event.time, sequence: first + u64::from(event.line) };
            let is_after = query.to.is_some_and(|to| position.time > to.as_microsecond())
                || query.after.is_some_and(|after| position >= after);
            if is_after {
                high = middle;
            } else {
                low = middle + 1;
            }
        }
        Ok(low)
    }

    /// The events that have all keys; none if a key has no event.
    fn ranks(&mut self, keys: &[Key]) -> io::Result<Option<Ranks>> {
        let mut rows = Vec::new();
        for key in keys {
            let Some(row) = self.find(*key)? else { return Ok(None) };
            rows.push(row);
        }
        let count = self.index.header.events;
        let mut ranks = Ranks::all(count);
        for row in rows {
            let members = self.postings(row)?.ok_or_else(|| damaged("the postings of a key"))?;
            ranks.intersect(&members);
        }
        Ok(Some(ranks))
    }

    fn postings(&mut self, row: Row) -> io::Result<Option<Ranks>> {
        let count = self.index.header.events;
        if row.len == 1 {
            return Ok(Ranks::one(row.at, count));
        }
        if row.len > count {
            return Ok(None);
        }
        let [_, postings, end] = self.index.header.parts();
        let begin = postings + u64::from(row.at);
        let bytes = self.read(begin..end.min(begin + postings::most_bytes(row.len, count) as u64))?;
        Ok(postings::decode(&bytes, row.len, count))
    }

    /// Finds a key in the table. Keys are hashes, so that its place can be estimated.
    fn find(&mut self, key: Key) -> io::Result<Option<Row>> {
        let keys = self.index.header.keys;
        let expected = ((u128::from(key) * u128::from(keys)) >> 64) as u32;
        let (mut low, mut high) = (expected.saturating_sub(WINDOW), expected.saturating_add(WINDOW).min(keys));
        if low > 0 && self.row(low)?.key > key {
            (low, high) = (0, low);
        } else if high < keys && self.row(high)?.key < key {
            (low, high) = (high, keys);
        }
        while low < high {
            let middle = low + (high - low) / 2;
            let row = self.row(middle)?;
            match row.key.cmp(&key) {
                std::cmp::Ordering::Equal => return Ok(Some(row)),
                std::cmp::Ordering::Less => low = middle + 1,
                std::cmp::Ordering::Greater => high = middle,
            }
        }
        Ok(None)
    }
}
