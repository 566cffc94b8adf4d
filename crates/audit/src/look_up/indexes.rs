//! The indexes of all segments: those in use, and the building of missing ones.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::unreadable::{UnreadableSegments, is_of_server};

use crate::checkpoint::Checkpoint;
use crate::index::{Builder, IndexFile, WrittenLines, index_path, remove_orphans};
use crate::segments::{SegmentText, segment_starts};

/// The indexes of the segments in a folder, by the first number of the segment.
pub(crate) struct Indexes {
    folder: PathBuf,
    files: Mutex<BTreeMap<u64, Arc<IndexFile>>>,
    /// Of the segment being written, and of the one before it until its file exists.
    growing: Mutex<BTreeMap<u64, Arc<Mutex<Builder>>>>,
    unreadable: Arc<UnreadableSegments>,
    /// Those that were reported as damaged or wrong since they were last written.
    distrusted: Mutex<BTreeSet<u64>>,
    /// How many were.
    wrong: AtomicU64,
}

/// The index of one segment.
#[derive(Clone)]
pub(crate) enum Index {
    File(Arc<IndexFile>),
    Growing(Arc<Mutex<Builder>>),
}

impl Indexes {
    pub(crate) fn new(folder: PathBuf, unreadable: Arc<UnreadableSegments>) -> Self {
        let (files, growing) = (Mutex::default(), Mutex::default());
        Indexes { folder, files, growing, unreadable, distrusted: Mutex::default(), wrong: AtomicU64::new(0) }
    }

    /// How many were found to be damaged or wrong.
    pub(crate) fn wrong(&self) -> u64 {
        self.wrong.load(Ordering::Relaxed)
    }

    /// The index of a segment up to `end`, if it exists.
    ///
    /// # Errors
    /// When the segment can't be read.
    pub(crate) fn of(&self, first: u64, end: &Checkpoint) -> io::Result<Option<Index>> {
        let is_growing = first == end.first || lock(&self.growing).contains_key(&first);
        let known = lock(&self.files).get(&first).cloned();
        if let Some(file) = known.filter(|_| !is_growing) {
            return Ok(Some(Index::File(file)));
        }
        let Some(mut text) = open(&self.folder, first)? else { return Ok(None) };
        if is_growing {
            let bytes = if first == end.first { end.bytes } else { text.len() };
            return match self.catch_up(first, &mut text, bytes) {
                Ok(builder) => Ok(Some(Index::Growing(builder))),
                Err(error) if error.kind() == io::ErrorKind::Unsupported => Ok(None),
                Err(error) => Err(error),
            };
        }
        let file = match IndexFile::open(&self.folder, first, &mut text) {
            Ok(file) => Arc::new(file),
            Err(error) => {
                // One that is missing is built later.
                if error.kind() != io::ErrorKind::NotFound && !is_of_server(&error) {
                    self.distrust(first, &error);
                }
                return Ok(None);
            }
        };
        lock(&self.files).insert(first, Arc::clone(&file));
        Ok(Some(Index::File(file)))
    }

    /// Removes an index that is damaged or wrong, so that it is built again.
    pub(crate) fn distrust(&self, first: u64, why: &dyn std::fmt::Display) {
        if lock(&self.distrusted).insert(first) {
            self.wrong.fetch_add(1, Ordering::Relaxed);
            tracing::warn!(error = %why, segment = first, "an index of audit records is damaged or wrong; it is built again");
        }
        lock(&self.files).remove(&first);
        lock(&self.growing).remove(&first);
        // An error is the same as a damaged file at the next use.
        let _ = fs::remove_file(index_path(&self.folder, first));
    }

    fn catch_up(&self, first: u64, text: &mut SegmentText, bytes: u64) -> io::Result<Arc<Mutex<Builder>>> {
        let new = || Arc::new(Mutex::new(Builder::new(first)));
        let builder = Arc::clone(lock(&self.growing).entry(first).or_insert_with(new));
        lock_builder(&builder, first).catch_up(text, bytes)?;
        Ok(builder)
    }

    /// Adds lines that are durable to the index of the segment being written, if it has all lines before them and no look-up
    /// uses it. Otherwise they are read when they are needed.
    pub(crate) fn add(&self, written: &WrittenLines, last_sha256: [u8; 32]) {
        let builder = match lock(&self.growing).entry(written.first) {
            Entry::Occupied(found) => Arc::clone(found.get()),
            Entry::Vacant(free) if written.is_whole() => {
                Arc::clone(free.insert(Arc::new(Mutex::new(Builder::new(written.first)))))
            }
            Entry::Vacant(_) => return,
        };
        if let Ok(mut builder) = builder.try_lock() {
            builder.add_written(written, last_sha256);
        }
    }

