//! Segments: append-only files of records, one JSON object a line, chained by the SHA-256 of the line before.
//!
//! The name of a segment contains the sequence number of its first line, `audit-00000000000000000001.jsonl`. A segment
//! ends when it reaches its size limit. Lines are written and synced in batches. Incomplete data after a crash or a
//! failed write is truncated before the next write, so that a file consists of whole lines in order, without
//! duplicates. Other tools seal, verify, retain and export segments: all but the last never change.

use std::borrow::Borrow;
use std::collections::HashSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::sync::watch;

use crate::append::{self, Appended, End, TAIL};
use crate::checkpoint::Checkpoint;
use crate::digest::{FIRST_HASH, Span};
use crate::disk::Disk;
use crate::sequence::{is_number, next};
use crate::{Record, hash, json};
pub(crate) use last::is_damage;
use last::{Last, in_file};

mod last;
mod observer;
mod text;

pub(crate) use observer::LineObserver;
pub use text::unopened_segments;
pub(crate) use text::{SegmentText, segment_name, segment_starts};

/// The end of the line of a committed change, before its number. No text in a line contains it unescaped.
const COMMITTED: &[u8] = b",\"committed\":true,\"sequence\":";

/// The length of most lines, in bytes, at most.
const LINE: usize = 1_280;

/// How much text is collected until it is written: little enough to stay in the processor's cache.
const PART: usize = 64 * 1024;

/// How much of a segment is read at once to hash it.
const CHUNK: u64 = 1024 * 1024;

/// The segments of a folder, open for appending.
pub(crate) struct Segments {
    folder: PathBuf,
    disk: Arc<dyn Disk>,
    /// The size at which the next line starts a new segment.
    max_bytes: u64,
    open: Option<Open>,
    sequence: u64,
    hash: String,
    /// Shows readers how much is durable.
    end: watch::Sender<Checkpoint>,
    observer: Option<Box<dyn LineObserver>>,
}

/// The segment that is written.
struct Open {
    first: u64,
    file: Appended,
    /// The hash of its text; none until a digest needs it, if the file was there before the server started.
    text: Option<hash::Running>,
}

impl Segments {
    /// Finds the end of the last segment, truncates an incomplete line, and continues from there; in a new segment, if that
    /// one is compressed or damaged.
    ///
    /// `checkpoint` is the progress that the store recorded. If the files end before it, they were lost or replaced:
    /// numbering continues after the checkpoint, so that the gap is visible.
    ///
    /// # Errors
    /// When the folder or a segment can't be read or written.
    pub(crate) fn open(
        folder: &Path,
        disk: Arc<dyn Disk>,
        max_bytes: u64,
        checkpoint: Option<&Checkpoint>,
    ) -> io::Result<Self> {
        disk.create_folder(folder)?;
        let mut segments = Segments {
            folder: folder.to_owned(),
            disk,
            max_bytes,
            open: None,
            sequence: 0,
            hash: FIRST_HASH.to_owned(),
            end: watch::Sender::default(),
            observer: None,
        };
        let segment_starts = segments.segment_starts()?;
        for (number, first) in segment_starts.iter().enumerate().rev() {
            let (path, is_last) = (segments.path(*first), number == segment_starts.len() - 1);
            let Last { end: End { whole, bytes, line }, is_plain } = segments.last(*first)?;
            let open = || segments.disk.open(&path).map_err(|e| in_file(&path, &e));
            if is_plain && whole < bytes && (is_last || line.is_none()) {
                tracing::warn!(segment = *first, bytes = bytes - whole, "an incomplete audit record was truncated");
                open()?.truncate(whole).map_err(|e| in_file(&path, &e))?;
            }
            let Some(line) = line else { continue };
            segments.hash = hash::of(&line);
            // A line has a byte at least, so that the length bounds the numbers.
            let is_sound = |sequence: &u64| sequence.checked_sub(*first).is_some_and(|after| after < whole);
            match sequence_of(&line).filter(is_sound) {
                Some(sequence) => {
                    if is_plain && is_last && whole < max_bytes {
                        let file = Appended::new(open()?, whole);
                        segments.open = Some(Open { first: *first, file, text: None });
                    }
                    segments.sequence = sequence;
                }
                None => {
                    tracing::error!(segment = *first, "the last audit record is damaged; a new segment is started");
                    segments.sequence = first.saturating_add(segments.count_lines(*first, whole));
                }
            }
            break;
        }
        if let Some(checkpoint) = checkpoint {
            segments.continue_after(checkpoint.sequence, &checkpoint.hash);
        }
        segments.end.send_replace(segments.checkpoint());
        Ok(segments)
    }

