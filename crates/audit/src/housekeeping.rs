//! Compresses complete segments, and finds those that are older or larger than the trail may be.
//!
//! A segment is compressed once a digest covers it and a later one has records. The compressed file is written under a
//! temporary name, synced, read again and compared before it gets its name and the other file is removed, so a crash
//! leaves a whole segment at each step.

use std::fs::{self, OpenOptions};
use std::io::{self, BufRead, BufReader};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use flate2::bufread::MultiGzDecoder;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;

use crate::append::TAIL;
use crate::compressed::{Compressed, compress};
use crate::digest::Removed;
use crate::disk::sync_folder;
use crate::files;
use crate::hash;
use crate::index::index_path;
use crate::segments::{SegmentText, segment_name, segment_starts, sequence_of};
use crate::settings::Retention;

/// How much of a file is read at once.
const PART: usize = 256 * 1024;

/// What is done at once.
pub(crate) struct Task {
    pub(crate) folder: PathBuf,
    /// The first record of the segment that is written; those before it are complete.
    pub(crate) open: u64,
    /// The last record that digests cover.
    pub(crate) covered: u64,
    pub(crate) retention: Retention,
    pub(crate) now: Timestamp,
}

impl Task {
    /// Compresses what is complete, until `stop` is set, and returns the segments that retention may remove, oldest first.
    ///
    /// # Errors
    /// When a file can't be read or written. Complete steps stay.
    pub(crate) fn run(&self, stop: &AtomicBool) -> io::Result<Vec<Removed>> {
        let starts = segment_starts(&self.folder)?;
        let complete: Vec<(u64, u64)> = starts
            .windows(2)
            .filter_map(|pair| <[u64; 2]>::try_from(pair).ok())
            .map(|[first, next]| (first, next))
            .filter(|(_, next)| *next <= self.open && *next - 1 <= self.covered)
            .collect();
        remove_unfinished(&self.folder)?;
        for (first, _) in &complete {
            if stop.load(Ordering::Relaxed) {
                return Ok(Vec::new());
            }
            if let Err(error) = compress_segment(&self.folder, *first) {
                tracing::error!(segment = *first, %error, "a segment of the audit trail is not compressed");
                remove_unfinished(&self.folder)?;
            }
        }
        self.outdated(&starts, &complete)
    }

    fn outdated(&self, starts: &[u64], complete: &[(u64, u64)]) -> io::Result<Vec<Removed>> {
        let mut total = 0;
        for first in starts {
            total += stored_len(&self.folder, *first)?;
        }
        let oldest = self.retention.days.and_then(|days| {
            let age = SignedDuration::from_hours(i64::from(days) * 24);
            self.now.checked_sub(age).ok()
        });
        let mut removed = Vec::new();
        // Only the oldest ones, without a gap.
        let from_start = complete.iter().zip(starts).filter(|((first, _), start)| first == *start);
        for ((first, next), _) in from_start {
            let is_large = self.retention.max_bytes.is_some_and(|max| total > max);
            let last = LastRecord::of(&self.folder, *first)?;
            if !is_large && oldest.is_none_or(|oldest| last.time >= oldest) {
                break;
            }
            if last.sequence != next - 1 {
                let message = format!("the segment with record {first} does not end before record {next}");
                return Err(io::Error::new(io::ErrorKind::InvalidData, message));
            }
            total -= stored_len(&self.folder, *first)?;
            let (first_sequence, last_sequence, last_sha256) = (*first, last.sequence, last.sha256);
            removed.push(Removed { name: segment_name(*first), first_sequence, last_sequence, last_sha256 });
        }
        Ok(removed)
    }
}

/// Removes segments and their indexes. A signed digest says so already.
///
/// # Errors
/// When a file can't be removed; the next attempt removes it.
pub(crate) fn remove(folder: &Path, removed: &[Removed]) -> io::Result<()> {
    for segment in removed {
        let plain = folder.join(segment_name(segment.first_sequence));
        for path in [packed_path(&plain), plain, index_path(folder, segment.first_sequence)] {
            match fs::remove_file(path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
    }
    sync_folder(folder)
}

/// Compresses a segment, unless it is compressed already.
fn compress_segment(folder: &Path, first: u64) -> io::Result<()> {
    let plain = folder.join(segment_name(first));
    let packed = packed_path(&plain);
    let text = match files::open(&plain) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    if !packed.exists() {
        let unfinished = folder.join(format!("{UNFINISHED}{}.gz", segment_name(first)));
        let mut options = OpenOptions::new();
        let options = options.create(true).truncate(true).write(true).read(true).mode(0o600);
        let file = files::open_with(&unfinished, options)?;
        compress(BufReader::with_capacity(PART, text), &file)?;
        file.sync_all()?;
        check(&unfinished, &plain)?;
        fs::rename(&unfinished, &packed)?;
        sync_folder(folder)?;
    }
    // After a crash, both are there.
    check(&packed, &plain)?;
    fs::remove_file(&plain)?;
    sync_folder(folder)
}

/// How the name of a file begins that is not complete.
const UNFINISHED: &str = ".unfinished-";

fn remove_unfinished(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with(UNFINISHED) {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// Refuses a compressed file whose text is another one than that of the plain file.
fn check(packed: &Path, plain: &Path) -> io::Result<()> {
    let text = files::open(plain)?;
    let is_whole = Compressed::open(files::open(packed)?)?.len() == text.metadata()?.len();
    let found = MultiGzDecoder::new(BufReader::with_capacity(PART, files::open(packed)?));
    if is_whole && is_same(BufReader::with_capacity(PART, found), BufReader::with_capacity(PART, text))? {
        return Ok(());
    }
    let message = format!("{} does not have the text of its segment", packed.display());
    Err(io::Error::new(io::ErrorKind::InvalidData, message))
}

/// Whether two texts are the same.
fn is_same(mut one: impl BufRead, mut other: impl BufRead) -> io::Result<bool> {
    loop {
        let (left, right) = (one.fill_buf()?, other.fill_buf()?);
        let len = left.len().min(right.len());
        if len == 0 {
            return Ok(left.is_empty() && right.is_empty());
        }
        if left[..len] != right[..len] {
            return Ok(false);
        }
        one.consume(len);
        other.consume(len);
    }
}

fn packed_path(plain: &Path) -> PathBuf {
    let mut name = plain.as_os_str().to_owned();
    name.push(".gz");
    name.into()
}

/// The bytes of a segment on the disk.
fn stored_len(folder: &Path, first: u64) -> io::Result<u64> {
    let plain = folder.join(segment_name(first));
    let mut len = 0;
    for path in [packed_path(&plain), plain] {
        match fs::metadata(path) {
            Ok(found) => len += found.len(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(len)
}

/// The last record of a segment.
struct LastRecord {
    sequence: u64,
    sha256: String,
    time: Timestamp,
}

impl LastRecord {
    fn of(folder: &Path, first: u64) -> io::Result<Self> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Times {
            event_time: String,
        }
        let mut text = SegmentText::open(folder, first)?;
        let tail = text.read(text.len().saturating_sub(TAIL)..text.len())?;
        let line = tail.strip_suffix(b"\n").and_then(|lines| lines.rsplit(|byte| *byte == b'\n').next());
        let read = line.and_then(|line| {
            let times: Times = serde_json::from_slice(line).ok()?;
            Some(LastRecord {
                sequence: sequence_of(line)?,
                sha256: hash::of(line),
                time: times.event_time.parse().ok()?,
            })
        });
        let message = || format!("the last record of the segment with record {first} is damaged");
        read.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, message()))
    }
}

#[cfg(test)]
mod tests;