    /// Brings the index of the segment being written up to `end`, and writes the files of those that are complete by now.
    ///
    /// # Errors
    /// When a segment can't be read, or an index can't be written.
    pub(crate) fn follow(&self, end: &Checkpoint) -> io::Result<()> {
        // A segment may have begun after `end`.
        let is_complete = |first: &u64| *first != end.first && *first <= end.sequence;
        let complete: Vec<u64> = lock(&self.growing).keys().copied().filter(is_complete).collect();
        for first in complete {
            let written = self.write(first);
            lock(&self.growing).remove(&first);
            written?;
        }
        if end.first == 0 {
            return Ok(());
        }
        match open(&self.folder, end.first)? {
            Some(mut text) => self.catch_up(end.first, &mut text, end.bytes).map(drop),
            None => Ok(()),
        }
    }

    /// Writes the index of a complete segment, unless the segment cannot be read.
    ///
    /// # Errors
    /// When the index can't be written.
    pub(crate) fn write(&self, first: u64) -> io::Result<()> {
        let mut text = match open(&self.folder, first) {
            Ok(Some(text)) => text,
            Ok(None) => return Ok(()),
            Err(error) => return self.unreadable.note(first, error),
        };
        let bytes = text.len();
        let growing = lock(&self.growing).get(&first).cloned();
        let builder = growing.unwrap_or_else(|| Arc::new(Mutex::new(Builder::new(first))));
        let mut builder = lock_builder(&builder, first);
        match builder.catch_up(&mut text, bytes) {
            Err(error) if error.kind() != io::ErrorKind::Unsupported => return self.unreadable.note(first, error),
            caught_up => caught_up?,
        }
        IndexFile::write(&self.folder, first, &builder)?;
        let file = IndexFile::open(&self.folder, first, &mut text)?;
        lock(&self.files).insert(first, Arc::new(file));
        lock(&self.distrusted).remove(&first);
        Ok(())
    }

    /// The complete segments without an index, newest last. Forgets indexes of segments that are gone, and notes segments
    /// that cannot be read.
    ///
    /// # Errors
    /// When the folder can't be read.
    pub(crate) fn missing(&self, end: &Checkpoint) -> io::Result<Vec<u64>> {
        remove_orphans(&self.folder)?;
        let starts = segment_starts(&self.folder)?;
        lock(&self.files).retain(|first, _| starts.binary_search(first).is_ok());
        self.read_unreadable_again(&starts);
        let mut missing = Vec::new();
        for first in starts.into_iter().filter(|first| *first <= end.sequence && *first != end.first) {
            match self.of(first, end) {
                Ok(Some(_)) => {}
                Ok(None) => missing.push(first),
                Err(error) => self.unreadable.note(first, error)?,
            }
        }
        Ok(missing)
    }

    /// Forgets the unreadable segments that are gone or can be read again.
    fn read_unreadable_again(&self, starts: &[u64]) {
        for first in self.unreadable.all() {
            let is_readable = || {
                let mut text = SegmentText::open(&self.folder, first)?;
                let len = text.len();
                text.for_each_line(0..len, |_, _| ControlFlow::Continue(()))
            };
            if starts.binary_search(&first).is_err() || is_readable().is_ok() {
                self.unreadable.forget(first);
            }
        }
    }
}

/// Opens a segment, unless retention has removed it.
pub(crate) fn open(folder: &Path, first: u64) -> io::Result<Option<SegmentText>> {
    match SegmentText::open(folder, first) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

impl Index {
    /// The times of the first and the last event, if there are any.
    pub(crate) fn times(&self, first: u64) -> Option<(i64, i64)> {
        match self {
            Index::File(file) => file.times(),
            Index::Growing(builder) => lock_builder(builder, first).times(),
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Locks a builder; one that a panic left incomplete begins again.
pub(crate) fn lock_builder(builder: &Mutex<Builder>, first: u64) -> MutexGuard<'_, Builder> {
    builder.lock().unwrap_or_else(|poisoned| {
        builder.clear_poison();
        let mut builder = poisoned.into_inner();
        *builder = Builder::new(first);
        builder
    })
}

#[cfg(test)]
mod tests;
