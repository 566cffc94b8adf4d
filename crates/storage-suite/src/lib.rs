//! What every backend promises, as one function per promise.
//!
//! A backend's test is a [`Backend`], and one of the macros: [`suite!`] makes a test of each promise, and
//! [`durable_suite!`] of those about opening again what was closed, [`exposed_suite!`] of those about rows that something
//! else has changed. The suite knows nothing of records: keys and
//! values are bytes here.
//!
//! [`Faulty`] is the other half: a store that breaks its promises when told to, for tests of those who rely on them.
//!
//! Start reading at [`promises`].

mod faulty;
mod model;
pub mod promises;
mod tools;

use std::sync::Arc;

use async_trait::async_trait;
use bailiwick_storage::Store;
use bytes::Bytes;
pub use faulty::{Fault, Faulty};

/// A kind of store under test.
#[async_trait]
pub trait Backend: Send + Sync {
    /// An empty store, whose log keeps at least `log` change sets but forgets some time after.
    async fn fresh(&self, log: u64) -> Arc<dyn Store>;
}

/// A kind of store that keeps what was written when it is closed.
#[async_trait]
pub trait Durable: Backend {
    /// Closes a store that [`Backend::fresh`] made, and opens it again.
    async fn reopen(&self, store: Arc<dyn Store>) -> Arc<dyn Store>;
}

/// A kind of store that a test can get at from behind: what is stored is bytes that the store made itself.
#[async_trait]
pub trait Exposed: Backend {
    /// What is stored under some keys; the store is closed and opened again if need be.
    async fn stored(&self, store: Arc<dyn Store>, keys: &[Bytes]) -> (Arc<dyn Store>, Vec<Option<Bytes>>);

    /// Replaces what is stored under keys, or takes it away, without the store's knowledge; the store is closed and
    /// opened again if need be.
    async fn tamper(&self, store: Arc<dyn Store>, rows: Vec<(Bytes, Option<Bytes>)>) -> Arc<dyn Store>;
}

/// Makes a test of each promise: `suite!(backend())`.
#[macro_export]
macro_rules! suite {
    ($backend:expr) => {
        $crate::tests!($backend;
            a_batch_is_written_whole
            a_conflict_writes_nothing
            all_conflicting_keys_are_named
            an_expected_absence_holds
            a_batch_without_changes_only_checks
            unacceptable_batches_are_refused
            counters_stay_within_their_bounds
            counters_do_not_conflict
            scans_are_in_order
            scans_go_on_where_they_stopped
            a_view_never_changes
            a_revision_can_be_asked_for
            revisions_grow_with_every_commit
            watching_misses_nothing
            watching_goes_on_from_any_revision
            a_pruned_log_says_so
            read_modify_write_loses_no_update
            one_conflict_does_not_disturb_others
            an_abandoned_commit_is_whole_or_absent
            random_batches_agree_with_a_model
        );
    };
}

/// Makes a test of each promise about opening again: `durable_suite!(backend())`.
#[macro_export]
macro_rules! durable_suite {
    ($backend:expr) => {
        $crate::tests!($backend;
            opening_again_finds_everything
            opening_again_goes_on_counting
        );
    };
}

/// Makes a test of each promise about rows that were changed from outside: `exposed_suite!(backend())`.
#[macro_export]
macro_rules! exposed_suite {
    ($backend:expr) => {
        $crate::tests!($backend;
            a_changed_value_is_never_read
            missing_and_older_rows_are_found
        );
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! tests {
    ($backend:expr; $($promise:ident)*) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $promise() {
            $crate::promises::$promise(&$backend).await;
        }
    )*};
}
