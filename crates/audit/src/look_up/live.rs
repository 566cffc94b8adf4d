//! Indexes the lines of the segment that is written from their records.

use std::sync::Arc;

use super::indexes::Indexes;
use crate::Record;
use crate::index::WrittenLines;
use crate::segments::LineObserver;

/// Adds lines to the indexes when they are durable.
pub(crate) struct LiveIndex {
    indexes: Arc<Indexes>,
    lines: WrittenLines,
}

impl LiveIndex {
    pub(crate) fn new(indexes: Arc<Indexes>) -> Self {
        LiveIndex { indexes, lines: WrittenLines::default() }
    }
}

impl LineObserver for LiveIndex {
    fn begin(&mut self, first: u64, at: u64) {
        self.lines.begin(first, at);
    }

    fn line(&mut self, record: &Record, len: usize) {
        self.lines.add(record, len);
    }

    fn durable(&mut self, last_sha256: [u8; 32]) {
        self.indexes.add(&self.lines, last_sha256);
    }
}
