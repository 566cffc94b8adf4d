//! The text of a segment, as it is read: compared with what digests sign.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read as _};
use std::path::Path;

use flate2::bufread::MultiGzDecoder;

use super::chain::Chain;
use super::digests::SignedSpan;
use super::report::{Fault, Report};
use crate::compressed::Compressed;
use crate::files;
use crate::hash;
use crate::segments::is_damage;

/// The longest line that is read.
const MAX_LINE: u64 = 16 * 1024 * 1024;
/// The progress is reported after so many bytes.
const PROGRESS: u64 = 1024 * 1024;
/// How much of a file is read at once.
pub(super) const BUFFER: usize = 256 * 1024;

/// Counts what was read.
pub(super) struct Counter<'p> {
    pub(super) done: u64,
    pub(super) reported: u64,
    pub(super) all: u64,
    pub(super) progress: &'p mut dyn FnMut(u64, u64),
}

/// The text of a segment, as it is read.
pub(super) struct Text<'a> {
    name: &'a str,
    bytes: u64,
    hash: hash::Running,
    spans: std::iter::Peekable<std::slice::Iter<'a, SignedSpan>>,
    /// The last record up to which the text is as signed.
    right_until: Option<u64>,
    is_wrong: bool,
}

impl<'a> Text<'a> {
    pub(super) fn new(name: &'a str, spans: &'a [SignedSpan]) -> Self {
        let spans = spans.iter().peekable();
        Text { name, bytes: 0, hash: hash::Running::new(), spans, right_until: None, is_wrong: false }
    }

    pub(super) fn read(
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

    /// Reads a compressed segment. `most` is the length of its text by the digests.
    pub(super) fn read_compressed(
        &mut self,
        reader: impl BufRead,
        path: &Path,
        most: u64,
        chain: &mut Chain<'_>,
        report: &mut Report,
        counter: &mut Counter<'_>,
    ) -> io::Result<()> {
        let name = self.name;
        let damaged = |found: String| Fault::new(name, found, format!("gzip members with {most} bytes of text"));
        match self.read(reader, chain, false, report, counter) {
            Err(error) if is_damage(&error) => {
                let found = format!("the file cannot be decompressed after {} bytes of text: {error}", self.bytes);
                report.fault(damaged(found).of_record(chain.next));
            }
            outcome => outcome?,
        }
        if self.bytes > most {
            report.fault(damaged("the text is longer than the one that was signed".to_owned()).of_record(chain.next));
        }
        let Some(file) = open(path, name, report)? else { return Ok(()) };
        match Compressed::open(file) {
            Ok(read) if read.len() == self.bytes || self.is_wrong || self.bytes > most => {}
            Ok(_) => report.fault(damaged("the lengths in the headers and trailers are wrong".to_owned())),
            Err(error) if is_damage(&error) => report.fault(damaged(error.to_string())),
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// Compares the text with the one of the compressed file, which a crash may leave beside it.
    pub(super) fn compare_copy(&self, path: &Path, name: &str, report: &mut Report) -> io::Result<()> {
        let (mut copy, mut part) = (hash::Running::new(), vec![0; BUFFER]);
        let Some(file) = open(path, name, report)? else { return Ok(()) };
        let mut text = decoder(file).take(self.bytes.saturating_add(1));
        let outcome = loop {
            match text.read(&mut part) {
                Ok(0) => break Ok(()),
                Ok(read) => copy.update(part.get(..read).unwrap_or_default()),
                Err(error) => break Err(error),
            }
        };
        match outcome {
            Err(error) if !is_damage(&error) => return Err(error),
            Ok(()) if copy.current() == self.hash.current() => {}
            _ => {
                let found = "the compressed segment has another text than the one beside it";
                report.fault(Fault::new(name, found, format!("the text of {}", self.name)));
            }
        }
        Ok(())
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
    pub(super) fn end(mut self, report: &mut Report) {
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

pub(super) fn decoder(file: File) -> MultiGzDecoder<BufReader<File>> {
    MultiGzDecoder::new(BufReader::with_capacity(BUFFER, file))
}

/// Opens a file of the trail. What is not a regular file is a fault, and none.
///
/// # Errors
/// When the file can't be opened; the error names it.
pub(super) fn open(path: &Path, name: &str, report: &mut Report) -> io::Result<Option<File>> {
    match files::open(path) {
        Err(error) if files::is_not_regular(&error) => {
            report.fault(Fault::new(name, "this is not a regular file, and it was not read", "a regular file"));
            Ok(None)
        }
        Err(error) => Err(io::Error::new(error.kind(), format!("{}: {error}", path.display()))),
        Ok(file) => Ok(Some(file)),
    }
}
