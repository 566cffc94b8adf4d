//! The body of an index file during a search: the events, the table of keys and the postings.

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::num::NonZeroU64;
use std::ops::Range;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use rustix::fs::{Advice, fadvise};

use super::Key;
use super::layout::{BLOCK, EVENT, Header, IndexedEvent, ROW, Row, damaged};
use super::postings::{self, Ranks};
use crate::files;
use crate::query::{Position, Query};

/// How many neighbouring blocks of the table are searched for a key before the rest is bisected.
const NEIGHBOURS: u32 = 2;

/// The body of an index file, with the blocks that were read.
pub(super) struct Body<'a> {
    header: &'a Header,
    /// Of each block.
    checksums: &'a [u32],
    file: File,
    /// Where the body begins in the file.
    begin: u64,
    blocks: HashMap<u64, Vec<u8>>,
}

impl<'a> Body<'a> {
    /// Opens the body that begins at a byte of the file.
    ///
    /// # Errors
    /// When the file can't be opened.
    pub(super) fn open(path: &Path, begin: u64, header: &'a Header, checksums: &'a [u32]) -> io::Result<Self> {
        Ok(Body { header, checksums, file: files::open(path)?, begin, blocks: HashMap::new() })
    }

    /// Reads the blocks up to `last` that were not read before, neighbours at once.
    fn load(&mut self, first: u64, last: u64) -> io::Result<()> {
        let mut missing = (first..=last).filter(|number| !self.blocks.contains_key(number));
        let (Some(first), last) = (missing.next(), missing.next_back()) else { return Ok(()) };
        let (begin, end) = (first * BLOCK as u64, (last.unwrap_or(first) + 1) * BLOCK as u64);
        let [.., len] = self.header.parts();
        // Bounded by the length of the file, which was compared when it was opened.
        let size = usize::try_from(end.min(len).saturating_sub(begin)).map_err(io::Error::other)?;
        let mut bytes = vec![0; size];
        self.file.read_exact_at(&mut bytes, self.begin + begin)?;
        for (number, block) in (first..).zip(bytes.chunks(BLOCK)) {
            let expected = usize::try_from(number).ok().and_then(|number| self.checksums.get(number));
            if expected != Some(&crc32fast::hash(block)) {
                return Err(damaged("a block has another checksum"));
            }
            self.blocks.insert(number, block.to_vec());
        }
        Ok(())
    }

    /// Has the system read several parts of the body at the same time, which are read soon.
    fn prepare(&self, ranges: &[Range<u64>]) {
        // A lone part is read just as fast when it is needed.
        for range in ranges.iter().filter(|range| ranges.len() > 1 && !range.is_empty()) {
            let (first, last) = (range.start / BLOCK as u64, (range.end - 1) / BLOCK as u64);
            let len = NonZeroU64::new((last - first + 1) * BLOCK as u64);
            // Without it they are read one after the other.
            let _ = fadvise(&self.file, self.begin + first * BLOCK as u64, len, Advice::WillNeed);
        }
    }

    fn read(&mut self, range: Range<u64>) -> io::Result<Vec<u8>> {
        if range.is_empty() {
            return Ok(Vec::new());
        }
        let [.., len] = self.header.parts();
        if range.end > len {
            return Err(damaged("it names a place beyond its end"));
        }
        let (first, last) = (range.start / BLOCK as u64, (range.end - 1) / BLOCK as u64);
        self.load(first, last)?;
        let mut bytes = Vec::with_capacity(usize::try_from(range.end - range.start).map_err(io::Error::other)?);
        for number in first..=last {
            let begin = number * BLOCK as u64;
            let block = self.blocks.get(&number).ok_or_else(|| damaged("a block is missing"))?;
            let (from, until) = (range.start.saturating_sub(begin), (range.end - begin).min(block.len() as u64));
            bytes.extend_from_slice(block.get(from as usize..until as usize).unwrap_or_default());
        }
        Ok(bytes)
    }

    pub(super) fn event(&mut self, rank: u32) -> io::Result<IndexedEvent> {
        let at = u64::from(rank) * EVENT as u64;
        IndexedEvent::read(&self.read(at..at + EVENT as u64)?)
    }

