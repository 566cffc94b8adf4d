//! Finds events in a segment by reading all of it.

use std::io;
use std::ops::ControlFlow;

use crate::query::{EventLine, Hit, Newest, Position, Query};
use crate::segments::SegmentText;

/// Finds the newest events of a segment's first `end` bytes.
pub(crate) fn scan(text: &mut SegmentText, first: u64, end: u64, query: &Query, newest: &mut Newest) -> io::Result<()> {
    let mut sequence = first;
    text.for_each_line(0..end, |range, bytes| {
        let found = EventLine::parse(bytes).filter(|line| query.matches(line));
        if let Some(time) = found.and_then(|line| line.time()) {
            let position = Position { time, sequence };
            if query.includes(position) {
                newest.push(Hit { position, first, bytes: (range.start, range.end) });
            }
        }
        sequence += 1;
        ControlFlow::Continue(())
    })?;
    Ok(())
}
