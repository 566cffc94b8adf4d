//! Segments: append-only files of records, one JSON object a line, chained by the SHA-256 of the line before.
//!
//! The name of a segment contains the sequence number of its first line, `audit-00000000000000000001.jsonl`. A segment
//! ends when it reaches its size limit. Lines are written and synced in batches. Incomplete data after a crash or a
//! failed write is truncated before the next write, so that a file consists of whole lines in order, without
//! duplicates. Other tools seal, verify, retain and export segments: all but the last never change.

use std::collections::HashSet;
use std::io;
use std::path::{Path, PathBuf};

use aws_lc_rs::digest::{SHA256, digest};
use data_encoding::HEXLOWER;
use tokio::sync::watch;

use crate::checkpoint::Checkpoint;
use crate::disk::{Disk, SegmentFile};
use crate::{Record, json};

mod text;

pub(crate) use text::{SegmentText, segment_starts};

/// The previous hash of the first line.
const FIRST_HASH: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// The end of the line of a committed change, before its number. No text in a line contains it unescaped.
const COMMITTED: &[u8] = b",\"committed\":true,\"sequence\":";

/// The length of most lines, in bytes, at most.
const LINE: usize = 1_280;

/// How much of a segment's end is read at first; longer lines are rare.
const TAIL: u64 = 1024 * 1024;

/// The segments of a folder, open for appending.
pub(crate) struct Segments {
    folder: PathBuf,
    disk: Box<dyn Disk>,
    /// The size at which the next line starts a new segment.
    max_bytes: u64,
    open: Option<Open>,
    sequence: u64,
    hash: String,
    /// Shows readers how much is durable.
    end: watch::Sender<Checkpoint>,
}

/// The end of a segment.
struct End {
    /// Bytes of whole lines.
    whole: u64,
    /// All bytes.
    bytes: u64,
    line: Option<Vec<u8>>,
}

/// The segment that is written.
struct Open {
    first: u64,
    file: Box<dyn SegmentFile>,
    /// How much of it is whole, synced lines.
    bytes: u64,
    /// Whether a write or a sync failed, so that the data after `bytes` is unknown.
    is_torn: bool,
}