    /// Follows the end of what is durable.
    pub(crate) fn follow_end(&self) -> watch::Receiver<Checkpoint> {
        self.end.subscribe()
    }

    /// Shows the lines that are written from now on to an observer.
    pub(crate) fn show_lines(&mut self, observer: Box<dyn LineObserver>) {
        self.observer = Some(observer);
    }

    /// Continues with the number and the chain after a record that exists or existed, if the segments end before it.
    pub(crate) fn continue_after(&mut self, sequence: u64, hash: &str) {
        if sequence > self.sequence {
            tracing::error!(
                expected = sequence,
                found = self.sequence,
                "audit records are missing from the segments; numbering continues after them"
            );
            (self.sequence, self.hash, self.open) = (sequence, hash.to_owned(), None);
            self.end.send_replace(self.checkpoint());
        }
    }

    /// Returns the ids of the records after a checkpoint, whose rows may still be in the outbox.
    ///
    /// # Errors
    /// When a segment can't be read.
    pub(crate) fn ids_after(&self, checkpoint: Option<&Checkpoint>) -> io::Result<HashSet<String>> {
        self.ids_where(checkpoint, |_| true)
    }

    /// The ids of the records after a checkpoint that are of committed changes.
    ///
    /// # Errors
    /// When a segment can't be read.
    pub(crate) fn committed_after(&self, checkpoint: Option<&Checkpoint>) -> io::Result<HashSet<String>> {
        self.ids_where(checkpoint, |line| line.windows(COMMITTED.len()).any(|part| part == COMMITTED))
    }

    fn ids_where(
        &self,
        checkpoint: Option<&Checkpoint>,
        is_wanted: impl Fn(&[u8]) -> bool,
    ) -> io::Result<HashSet<String>> {
        let mut ids = HashSet::new();
        let segment_starts = self.segment_starts()?;
        let begin = checkpoint.map_or(0, |checkpoint| {
            segment_starts.partition_point(|first| *first <= checkpoint.first).saturating_sub(1)
        });
        for first in &segment_starts[begin..] {
            let from =
                checkpoint.filter(|checkpoint| checkpoint.first == *first).map_or(0, |checkpoint| checkpoint.bytes);
            let text = self.text(*first, from)?;
            for line in text.split(|byte| *byte == b'\n') {
                if checkpoint.is_none_or(|checkpoint| sequence_of(line) > Some(checkpoint.sequence)) && is_wanted(line)
                {
                    ids.extend(member(line, b"\"eventID\":\"", |byte| byte != b'"'));
                }
            }
        }
        Ok(ids)
    }

    /// Whether the line at a checkpoint differs from the one that the checkpoint names. False if that line no longer exists.
    ///
    /// # Errors
    /// When a segment can't be read.
    pub(crate) fn contradicts(&self, checkpoint: &Checkpoint) -> io::Result<bool> {
        let segment_starts = self.segment_starts()?;
        let Some(first) =
            segment_starts[..segment_starts.partition_point(|first| *first <= checkpoint.sequence)].last()
        else {
            return Ok(false);
        };
        let from = if *first == checkpoint.first { checkpoint.bytes.saturating_sub(TAIL) } else { 0 };
        let text = self.text(*first, from)?;
        let mut lines = text.split(|byte| *byte == b'\n');
        Ok(lines.any(|line| sequence_of(line) == Some(checkpoint.sequence) && hash::of(line) != checkpoint.hash))
    }

