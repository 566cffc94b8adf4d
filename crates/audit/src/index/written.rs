//! Lines that were just written, with what their index has of them: taken from the records, so that the text is not read
//! again.

use super::layout::LinePlace;
use super::{Key, KnownKeys, hashed_of};
use crate::Record;
use crate::query::EventLine;

/// The lines of one batch.
#[derive(Default)]
pub(crate) struct WrittenLines {
    /// The number of the segment's first line.
    pub(crate) first: u64,
    /// Where in the segment the lines begin, and where they end.
    pub(super) begin: u64,
    pub(super) end: u64,
    lines: Vec<WrittenLine>,
    /// The keys of all lines, one line after the other.
    keys: Vec<Key>,
    /// Saves hashes; kept from batch to batch.
    known: KnownKeys,
}

struct WrittenLine {
    len: usize,
    /// None if the line is not an event.
    time: Option<i64>,
    /// Where its keys end.
    keys: usize,
}

/// A line, as a builder adds it.
pub(super) struct Line<'a> {
    pub(super) place: LinePlace,
    pub(super) time: Option<i64>,
    pub(super) keys: &'a [Key],
}

impl WrittenLines {
    /// Begins a batch at a byte of a segment.
    pub(crate) fn begin(&mut self, first: u64, at: u64) {
        (self.first, self.begin, self.end) = (first, at, at);
        // Not cleared: a large batch would keep its memory.
        (self.lines, self.keys) = (Vec::new(), Vec::new());
    }

    /// Adds the line of a record, of so many bytes without the line feed.
    pub(crate) fn add(&mut self, record: &Record, len: usize) {
        let time = EventLine::time_of(record);
        if time.is_some() {
            hashed_of(&EventLine::of(record), |hashed| self.keys.push(self.known.key(hashed)));
        }
        self.lines.push(WrittenLine { len, time, keys: self.keys.len() });
        self.end += len as u64 + 1;
    }

    /// Whether no line of the segment is before them.
    pub(crate) fn is_whole(&self) -> bool {
        self.begin == 0
    }

    /// Whether a builder may add them: an index is of less than 4 GiB.
    pub(super) fn fits(&self) -> bool {
        u32::try_from(self.end).is_ok()
    }

    pub(super) fn lines(&self) -> impl Iterator<Item = Line<'_>> {
        let (mut at, mut from) = (self.begin, 0);
        self.lines.iter().map(move |line| {
            // Within the limit: see `fits`.
            let place = LinePlace { offset: at as u32, len: line.len as u32 };
            let keys = &self.keys[from..line.keys];
            (at, from) = (at + line.len as u64 + 1, line.keys);
            Line { place, time: line.time, keys }
        })
    }
}
