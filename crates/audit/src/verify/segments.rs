//! The records of a trail: their form, numbers and chain, and the text that digests sign.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read as _};
use std::path::Path;

use super::anchor::Anchor;
use super::digests::{Digests, SignedSpan};
use super::line::Line;
use super::report::{Fault, Report};
use crate::digest::FIRST_HASH;
use crate::hash;

/// The longest line that is read.
const MAX_LINE: u64 = 16 * 1024 * 1024;
/// The progress is reported after so many bytes.
const PROGRESS: u64 = 1024 * 1024;

/// Where the segments end.
#[derive(Default)]
pub(super) struct End {
    /// The number of the last record.
    pub(super) sequence: u64,
    /// The last segment.
    pub(super) file: String,
    /// The hash of the line at the store's checkpoint, if it was found.
    pub(super) at_checkpoint: Option<String>,
}

/// What the next line must follow.
struct Chain<'a> {
    next: u64,
    /// None if it is not known.
    previous: Option<String>,
    anchor: Option<&'a Anchor>,
    at_checkpoint: Option<String>,
}

/// Counts what was read.
struct Counter<'p> {
    done: u64,
    reported: u64,
    all: u64,
    progress: &'p mut dyn FnMut(u64, u64),
}

/// The text of a segment, as it is read.
struct Text<'a> {
    name: &'a str,
    bytes: u64,
    hash: hash::Running,
    spans: std::iter::Peekable<std::slice::Iter<'a, SignedSpan>>,
    /// The last record up to which the text is as signed.
    right_until: Option<u64>,
    is_wrong: bool,
}

/// Reads all segments of a folder.
pub(super) fn read(
    folder: &Path,
    digests: &mut Digests,
    anchor: Option<&Anchor>,
    report: &mut Report,
    progress: &mut dyn FnMut(u64, u64),
) -> io::Result<End> {
    let (found, all) = list(folder, report)?;
    let mut counter = Counter { done: 0, reported: 0, all, progress };
    let mut spans = std::mem::take(&mut digests.spans);
    for of_segment in spans.values_mut() {
        of_segment.sort_by_key(|span| span.bytes);
    }
    let mut chain = Chain::begin(found.first_key_value().map(|(first, _)| *first), digests, anchor, report);
    let mut file = String::new();
    let last = found.last_key_value().map(|(first, _)| *first);
    for (first, name) in &found {
        report.segments += 1;
        chain.enter(*first, name, report);
        let signed = spans.remove(name).unwrap_or_default();
        let mut text = Text::new(name, &signed);
        let reader = BufReader::with_capacity(256 * 1024, open(&folder.join(name))?);
        text.read(reader, &mut chain, last == Some(*first), report, &mut counter)?;
        text.end(report);
        file.clone_from(name);
    }
    for (name, signed) in &spans {
        let removed = digests.removed.iter().any(|removed| removed.name == *name);
        if let (false, Some(span)) = (removed, signed.last()) {
            let expected = format!("{} bytes with records up to {}", span.bytes, span.records.1);
            report.fault(Fault::new(name, "the segment is missing", expected).of_digest(span.digest));
        }
    }
    Ok(End { sequence: chain.next - 1, file, at_checkpoint: chain.at_checkpoint })
}

/// The segments of a folder by the number in their names, and the length of all files.
fn list(folder: &Path, report: &mut Report) -> io::Result<(BTreeMap<u64, String>, u64)> {
    let (mut found, mut all) = (BTreeMap::new(), 0);
    let mut names = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        names.push((entry.file_name().to_string_lossy().into_owned(), entry.metadata()?.len()));
    }
    names.sort();
    for (name, bytes) in names {
        if !name.starts_with("audit-") || !name.contains(".jsonl") {
            continue;
        }
        let number: Option<u64> =
            name.strip_prefix("audit-").and_then(|rest| rest.strip_suffix(".jsonl")).and_then(|rest| rest.parse().ok());
        match number {
            Some(first) if name == format!("audit-{first:020}.jsonl") => {
                all += bytes;
                found.insert(first, name);
            }
            _ => report.fault(Fault::new(
                &name,
                "the file is not a segment",
                "names such as audit-00000000000000000001.jsonl",
            )),
        }
    }
    Ok((found, all))
}

