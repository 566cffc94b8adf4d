//! The segments that cannot be read, because their files are damaged, replaced or not accessible.
//!
//! Look-ups continue without them and name them in their answers. Each is logged and recorded once.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rustix::io::Errno;

use crate::segments::segment_name;

/// The segments that are known to be unreadable, by their first number.
#[derive(Default)]
pub(crate) struct UnreadableSegments(Mutex<BTreeMap<u64, Unreadable>>);

struct Unreadable {
    why: String,
    /// Whether a record of the trail says so.
    is_recorded: bool,
}

impl UnreadableSegments {
    /// Notes that a segment cannot be read.
    ///
    /// # Errors
    /// The error itself, if it is of the server and not of the file: then the segment may be readable.
    pub(crate) fn note(&self, first: u64, error: io::Error) -> io::Result<()> {
        if is_of_server(&error) {
            return Err(error);
        }
        self.lock().entry(first).or_insert_with(|| {
            let segment = segment_name(first);
            tracing::error!(segment, %error, "a segment of the audit trail cannot be read; look-ups do not find its records");
            Unreadable { why: error.to_string(), is_recorded: false }
        });
        Ok(())
    }

    /// How many are known.
    pub(crate) fn count(&self) -> usize {
        self.lock().len()
    }

    /// The first numbers.
    pub(crate) fn all(&self) -> Vec<u64> {
        self.lock().keys().copied().collect()
    }

    /// Forgets a segment that was removed or can be read again.
    pub(crate) fn forget(&self, first: u64) {
        if self.lock().remove(&first).is_some() {
            let segment = segment_name(first);
            tracing::info!(segment, "a segment of the audit trail was removed or can be read again");
        }
    }

    /// The segments that no record names yet, with what is wrong; each is returned once.
    pub(crate) fn take_unrecorded(&self) -> Vec<(String, String)> {
        let mut known = self.lock();
        let new = known.iter_mut().filter(|(_, unreadable)| !unreadable.is_recorded);
        new.map(|(first, unreadable)| {
            unreadable.is_recorded = true;
            (segment_name(*first), unreadable.why.clone())
        })
        .collect()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<u64, Unreadable>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether the server lacks files or memory, so that an error says nothing about the file.
pub(super) fn is_of_server(error: &io::Error) -> bool {
    let shortages = [Errno::MFILE, Errno::NFILE, Errno::NOMEM, Errno::INTR, Errno::AGAIN];
    error.kind() == io::ErrorKind::OutOfMemory || Errno::from_io_error(error).is_some_and(|no| shortages.contains(&no))
}
