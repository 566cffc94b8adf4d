//! redb's panics and errors, as errors of the store.

use std::{
    cell::Cell,
    io,
    ops::Deref,
    panic::{AssertUnwindSafe, catch_unwind},
};

use bailiwick_storage::{Outage, OutageReason, StoreError};
use redb::Database;

thread_local! {
    static DEPTH: Cell<u32> = const { Cell::new(0) };
}

/// Returns whether a panic of this thread is caught and becomes an error, so that a panic hook need not report it.
pub fn panics_are_caught() -> bool {
    DEPTH.get() > 0
}

/// Catches panics of redb, which assumes that its file is intact and panics if a page is damaged.
pub(crate) fn guarded<T, E: From<StoreError>>(work: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
    DEPTH.set(DEPTH.get() + 1);
    // A panic can leave redb's page cache and its transaction inconsistent: readers do not change the cache, and the
    // transaction is discarded with its handle.
    let done = catch_unwind(AssertUnwindSafe(work));
    DEPTH.set(DEPTH.get() - 1);
    done.unwrap_or_else(|panic| {
        let why = panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref::<&str>().copied());
        let why = why.unwrap_or("no reason is known");
        Err(StoreError::Corrupt(format!("a page of its file is not what was written ({why})")).into())
    })
}

/// An open database, which is closed under guard, because redb reads and writes pages when it closes.
pub(crate) struct Handle(Option<Database>);

impl Handle {
    pub(crate) fn new(database: Database) -> Self {
        Handle(Some(database))
    }
}

impl Deref for Handle {
    type Target = Database;

    fn deref(&self) -> &Database {
        match &self.0 {
            Some(database) => database,
            None => unreachable!("a handle has its database until it is dropped"),
        }
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        let database = self.0.take();
        let closed = guarded(|| {
            drop(database);
            Ok::<_, StoreError>(())
        });
        if let Err(error) = closed {
            tracing::warn!(%error, "the file was not closed cleanly");
        }
    }
}

/// Converts an error of redb.
pub(crate) fn store_error(error: impl Into<redb::Error>) -> StoreError {
    match error.into() {
        redb::Error::Corrupted(why) => StoreError::Corrupt(why),
        redb::Error::DatabaseClosed => StoreError::Closed,
        error => StoreError::Backend(Box::new(error)),
    }
}

/// A short description of a failure.
pub(crate) fn cause(error: &StoreError) -> String {
    match (io_error(error), error) {
        (Some(error), _) => io_reason(error),
        (None, StoreError::Backend(cause)) => cause.to_string(),
        (None, error) => error.to_string(),
    }
}

/// Why the store cannot be written after a failure.
pub(crate) fn outage(error: &StoreError) -> Outage {
    let Some(failure) = io_error(error) else { return error.outage() };
    let reason = match failure.kind() {
        io::ErrorKind::StorageFull => OutageReason::DiskFull,
        io::ErrorKind::QuotaExceeded => OutageReason::DiskQuota,
        io::ErrorKind::ReadOnlyFilesystem => OutageReason::ReadOnlyFileSystem,
        _ => OutageReason::Disk,
    };
    Outage::new(reason, failure.to_string())
}

fn io_error(error: &StoreError) -> Option<&io::Error> {
    let StoreError::Backend(cause) = error else { return None };
    match (cause.downcast_ref::<redb::Error>(), cause.downcast_ref::<io::Error>()) {
        (Some(redb::Error::Io(error)), _) | (_, Some(error)) => Some(error),
        _ => None,
    }
}

/// The message of the operating system, without its number.
fn io_reason(error: &io::Error) -> String {
    let text = error.to_string();
    let end = text.find(" (os error").unwrap_or(text.len());
    text[..end].to_lowercase()
}

/// Returns whether the error concerns only this handle, while another one may work.
pub(crate) fn is_handle_failure(error: &StoreError) -> bool {
    match error {
        StoreError::Closed => true,
        StoreError::Backend(cause) => cause.downcast_ref::<redb::Error>().is_some_and(|error| {
            matches!(error, redb::Error::Io(_) | redb::Error::PreviousIo | redb::Error::LockPoisoned(_))
        }),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_becomes_an_error() {
        let caught: Result<(), StoreError> = guarded(|| {
            assert!(panics_are_caught());
            panic!("page {}", 7)
        });
        assert_eq!(
            caught.unwrap_err().to_string(),
            "the store is damaged: a page of its file is not what was written (page 7)"
        );
        assert!(!panics_are_caught());
    }
}
