//! Reads the trail from a place on, in bounded portions.

use std::borrow::Cow;
use std::io;
use std::ops::ControlFlow;
use std::path::Path;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::append::TAIL;
use crate::checkpoint::Checkpoint;
use crate::digest::FIRST_HASH;
use crate::hash;
use crate::segments::{SegmentText, is_damage, segment_starts, sequence_of};

/// A place in the trail: after a record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Place {
    /// The number of the record; 0 before the first.
    pub(super) sequence: u64,
    /// The SHA-256 of its line.
    pub(super) sha256: String,
    /// The number of the first record of its segment; 0 if there is none yet.
    pub(super) segment: u64,
    /// Where its line ends in the uncompressed text of the segment, with the line feed.
    pub(super) bytes: u64,
}

/// A record.
#[derive(Clone, Debug)]
pub(super) struct Line {
    pub(super) sequence: u64,
    /// How many records before it are not there.
    pub(super) missing: u64,
    pub(super) event_id: String,
    pub(super) event_name: String,
    pub(super) time: Timestamp,
    pub(super) is_refused: bool,
    /// The line without its line feed.
    pub(super) text: String,
}

/// How much is read at once.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) records: usize,
    pub(super) bytes: usize,
}

impl Place {
    /// Before the first record that the trail has.
    pub(super) fn at_start(folder: &Path) -> io::Result<Self> {
        let first = segment_starts(folder)?.first().copied().unwrap_or(1);
        Ok(Place { sequence: first.saturating_sub(1), sha256: FIRST_HASH.to_owned(), segment: 0, bytes: 0 })
    }

    /// After the last record.
    pub(super) fn at_end(end: &Checkpoint) -> Self {
        Place { sequence: end.sequence, sha256: end.hash.clone(), segment: end.first, bytes: end.bytes }
    }

    /// Whether the trail has the record before this place, or removed it. `is_own` says whether the trail is of the
    /// deployment that the place was stored for.
    pub(super) fn is_of(&self, folder: &Path, end: &Checkpoint, is_own: bool) -> io::Result<bool> {
        if self.sequence > end.sequence {
            return Ok(false);
        }
        if self.segment == 0 {
            return Ok(is_own);
        }
        let mut text = match SegmentText::open(folder, self.segment) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(is_own),
            Err(error) => return Err(error),
        };
        if self.bytes > text.len() {
            return Ok(false);
        }
        let before = text.read(self.bytes.saturating_sub(TAIL)..self.bytes)?;
        let line = before.strip_suffix(b"\n").and_then(|lines| lines.rsplit(|byte| *byte == b'\n').next());
        Ok(line.is_some_and(|line| sequence_of(line) == Some(self.sequence) && hash::of(line) == self.sha256))
    }
}

/// Reads the records after a place, up to the end of what is durable, and returns the place after them. Lines that are
/// damaged, and records that retention removed, are counted in the next line.
pub(super) fn read(folder: &Path, from: &Place, end: &Checkpoint, limits: Limits) -> io::Result<(Vec<Line>, Place)> {
    let (mut lines, mut place, mut bytes) = (Vec::new(), from.clone(), 0);
    if from.sequence >= end.sequence {
        return Ok((lines, place));
    }
    let starts = segment_starts(folder)?;
    let begin = starts.partition_point(|first| *first <= from.sequence.saturating_add(1)).saturating_sub(1);
    for first in starts[begin..].iter().copied().filter(|first| *first <= end.sequence) {
        let mut text = match SegmentText::open(folder, first) {
            Ok(text) => text,
            // Removed meanwhile, or damaged.
            Err(error) if error.kind() == io::ErrorKind::NotFound || is_damage(&error) => continue,
            Err(error) => return Err(error),
        };
        let start = if first == from.segment { from.bytes } else { 0 };
        let until = if first == end.first { end.bytes } else { text.len() };
        let mut is_full = false;
        let read = text.for_each_line(start..until, |range, line| {
            is_full = lines.len() >= limits.records || bytes >= limits.bytes;
            let sequence = sequence_of(line).unwrap_or_default();
            if is_full || sequence > end.sequence {
                return ControlFlow::Break(());
            }
            if sequence <= place.sequence {
                return ControlFlow::Continue(());
            }
            if let Some(line) = Line::parse(line, sequence, sequence - place.sequence - 1) {
                place = Place { sequence, sha256: String::new(), segment: first, bytes: range.end + 1 };
                bytes += line.text.len();
                lines.push(line);
            }
            ControlFlow::Continue(())
        });
        match read {
            // What is behind the damage is not delivered, and counted in the next line.
            Err(error) if is_damage(&error) => {}
            read => read?,
        }
        if is_full {
            break;
        }
    }
    if let Some(last) = lines.last() {
        place.sha256 = hash::of(last.text.as_bytes());
    }
    Ok((lines, place))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Head<'a> {
    #[serde(borrow, rename = "eventID")]
    event_id: Cow<'a, str>,
    #[serde(borrow)]
    event_name: Cow<'a, str>,
    #[serde(borrow)]
    event_time: Cow<'a, str>,
    #[serde(borrow)]
    error_code: Option<Cow<'a, str>>,
}

impl Line {
    /// None for a line that is not a record.
    fn parse(line: &[u8], sequence: u64, missing: u64) -> Option<Self> {
        let text = str::from_utf8(line).ok()?;
        let head: Head<'_> = serde_json::from_str(text).ok()?;
        Some(Line {
            sequence,
            missing,
            event_id: head.event_id.into_owned(),
            event_name: head.event_name.into_owned(),
            time: head.event_time.parse().ok()?,
            is_refused: head.error_code.is_some(),
            text: text.to_owned(),
        })
    }
}
