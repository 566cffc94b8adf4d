//! The chain of records: their form, their numbers and the hash of the line before.

use super::anchor::Anchor;
use super::digests::Digests;
use super::line::Line;
use super::report::{Fault, Report, range};
use crate::digest::FIRST_HASH;
use crate::hash;

/// What the next line must follow.
pub(super) struct Chain<'a> {
    pub(super) next: u64,
    /// None if it is not known.
    previous: Option<String>,
    anchor: Option<&'a Anchor>,
    /// The hash of the line at the store's checkpoint, if it was found.
    pub(super) at_checkpoint: Option<String>,
}

impl<'a> Chain<'a> {
    /// What the first line of a trail must follow.
    pub(super) fn begin(
        first: Option<u64>,
        digests: &Digests,
        anchor: Option<&'a Anchor>,
        report: &mut Report,
    ) -> Self {
        let first = first.unwrap_or(1);
        let removed = digests.removed_until();
        // Segments that were to be removed may still be there.
        let next = if first <= removed { first.max(1) } else { removed.saturating_add(1) };
        let previous = match next {
            1 => Some(FIRST_HASH.to_owned()),
            _ => digests.end_hash(next - 1).map(str::to_owned),
        };
        report.first_sequence = next;
        Chain { next, previous, anchor, at_checkpoint: None }
    }

    /// Begins a segment whose name has this number.
    pub(super) fn enter(&mut self, first: u64, name: &str, report: &mut Report) {
        if first > self.next {
            let found = format!("{} missing before this segment", range("record", self.next, first - 1, ["is", "are"]));
            report.fault(Fault::new(name, found, format!("record {}", self.next)).of_record(self.next));
            (self.next, self.previous) = (first, None);
        } else if first < self.next {
            let found = "the segment is invented, renamed or a copy: the records before it have this number";
            report.fault(Fault::new(name, found, format!("a segment from {}", self.next)).of_record(first));
        }
    }

    /// Checks a line, without its line feed.
    pub(super) fn check(&mut self, line: &[u8], fault: impl Fn(String, String) -> Fault, report: &mut Report) {
        let hash = hash::of(line);
        let read = match Line::parse(line) {
            Ok(read) => read,
            Err(why) => {
                report.fault(fault(why.to_owned(), format!("record {}", self.next)).of_record(self.next));
                (self.next, self.previous) = (self.next.saturating_add(1), None);
                return;
            }
        };
        let follows = self.previous.as_ref().is_none_or(|previous| previous == read.previous);
        if read.sequence != self.next {
            let found = match read.sequence {
                sequence if follows && self.previous.is_some() => format!("the sequence was altered to {sequence}"),
                sequence if sequence > self.next => {
                    let missing = range("record", self.next, sequence - 1, ["is", "are"]);
                    format!("{missing} missing before record {sequence}")
                }
                sequence => format!("record {sequence} is repeated, moved or invented"),
            };
            report.fault(fault(found, format!("record {}", self.next)).of_record(self.next));
            if follows && self.previous.is_some() {
                self.next = self.next.saturating_add(1);
            } else {
                self.next = self.next.max(read.sequence.saturating_add(1));
            }
        } else {
            if let (false, Some(previous)) = (follows, &self.previous) {
                let found = format!(
                    "previousSha256 is {}: the record before it was altered, removed or replaced, or this one was",
                    read.previous
                );
                report.fault(fault(found, previous.clone()).of_record(read.sequence));
            }
            if let Some(anchor) = self.anchor {
                if anchor.sequence() == read.sequence {
                    self.at_checkpoint = Some(hash.clone());
                }
                if read.is_committed && anchor.is_unknown(read.sequence, read.event_id) {
                    let found = "the store does not know the change of this record: it was invented, or the store is an older copy";
                    let expected = "records of changes that the store has";
                    report.fault(fault(found.to_owned(), expected.to_owned()).of_record(read.sequence));
                }
            }
            self.next = self.next.saturating_add(1);
        }
        self.previous = Some(hash);
    }
}