    /// Appends records and returns when they are durable: all of them, or none.
    ///
    /// # Errors
    /// If they could not be written or synced. None is kept, and the caller may retry.
    pub(crate) fn append<R: Borrow<Record>>(&mut self, records: impl IntoIterator<Item = R>) -> io::Result<Checkpoint> {
        let mut observer = self.observer.take();
        let outcome = self.append_shown(records, observer.as_deref_mut());
        self.observer = observer;
        outcome
    }

    fn append_shown<R: Borrow<Record>>(
        &mut self,
        records: impl IntoIterator<Item = R>,
        mut observer: Option<&mut (dyn LineObserver + 'static)>,
    ) -> io::Result<Checkpoint> {
        let (mut sequence, mut previous) = (self.sequence, self.hash.clone());
        let open = self.writable(next(sequence)?)?;
        if let Some(observer) = &mut observer {
            observer.begin(open.first, open.file.bytes);
        }
        // A batch that fails leaves a hash of what is not there.
        let mut of_text = open.text.take();
        let mut batch = open.file.begin()?;
        let mut text = String::with_capacity(PART + LINE);
        let mut write = |text: &mut String| {
            batch.add(text.as_bytes())?;
            if let Some(of_text) = &mut of_text {
                of_text.update(text.as_bytes());
            }
            text.clear();
            io::Result::Ok(())
        };
        for record in records {
            sequence = next(sequence)?;
            let start = text.len();
            json::line(&mut text, record.borrow(), sequence, &previous);
            let line = &text.as_bytes()[start..];
            previous = hash::of(line);
            if let Some(observer) = &mut observer {
                observer.line(record.borrow(), line.len());
            }
            text.push('\n');
            if text.len() >= PART {
                write(&mut text)?;
            }
        }
        write(&mut text)?;
        batch.finish()?;
        open.text = of_text;
        (self.sequence, self.hash) = (sequence, previous);
        if let Some((observer, last)) = observer.zip(hash::bytes_of(&self.hash)) {
            observer.durable(last);
        }
        let end = self.checkpoint();
        self.end.send_replace(end.clone());
        Ok(end)
    }

    /// Where the segments end.
    pub(crate) fn checkpoint(&self) -> Checkpoint {
        let (first, bytes) = self.open.as_ref().map_or((0, 0), |open| (open.first, open.file.bytes));
        Checkpoint { first, bytes, sequence: self.sequence, hash: self.hash.clone(), ..Checkpoint::default() }
    }

    /// Whether the next record starts a new segment because the current one is full.
    pub(crate) fn is_full(&self) -> bool {
        self.open.as_ref().is_some_and(|open| open.file.bytes >= self.max_bytes)
    }

    /// The segments that contain the records after a number, with the hash of their text.
    ///
    /// # Errors
    /// When a segment can't be read.
    pub(crate) fn spans(&mut self, after: u64) -> io::Result<Vec<Span>> {
        let starts = self.segment_starts()?;
        let begin = starts.partition_point(|first| *first <= after.saturating_add(1)).saturating_sub(1);
        let mut spans = Vec::new();
        // No digest signs what another one wrote.
        for first in starts[begin..].iter().filter(|first| **first <= self.sequence) {
            let path = self.path(*first);
            let (bytes, sha256) = match &mut self.open {
                Some(open) if open.first == *first => {
                    let text = match &mut open.text {
                        Some(text) => text,
                        none => none.insert(hash_of_file(self.disk.as_ref(), &path, open.file.bytes)?),
                    };
                    (open.file.bytes, text.current())
                }
                // Digests cover compressed segments already, unless the digests were lost.
                _ if !path.exists() => match self.hash_of_compressed(*first) {
                    Err(error) if is_damage(&error) => {
                        tracing::error!(segment = *first, %error, "no digest covers a damaged segment");
                        continue;
                    }
                    hash => hash?,
                },
                _ => {
                    let bytes = append::end(self.disk.as_ref(), &path)?.whole;
                    (bytes, hash_of_file(self.disk.as_ref(), &path, bytes)?.current())
                }
            };
            // A crash may leave an empty file.
            if bytes > 0 {
                spans.push(Span { name: segment_name(*first), bytes, sha256 });
            }
        }
        Ok(spans)
    }

    fn hash_of_compressed(&self, first: u64) -> io::Result<(u64, String)> {
        let mut text = SegmentText::open(&self.folder, first)?;
        let (mut running, mut at) = (hash::Running::new(), 0);
        while at < text.len() {
            let part = text.read(at..text.len().min(at + CHUNK))?;
            running.update(&part);
            at += part.len() as u64;
        }
        Ok((at, running.current()))
    }

    /// The text of a segment from a byte on.
    fn text(&self, first: u64, from: u64) -> io::Result<Vec<u8>> {
        match self.disk.read(&self.path(first), from) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                match SegmentText::open(&self.folder, first).and_then(|mut text| text.read(from..text.len())) {
                    Err(error) if is_damage(&error) => {
                        tracing::error!(segment = first, %error, "a damaged segment is not compared with the store");
                        Ok(Vec::new())
                    }
                    read => read.map_err(|e| in_file(&self.path(first), &e)),
                }
            }
            read => read.map_err(|e| in_file(&self.path(first), &e)),
        }
    }

    /// Returns the segment to write to: the open one, or a new one if it is full.
    fn writable(&mut self, first: u64) -> io::Result<&mut Open> {
        if self.open.as_ref().is_some_and(|open| open.file.bytes >= self.max_bytes && !open.file.is_torn) {
            self.open = None;
        }
        let path = self.path(first);
        Ok(match &mut self.open {
            Some(open) => open,
            none => {
                let file = Appended::new(self.disk.create(&path)?, 0);
                none.insert(Open { first, file, text: Some(hash::Running::new()) })
            }
        })
    }

    /// The first numbers of all segments, in order.
    fn segment_starts(&self) -> io::Result<Vec<u64>> {
        let names = self.disk.list(&self.folder)?;
        let mut segment_starts: Vec<u64> = names.iter().filter_map(|name| text::start_of(name)).collect();
        segment_starts.sort_unstable();
        segment_starts.dedup();
        Ok(segment_starts)
    }

    fn path(&self, first: u64) -> PathBuf {
        self.folder.join(segment_name(first))
    }
}

/// The hash of the first bytes of a file.
fn hash_of_file(disk: &dyn Disk, path: &Path, bytes: u64) -> io::Result<hash::Running> {
    let (mut text, mut at) = (hash::Running::new(), 0);
    while at < bytes {
        let part = disk.read_part(path, at, CHUNK.min(bytes - at))?;
        if part.is_empty() {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, format!("{} became shorter", path.display())));
        }
        text.update(&part);
        at += part.len() as u64;
    }
    Ok(text)
}

/// Returns the sequence number of a line. This crate writes all lines: no text in them contains this name unescaped.
pub(crate) fn sequence_of(line: &[u8]) -> Option<u64> {
    member(line, b",\"sequence\":", |byte| byte.is_ascii_digit())?.parse().ok().filter(|sequence| is_number(*sequence))
}

/// The value of the last member of that name, as far as its characters go.
fn member(line: &[u8], name: &[u8], belongs: fn(u8) -> bool) -> Option<String> {
    let at = line.windows(name.len()).rposition(|part| part == name)? + name.len();
    let value = line[at..].iter().take_while(|byte| belongs(**byte)).copied().collect();
    String::from_utf8(value).ok().filter(|text| !text.is_empty())
}

#[cfg(test)]
pub(crate) mod tests;