impl Segments {
    /// Finds the end of the last segment, truncates an incomplete line, and continues from there.
    ///
    /// `checkpoint` is the progress that the store recorded. If the files end before it, they were lost or replaced:
    /// numbering continues after the checkpoint, so that the gap is visible.
    ///
    /// # Errors
    /// When the folder or a segment can't be read or written.
    pub(crate) fn open(
        folder: &Path,
        disk: Box<dyn Disk>,
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
        };
        let segment_starts = segments.segment_starts()?;
        for (number, first) in segment_starts.iter().enumerate().rev() {
            let (path, is_last) = (segments.path(*first), number == segment_starts.len() - 1);
            let End { whole, bytes, line } = segments.end(&path)?;
            if is_last && whole < bytes {
                tracing::warn!(segment = *first, bytes = bytes - whole, "an incomplete audit record was truncated");
                segments.disk.open(&path)?.truncate(whole)?;
            }
            let Some(line) = line else { continue };
            segments.hash = hash(&line);
            match sequence_of(&line) {
                Some(sequence) => {
                    segments.sequence = sequence;
                    if is_last && whole < max_bytes {
                        let file = segments.disk.open(&path)?;
                        segments.open = Some(Open { first: *first, file, bytes: whole, is_torn: false });
                    }
                }
                None => {
                    tracing::error!(segment = *first, "the last audit record is damaged; a new segment is started");
                    let text = segments.disk.read(&path, 0)?;
                    let lines = text.iter().filter(|byte| **byte == b'\n').count() as u64;
                    segments.sequence = first.saturating_add(lines);
                }
            }
            break;
        }
        if let Some(checkpoint) = checkpoint
            && checkpoint.sequence > segments.sequence
        {
            tracing::error!(
                expected = checkpoint.sequence,
                found = segments.sequence,
                "audit records are missing from the segments; numbering continues after them"
            );
            (segments.sequence, segments.hash, segments.open) = (checkpoint.sequence, checkpoint.hash.clone(), None);
        }
        segments.end.send_replace(segments.checkpoint());
        Ok(segments)
    }

    /// Follows the end of what is durable.
    pub(crate) fn follow_end(&self) -> watch::Receiver<Checkpoint> {
        self.end.subscribe()
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
            let text = self.disk.read(&self.path(*first), from)?;
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
        let text = self.disk.read(&self.path(*first), from)?;
        let mut lines = text.split(|byte| *byte == b'\n');
        Ok(lines.any(|line| sequence_of(line) == Some(checkpoint.sequence) && hash(line) != checkpoint.hash))
    }

    /// Appends records and returns when they are durable: all of them, or none.
    ///
    /// # Errors
    /// If they could not be written or synced. None is kept, and the caller may retry.
    pub(crate) fn append(&mut self, records: &[Record]) -> io::Result<Checkpoint> {
        let (mut text, mut sequence, mut hash) =
            (String::with_capacity(LINE * records.len()), self.sequence, self.hash.clone());
        for record in records {
            sequence += 1;
            let start = text.len();
            json::line(&mut text, record, sequence, &hash);
            hash = self::hash(&text.as_bytes()[start..]);
            text.push('\n');
        }
        let first = self.sequence + 1;
        let open = self.writable(first)?;
        let written = open.write(text.as_bytes());
        if let Err(error) = written {
            open.is_torn = true;
            // Truncate now if possible; otherwise before the next write, or at the next start.
            let _ = open.repair();
            return Err(error);
        }
        (self.sequence, self.hash) = (sequence, hash);
        let end = self.checkpoint();
        self.end.send_replace(end.clone());
        Ok(end)
    }

    /// Where the segments end.
    pub(crate) fn checkpoint(&self) -> Checkpoint {
        let (first, bytes) = self.open.as_ref().map_or((0, 0), |open| (open.first, open.bytes));
        Checkpoint { first, bytes, sequence: self.sequence, hash: self.hash.clone() }
    }

    /// Returns the segment to write to: the open one, or a new one if it is full.
    fn writable(&mut self, first: u64) -> io::Result<&mut Open> {
        if self.open.as_ref().is_some_and(|open| open.bytes >= self.max_bytes && !open.is_torn) {
            self.open = None;
        }
        let path = self.path(first);
        let open = match &mut self.open {
            Some(open) => open,
            none => {
                let file = self.disk.create(&path)?;
                none.insert(Open { first, file, bytes: 0, is_torn: false })
            }
        };
        open.repair()?;
        Ok(open)
    }

    /// The last whole line of a segment, and where it ends.
    fn end(&self, path: &Path) -> io::Result<End> {
        let bytes = self.disk.len(path)?;
        let mut from = bytes.saturating_sub(TAIL);
        loop {
            let text = self.disk.read(path, from)?;
            let whole = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
            let lines = text[..whole].strip_suffix(b"\n");
            let begin = lines.and_then(|lines| lines.iter().rposition(|byte| *byte == b'\n')).map(|at| at + 1);
            if begin.is_none() && from > 0 {
                // The line is longer than the part that was read.
                from = 0;
                continue;
            }
            let line = lines.map(|lines| lines[begin.unwrap_or(0)..].to_vec());
            return Ok(End { whole: from + whole as u64, bytes, line });
        }
    }

    /// The first numbers of all segments, in order.
    fn segment_starts(&self) -> io::Result<Vec<u64>> {
        let names = self.disk.list(&self.folder)?;
        let number = |name: String| name.strip_prefix("audit-")?.strip_suffix(".jsonl")?.parse().ok();
        let mut segment_starts: Vec<u64> = names.into_iter().filter_map(number).collect();
        segment_starts.sort_unstable();
        Ok(segment_starts)
    }

    fn path(&self, first: u64) -> PathBuf {
        self.folder.join(format!("audit-{first:020}.jsonl"))
    }
}

impl Open {
    fn write(&mut self, text: &[u8]) -> io::Result<()> {
        self.file.append(text)?;
        self.file.sync()?;
        self.bytes += text.len() as u64;
        Ok(())
    }

    /// Truncates incomplete data of a failed write.
    fn repair(&mut self) -> io::Result<()> {
        if self.is_torn {
            self.file.truncate(self.bytes)?;
            self.is_torn = false;
        }
        Ok(())
    }
}

fn hash(line: &[u8]) -> String {
    HEXLOWER.encode(digest(&SHA256, line).as_ref())
}

/// Returns the sequence number of a line. This crate writes all lines: no text in them contains this name unescaped.
fn sequence_of(line: &[u8]) -> Option<u64> {
    member(line, b",\"sequence\":", |byte| byte.is_ascii_digit())?.parse().ok()
}

/// The value of the last member of that name, as far as its characters go.
fn member(line: &[u8], name: &[u8], belongs: fn(u8) -> bool) -> Option<String> {
    let at = line.windows(name.len()).rposition(|part| part == name)? + name.len();
    let value = line[at..].iter().take_while(|byte| belongs(**byte)).copied().collect();
    String::from_utf8(value).ok().filter(|text| !text.is_empty())
}

#[cfg(test)]
pub(crate) mod tests;
