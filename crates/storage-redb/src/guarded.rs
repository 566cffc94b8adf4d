//! redb's panics and errors, as errors of the store.

use std::{
    cell::Cell,
    ops::Deref,
    panic::{AssertUnwindSafe, catch_unwind},
};

use bailiwick_storage::StoreError;
use redb::Database;

thread_local! {
    static DEPTH: Cell<u32> = const { Cell::new(0) };
}

/// Whether this thread is where a panic is caught and becomes an error: a panic hook need not say anything of it.
pub fn panics_are_caught() -> bool {
    DEPTH.get() > 0
}

/// Does what may meet pages that are damaged. redb takes its file for what it wrote, and panics where it is not.
pub(crate) fn guarded<T, E: From<StoreError>>(work: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
    DEPTH.set(DEPTH.get() + 1);
    // What a panic can leave half done are pages of redb's cache and its transaction: the one is not changed by
    // readers, the other is given up with its handle.
    let done = catch_unwind(AssertUnwindSafe(work));
    DEPTH.set(DEPTH.get() - 1);
    done.unwrap_or_else(|panic| {
        let why = panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref::<&str>().copied());
        let why = why.unwrap_or("no reason is known");
        Err(StoreError::Corrupt(format!("a page of its file is not what was written ({why})")).into())
    })
}

/// An open database, which is closed under guard: redb writes and reads pages when it closes one.
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
            tracing::warn!(%error, "the file was not closed well");
        }
    }
}

/// What redb says, in the store's words.
pub(crate) fn store_error(error: impl Into<redb::Error>) -> StoreError {
    match error.into() {
        redb::Error::Corrupted(why) => StoreError::Corrupt(why),
        redb::Error::DatabaseClosed => StoreError::Closed,
        error => StoreError::Backend(Box::new(error)),
    }
}

/// A failure in a few words.
pub(crate) fn cause(error: &StoreError) -> String {
    let StoreError::Backend(cause) = error else { return error.to_string() };
    match (cause.downcast_ref::<redb::Error>(), cause.downcast_ref::<std::io::Error>()) {
        (Some(redb::Error::Io(error)), _) | (_, Some(error)) => io_reason(error),
        _ => cause.to_string(),
    }
}

/// What the system says, without its number.
fn io_reason(error: &std::io::Error) -> String {
    let text = error.to_string();
    let end = text.find(" (os error").unwrap_or(text.len());
    text[..end].to_lowercase()
}

/// Whether the handle is of no use any more, while the store may be: another one is being opened.
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
