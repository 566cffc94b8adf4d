//! Where the lines of a page are.

use std::collections::BTreeSet;
use std::ops::Range;

use super::Position;

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

/// The newest hits, up to a number; each once.
pub(crate) struct Newest {
    hits: BTreeSet<Hit>,
    most: usize,
}

impl Newest {
    pub(crate) fn new(most: usize) -> Self {
        Newest { hits: BTreeSet::new(), most }
    }

    pub(crate) fn push(&mut self, hit: Hit) {
        if self.is_full_of_newer(hit.position) {
            return;
        }
        self.hits.insert(hit);
        if self.hits.len() > self.most {
            self.hits.pop_first();
        }
    }

    /// Whether there are enough hits, all of them newer than this position.
    pub(crate) fn is_full_of_newer(&self, position: Position) -> bool {
        self.is_full() && self.hits.first().is_some_and(|oldest| oldest.position > position)
    }

    /// Whether there are enough hits. Older ones may have been left out then.
    pub(crate) fn is_full(&self) -> bool {
        self.hits.len() == self.most
    }

    /// Newest first.
    pub(crate) fn into_sorted(self) -> impl Iterator<Item = Hit> {
        self.hits.into_iter().rev()
    }
}
