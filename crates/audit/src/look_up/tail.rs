//! Follows the trail in the order of sequence numbers.

use std::io;
use std::ops::ControlFlow;
use std::time::Duration;

use bailiwick_model::{IamError, Result};

use super::indexes::lock_builder;
use super::{Index, Inner, LookUp, PAGE_BYTES, open};
use crate::checkpoint::Checkpoint;
use crate::query::{Attribute, EventLine, Found, Position, Query};
use crate::segments::{segment_name, segment_starts};

/// How many bytes of lines one call compares.
const MOST_READ: u64 = 16 * 1024 * 1024;
/// The operation that follows the trail. Its own events are left out: they would end each wait.
const OWN: &str = "TailEvents";

/// Events after a position.
#[derive(Clone, Debug, Default)]
pub struct Tail {
    /// The events, in the order of their sequence numbers.
    pub events: Vec<Found>,
    /// The sequence number of the last line that was compared.
    pub last: u64,
    /// Whether there are lines after it.
    pub has_more: bool,
    /// The segments that were left out, in whole or in part, because they cannot be read, by name.
    pub unreadable: Vec<String>,
}

impl LookUp {
    /// The sequence number of the last durable event.
    pub fn last_sequence(&self) -> u64 {
        self.0.end.borrow().sequence
    }

    /// Returns the events after a sequence number that a query finds, without its times and its page, up to its limit.
    ///
    /// # Errors
    /// `Throttling` if too many look-ups wait, `ServiceFailure` when the folder can't be read.
    pub async fn tail(&self, principal: &str, query: &Query, after: u64) -> Result<Tail> {
        let query = Query { from: None, to: None, after: None, ..query.clone() }.normalized();
        let _permit = self.turn(principal).await?;
        self.blocking(move |inner| inner.tail(&query, after)).await.map_err(IamError::internal)
    }

    /// Waits until [`tail`](Self::tail) would return an event, at most for some time. Does not wait if too many calls do.
    ///
    /// # Errors
    /// `Throttling` if too many look-ups wait, `ServiceFailure` when the folder can't be read.
    pub async fn wait(&self, principal: &str, query: &Query, after: u64, most: Duration) -> Result<()> {
        let Ok(_waits) = self.0.waits.try_acquire() else { return Ok(()) };
        let mut is_stopping = self.0.is_stopping.subscribe();
        let query = Query { limit: 1, ..query.clone() };
        let (mut end, mut after) = (self.0.end.clone(), after);
        let found = async {
            loop {
                end.borrow_and_update();
                let tail = self.tail(principal, &query, after).await?;
                if !tail.events.is_empty() {
                    return Ok(());
                }
                after = tail.last;
                // An error: the writer has ended, and nothing will come.
                if !tail.has_more && end.changed().await.is_err() {
                    return Ok(());
                }
            }
        };
        tokio::select! {
            found = tokio::time::timeout(most, found) => found.unwrap_or(Ok(())),
            _ = is_stopping.wait_for(|is_stopping| *is_stopping) => Ok(()),
        }
    }

    /// Ends all waits, and those that would begin later. The server calls it when it stops.
    pub fn stop_waiting(&self) {
        self.0.is_stopping.send_replace(true);
    }
}

impl Inner {
    fn tail(&self, query: &Query, after: u64) -> io::Result<Tail> {
        let end = self.end.borrow().clone();
        let mut tail = Tail { last: after, ..Tail::default() };
        let starts = segment_starts(&self.folder)?;
        let begin = starts.partition_point(|first| *first <= after.saturating_add(1)).saturating_sub(1);
        let mut read = ReadSoFar::default();
        for first in starts[begin..].iter().copied().filter(|first| *first <= end.sequence) {
            match self.tail_segment(first, &end, query, after, (&mut tail, &mut read)) {
                Ok(ControlFlow::Break(())) => {
                    tail.has_more = true;
                    return Ok(tail);
                }
                Ok(ControlFlow::Continue(())) => {}
                Err(error) => {
                    self.unreadable.note(first, error)?;
                    tail.unreadable.push(segment_name(first));
                }
            }
        }
        // What retention has removed is skipped.
        tail.last = tail.last.max(if end.sequence == u64::MAX { after } else { end.sequence });
        Ok(tail)
    }

    /// Reads a segment, until a limit is reached.
    fn tail_segment(
        &self,
        first: u64,
        end: &Checkpoint,
        query: &Query,
        after: u64,
        (tail, read): (&mut Tail, &mut ReadSoFar),
    ) -> io::Result<ControlFlow<()>> {
        let Some(mut text) = open(&self.folder, first)? else { return Ok(ControlFlow::Continue(())) };
        let (mut from, mut sequence) = (0, first);
        let until = if first == end.first { end.bytes } else { text.len() };
        if let Some(Index::Growing(builder)) = self.indexes.of(first, end)? {
            (from, sequence) = lock_builder(&builder, first).place_of(after.saturating_add(1).max(first));
        }
        let mut flow = ControlFlow::Continue(());
        text.for_each_line(from..until, |range, line| {
            let position = sequence;
            sequence += 1;
            if position <= after {
                return ControlFlow::Continue(());
            }
            if tail.events.len() == query.limit || read.shown > PAGE_BYTES || read.compared > MOST_READ {
                flow = ControlFlow::Break(());
                return flow;
            }
            (tail.last, read.compared) = (position, read.compared + range.end - range.start);
            if let Some(found) = found(line, position, query) {
                read.shown += found.line.len();
                tail.events.push(found);
            }
            ControlFlow::Continue(())
        })?;
        Ok(flow)
    }
}

/// How many bytes of lines were read.
#[derive(Default)]
struct ReadSoFar {
    compared: u64,
    /// Those that are in the answer.
    shown: usize,
}

fn found(text: &[u8], sequence: u64, query: &Query) -> Option<Found> {
    let line = EventLine::parse(text).filter(|line| query.matches(line) && !line.has(Attribute::EventName, OWN))?;
    let position = Position { time: line.time()?, sequence };
    Some(Found { line: str::from_utf8(text).ok()?.to_owned(), position })
}

#[cfg(test)]
mod tests;