fn open(path: &Path) -> io::Result<File> {
    File::open(path).map_err(|e| io::Error::new(e.kind(), format!("{}: {e}", path.display())))
}

impl<'a> Chain<'a> {
    /// What the first line of a trail must follow.
    fn begin(first: Option<u64>, digests: &Digests, anchor: Option<&'a Anchor>, report: &mut Report) -> Self {
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
    fn enter(&mut self, first: u64, name: &str, report: &mut Report) {
        if first > self.next {
            let found = format!("records {} to {} are missing before this segment", self.next, first - 1);
            report.fault(Fault::new(name, found, format!("record {}", self.next)).of_record(self.next));
            (self.next, self.previous) = (first, None);
        } else if first < self.next {
            let found = "the segment is invented, renamed or a copy: the records before it have this number";
            report.fault(Fault::new(name, found, format!("a segment from {}", self.next)).of_record(first));
        }
    }

    /// Checks a line, without its line feed.
    fn check(&mut self, line: &[u8], fault: impl Fn(String, String) -> Fault, report: &mut Report) {
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
                    format!("records {} to {} are missing before record {sequence}", self.next, sequence - 1)
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

impl<'a> Text<'a> {
    fn new(name: &'a str, spans: &'a [SignedSpan]) -> Self {
        let spans = spans.iter().peekable();
        Text { name, bytes: 0, hash: hash::Running::new(), spans, right_until: None, is_wrong: false }
    }

    fn read(
        &mut self,
        mut reader: impl BufRead,
        chain: &mut Chain<'_>,
        is_last: bool,
        report: &mut Report,
        counter: &mut Counter<'_>,
    ) -> io::Result<()> {
        let (mut line, mut number) = (Vec::new(), 0);
        loop {
            line.clear();
            let read = reader.by_ref().take(MAX_LINE).read_until(b'\n', &mut line);
            read.map_err(|e| io::Error::new(e.kind(), format!("{}: {e}", self.name)))?;
            if line.is_empty() {
                return Ok(());
            }
            number += 1;
            let name = self.name;
            let fault = |found: String, expected: String| Fault::new(name, found, expected).at_line(number);
            let Some(text) = line.strip_suffix(b"\n") else {
                let is_long = line.len() as u64 == MAX_LINE;
                if is_last && !is_long {
                    report.note(format!("{name} ends within line {number}, as after a crash"));
                } else {
                    let found = if is_long { "the line is too long" } else { "the segment ends within the line" };
                    report.fault(fault(found.to_owned(), format!("record {}", chain.next)).of_record(chain.next));
                }
                return Ok(());
            };
            report.records += 1;
            chain.check(text, fault, report);
            self.hash.update(&line);
            self.bytes += line.len() as u64;
            self.compare(report);
            counter.add(line.len() as u64);
        }
    }

    /// Compares the text up to here with what digests say of it.
    fn compare(&mut self, report: &mut Report) {
        while let Some(span) = self.spans.next_if(|span| span.bytes <= self.bytes) {
            if span.bytes == self.bytes && self.hash.current() == span.sha256 {
                self.right_until = Some(span.records.1);
            } else if !std::mem::replace(&mut self.is_wrong, true) {
                let from = self.right_until.map_or(span.records.0, |until| until.saturating_add(1)).min(span.records.0);
                let found = format!(
                    "the text is not the one that was signed: a record from {from} to {} was altered, removed, moved or invented",
                    span.records.1
                );
                let expected = format!("{} bytes with SHA-256 {}", span.bytes, span.sha256);
                report.fault(Fault::new(self.name, found, expected).of_record(from).of_digest(span.digest));
            }
        }
    }

    /// Reports that signed text is missing at the end.
    fn end(mut self, report: &mut Report) {
        if let Some(span) = self.spans.next()
            && !self.is_wrong
        {
            let found = format!("the segment was truncated to {} bytes", self.bytes);
            let expected = format!("at least {} bytes with records up to {}", span.bytes, span.records.1);
            report.fault(Fault::new(self.name, found, expected).of_record(span.records.1).of_digest(span.digest));
        }
    }
}

impl Counter<'_> {
    fn add(&mut self, bytes: u64) {
        self.done += bytes;
        if self.done - self.reported >= PROGRESS {
            self.reported = self.done;
            (self.progress)(self.done, self.all);
        }
    }
}
