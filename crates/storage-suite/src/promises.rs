//! The promises: one function each, and the lists that tests are generated from.
//!
//! A function that no list names is unused, and a name without a function is unknown: neither compiles.
#![deny(dead_code, reason = "a promise that no list names would be tested nowhere")]

mod committing;
mod following;
mod racing;
mod reading;
mod reopening;
mod tampering;

/// A log that keeps every change set of a test.
const LOG: u64 = 1 << 20;

/// Passes the promises of all backends to a macro: `backend_promises!([macro] arguments)`.
#[doc(hidden)]
#[macro_export]
macro_rules! backend_promises {
    ([$($then:tt)*] $($arguments:tt)*) => {
        $($then)*! { $($arguments)*;
            a_batch_is_written_whole
            a_conflict_writes_nothing
            all_conflicting_keys_are_named
            an_expected_absence_holds
            a_batch_without_changes_only_checks
            unacceptable_batches_are_refused
            counters_stay_within_their_bounds
            counters_do_not_conflict
            scans_are_in_order
            scans_continue_after_a_key
            a_view_never_changes
            a_read_can_require_a_revision
            revisions_grow_with_every_commit
            watching_misses_nothing
            watching_starts_at_any_revision
            a_pruned_log_is_reported
            read_modify_write_loses_no_update
            one_conflict_does_not_affect_other_batches
            an_abandoned_commit_is_whole_or_absent
            random_batches_agree_with_a_model
        }
    };
}

/// Passes the promises of durable backends to a macro.
#[doc(hidden)]
#[macro_export]
macro_rules! durable_promises {
    ([$($then:tt)*] $($arguments:tt)*) => {
        $($then)*! { $($arguments)*;
            reopening_keeps_everything
            reopening_keeps_revisions_and_counters
        }
    };
}

/// Passes the promises of exposed backends to a macro.
#[doc(hidden)]
#[macro_export]
macro_rules! exposed_promises {
    ([$($then:tt)*] $($arguments:tt)*) => {
        $($then)*! { $($arguments)*;
            a_changed_value_is_never_read
            missing_and_older_rows_are_detected
        }
    };
}

macro_rules! export {
    ($bound:ident; $($promise:ident)*) => {$(
        #[doc(hidden)]
        pub async fn $promise(backend: &dyn crate::$bound) {
            checks::$promise(backend).await;
        }
    )*};
}

mod checks {
    pub(super) use super::{committing::*, following::*, racing::*, reading::*, reopening::*, tampering::*};
}

backend_promises!([export] Backend);
durable_promises!([export] Durable);
exposed_promises!([export] Exposed);