    fn row(&mut self, number: u32) -> io::Result<Row> {
        Row::read(&self.read(self.row_place(number))?)
    }

    fn row_place(&self, number: u32) -> Range<u64> {
        let at = self.header.parts()[0] + u64::from(number) * ROW as u64;
        at..at + ROW as u64
    }

    /// Where the row of a key is if keys are spread evenly: they are hashes.
    fn expected_row(&self, key: Key) -> u32 {
        ((u128::from(key) * u128::from(self.header.keys)) >> 64) as u32
    }

    /// The number of events that may be on the page, which are the first in the order of time.
    pub(super) fn end_of(&mut self, query: &Query) -> io::Result<u32> {
        let Header { first, events, max_time, .. } = *self.header;
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

    /// The events that have all keys; none if there are none.
    pub(super) fn ranks(&mut self, keys: &[Key]) -> io::Result<Option<Ranks>> {
        let mut rows = Vec::new();
        self.prepare(&keys.iter().map(|key| self.row_place(self.expected_row(*key))).collect::<Vec<_>>());
        for key in keys {
            let Some(row) = self.find(*key)? else { return Ok(None) };
            rows.push(row);
        }
        // The fewest first: often the others need not be read.
        rows.sort_by_key(|row| row.len);
        self.prepare(&rows.iter().map(|row| self.postings_place(*row)).collect::<Vec<_>>());
        let mut ranks = Ranks::all(self.header.events);
        for row in rows {
            let members = self.postings(row)?.ok_or_else(|| damaged("the postings of a key"))?;
            ranks.intersect(&members);
            if ranks.is_empty() {
                return Ok(None);
            }
        }
        Ok(Some(ranks))
    }

    fn postings(&mut self, row: Row) -> io::Result<Option<Ranks>> {
        let count = self.header.events;
        if row.len == 1 {
            return Ok(Ranks::one(row.at, count));
        }
        if row.len > count {
            return Ok(None);
        }
        let bytes = self.read(self.postings_place(row))?;
        Ok(postings::decode(&bytes, row.len, count))
    }

    /// Where the postings of a row are; nowhere if it names its event.
    fn postings_place(&self, row: Row) -> Range<u64> {
        if row.len <= 1 {
            return 0..0;
        }
        let [_, postings, end] = self.header.parts();
        let begin = postings + u64::from(row.at);
        begin..end.min(begin + postings::most_bytes(row.len, self.header.events) as u64)
    }

    /// Finds a key in the table. In most cases one block is read.
    fn find(&mut self, key: Key) -> io::Result<Option<Row>> {
        let keys = self.header.keys;
        let (mut low, mut high) = (0, keys);
        let mut near = self.expected_row(key);
        let mut steps = 0;
        while low < high {
            let rows = self.rows_of_block(near.clamp(low, high - 1), low, high);
            let (first, last) = (self.row(rows.start)?, self.row(rows.end - 1)?);
            if key < first.key {
                (high, near) = (rows.start, rows.start.saturating_sub(1));
            } else if key > last.key {
                (low, near) = (rows.end, rows.end);
            } else {
                return self.find_among(rows, key);
            }
            steps += 1;
            if steps > NEIGHBOURS {
                near = low + high.saturating_sub(low) / 2;
            }
        }
        Ok(None)
    }

    /// The rows between `low` and `high` in the block of the row `near`, without those that are in part in another block;
    /// at least that row.
    fn rows_of_block(&self, near: u32, low: u32, high: u32) -> Range<u32> {
        let table = self.header.parts()[0];
        let begin = (table + u64::from(near) * ROW as u64) / BLOCK as u64 * BLOCK as u64;
        let first = begin.saturating_sub(table).div_ceil(ROW as u64).max(low.into());
        let end = ((begin + BLOCK as u64).saturating_sub(table) / ROW as u64).min(high.into());
        // Row numbers are below `high`.
        let (first, end) = (first as u32, end as u32);
        if (first..end).contains(&near) { first..end } else { near..near + 1 }
    }

    fn find_among(&mut self, rows: Range<u32>, key: Key) -> io::Result<Option<Row>> {
        let Range { start: mut low, end: mut high } = rows;
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

#[cfg(test)]
mod tests;
