//! Finds events in a segment by reading all of it.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io;
use std::ops::{ControlFlow, Range};

use super::attribute::EventLine;
use super::query::{Position, Query};
use crate::segments::SegmentText;

/// A line that was found.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Hit {
    pub(crate) position: Position,
    /// The first number of the segment.
    pub(crate) first: u64,
    /// Where the line is, without its line feed.
    pub(crate) bytes: (u64, u64),
}

impl Hit {
    pub(crate) fn range(&self) -> Range<u64> {
        self.bytes.0..self.bytes.1
    }
}

/// The newest hits, up to a number.
pub(crate) struct Newest {
    hits: BinaryHeap<Reverse<Hit>>,
    most: usize,
}

impl Newest {
    pub(crate) fn new(most: usize) -> Self {
        Newest { hits: BinaryHeap::new(), most }
    }

    pub(crate) fn push(&mut self, hit: Hit) {
        self.hits.push(Reverse(hit));
        if self.hits.len() > self.most {
            self.hits.pop();
        }
    }

    /// Newest first.
    pub(crate) fn into_sorted(self) -> Vec<Hit> {
        // Ascending in `Reverse`.
        self.hits.into_sorted_vec().into_iter().map(|Reverse(hit)| hit).collect()
    }
}

/// Finds the newest events of a segment's first `end` bytes.
pub(crate) fn scan(text: &mut SegmentText, first: u64, end: u64, query: &Query, newest: &mut Newest) -> io::Result<()> {
    let mut sequence = first;
    text.for_each_line(0..end, |at, bytes| {
        let found = EventLine::parse(bytes).filter(|line| query.matches(line));
        if let Some(time) = found.and_then(|line| line.time()) {
            let position = Position { time, sequence };
            if query.includes(position) {
                newest.push(Hit { position, first, bytes: (at, at + bytes.len() as u64) });
            }
        }
        sequence += 1;
        ControlFlow::Continue(())
    })?;
    Ok(())
}
