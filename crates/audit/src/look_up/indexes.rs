//! The indexes of all segments: those in use, and the building of missing ones.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::checkpoint::Checkpoint;
use crate::index::{Builder, IndexFile, index_path, remove_orphans};
use crate::segments::{SegmentText, segment_starts};

/// The indexes of the segments in a folder, by the first number of the segment.
pub(crate) struct Indexes {
    folder: PathBuf,
    files: Mutex<BTreeMap<u64, Arc<IndexFile>>>,
    /// Of the segment being written, and of the one before it until its file exists.
    growing: Mutex<BTreeMap<u64, Arc<Mutex<Builder>>>>,
}

/// The index of one segment.
#[derive(Clone)]
pub(crate) enum Index {
    File(Arc<IndexFile>),
    Growing(Arc<Mutex<Builder>>),
}

impl Indexes {
    pub(crate) fn new(folder: PathBuf) -> Self {
        Indexes { folder, files: Mutex::default(), growing: Mutex::default() }
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
        // Missing or damaged: it is built later.
        let Ok(file) = IndexFile::open(&self.folder, first, &mut text).map(Arc::new) else { return Ok(None) };
        lock(&self.files).insert(first, Arc::clone(&file));
        Ok(Some(Index::File(file)))
    }

    /// Removes an index that is damaged, so that it is built again.
    pub(crate) fn remove(&self, first: u64) {
        lock(&self.files).remove(&first);
        // An error is the same as a damaged file at the next use.
        let _ = fs::remove_file(index_path(&self.folder, first));
    }

    fn catch_up(&self, first: u64, text: &mut SegmentText, bytes: u64) -> io::Result<Arc<Mutex<Builder>>> {
        let new = || Arc::new(Mutex::new(Builder::new(first)));
        let builder = Arc::clone(lock(&self.growing).entry(first).or_insert_with(new));
        lock_builder(&builder, first).catch_up(text, bytes)?;
        Ok(builder)
    }

    /// Brings the index of the segment being written up to `end`, and writes the files of those that are complete by now.
    ///
    /// # Errors
    /// When a segment can't be read, or an index can't be written.
    pub(crate) fn follow(&self, end: &Checkpoint) -> io::Result<()> {
        let complete: Vec<u64> = lock(&self.growing).keys().copied().filter(|first| *first != end.first).collect();
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

    /// Writes the index of a complete segment.
    fn write(&self, first: u64) -> io::Result<()> {
        let Some(mut text) = open(&self.folder, first)? else { return Ok(()) };
        let bytes = text.len();
        let growing = lock(&self.growing).get(&first).cloned();
        match growing {
            Some(builder) => {
                let mut builder = lock_builder(&builder, first);
                builder.catch_up(&mut text, bytes)?;
                IndexFile::write(&self.folder, first, &builder)?;
            }
            None => {
                let mut builder = Builder::new(first);
                builder.catch_up(&mut text, bytes)?;
                IndexFile::write(&self.folder, first, &builder)?;
            }
        }
        let file = IndexFile::open(&self.folder, first, &mut text)?;
        lock(&self.files).insert(first, Arc::new(file));
        Ok(())
    }

    /// The complete segments without an index, newest last. Forgets indexes of segments that are gone.
    ///
    /// # Errors
    /// When the folder can't be read.
    pub(crate) fn missing(&self, end: &Checkpoint) -> io::Result<Vec<u64>> {
        remove_orphans(&self.folder)?;
        let starts = segment_starts(&self.folder)?;
        lock(&self.files).retain(|first, _| starts.binary_search(first).is_ok());
        let mut missing = Vec::new();
        for first in starts.into_iter().filter(|first| *first <= end.sequence && *first != end.first) {
            if self.of(first, end)?.is_none() {
                missing.push(first);
            }
        }
        Ok(missing)
    }

    /// Builds the index of a complete segment.
    ///
    /// # Errors
    /// When the segment can't be read, or the index can't be written.
    pub(crate) fn build(&self, first: u64) -> io::Result<()> {
        self.write(first)
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
