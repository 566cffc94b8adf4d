//! Scenarios of servers that share a store: one function each, and the list that tests are generated from.
//!
//! A function that the list does not name is unused, and a name without a function is unknown: neither compiles.
#![deny(dead_code, reason = "a scenario that the list does not name would be tested nowhere")]

mod absent;
mod backend;
mod cuts;
mod histories;
mod memory;
mod processes;
mod random;
mod servers;
mod starts;
mod tools;

use std::time::Duration;

use async_trait::async_trait;
use bailiwick_storage::{Authenticator, ServerId, Store, StoredRow};
use bytes::Bytes;

pub use backend::Shared;

/// A server that uses a database.
#[derive(Clone, Copy, Debug)]
pub struct Server {
    /// Its id.
    pub id: ServerId,
    /// The port on 127.0.0.1 through which it reaches the database.
    pub port: u16,
    /// How long its view may be unconfirmed.
    pub max_staleness: Duration,
    /// The pause after a failure.
    pub retry: Duration,
    /// How many change sets it has in memory.
    pub recent: usize,
    /// How many change sets the log keeps.
    pub log_retention: u64,
}

impl Server {
    /// A server with the usual settings, whose id has this number in each byte.
    pub fn new<D: SharedDatabase>(number: u8) -> Self {
        Server {
            id: ServerId([number; 16]),
            port: D::port(),
            max_staleness: Duration::from_secs(5),
            retry: Duration::from_millis(50),
            recent: 1024,
            log_retention: 16 * 1024,
        }
    }
}

/// Why a store is not opened, started or restored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Another process has the id of the server.
    SameServer,
    /// What is there is not a store, or not the whole.
    Corrupt,
    /// Rows are missing.
    Incomplete,
    /// Another reason.
    Other(String),
}

/// A kind of store that servers share. A value is an empty database, which a test reaches without a server as well.
#[async_trait]
pub trait SharedDatabase: Send + Sync + 'static {
    /// A store before its rows are authenticated.
    type Opened: Send;
    /// A store that is in use.
    type Store: Store + std::fmt::Debug + 'static;
    /// The content of a database at one moment.
    type Copy: Send + Sync;

    /// How many ways there are to damage the head of a store.
    const DAMAGES: usize;

    /// Makes an empty database.
    async fn create() -> Self;

    /// The port of all databases on 127.0.0.1.
    fn port() -> u16;

    /// An authenticator with a new key.
    fn authenticator() -> Authenticator;

    /// Opens a store; the first server makes it.
    async fn open(&self, server: &Server) -> Result<Self::Opened, Refusal>;

    /// Whether nothing was ever committed.
    fn is_unused(opened: &Self::Opened) -> bool;

    /// Whether other servers use the store.
    async fn has_others(opened: &Self::Opened) -> bool;

    /// Ends the use of a store that is not started.
    async fn leave(opened: Self::Opened);

    /// Starts a store.
    fn start(opened: Self::Opened, authenticator: Authenticator) -> Result<Self::Store, Refusal>;

    /// Fills an unused store.
    async fn restore(
        opened: Self::Opened,
        authenticator: &Authenticator,
        sealed_state: &[u8],
        epoch: i64,
        rows: Vec<StoredRow>,
    ) -> Result<(), Refusal>;

    /// Closes a store.
    async fn close(store: &Self::Store);

    /// Copies the head, the rows and the change log.
    async fn copy(&self) -> Self::Copy;

    /// Puts a copy in the place of what is there now.
    async fn put_back(&self, copy: &Self::Copy);

    /// Puts the head of a copy in the place of the head that is there now.
    async fn put_head_back(&self, copy: &Self::Copy);

    /// Removes all that any server wrote.
    async fn clear(&self);

    /// Damages the head.
    async fn damage_head(&self, way: usize);

    /// Removes the entry of the change log that ends with a revision.
    async fn remove_entry(&self, revision: u64);

    /// Removes old versions of what is there, as far as the database keeps them.
    async fn compact(&self);

    /// Leaves what an interrupted restore does. Returns whether it leaves anything.
    async fn interrupt_restore(&self) -> bool;

    /// Writes a sign of life of a process of a server, which began before all others.
    async fn revive(&self, server: ServerId);

    /// Whether that process is known.
    async fn is_known(&self, server: ServerId) -> bool;

    /// The stored bytes of a row.
    async fn stored(&self, key: &[u8]) -> Option<Bytes>;

    /// Replaces or removes the stored bytes of a row.
    async fn tamper(&self, key: &[u8], stored: Option<Bytes>);
}

/// Makes a test of each scenario, with a database of this kind.
#[macro_export]
macro_rules! shared_suite {
    ($database:ty) => {
        $crate::scenarios!([$crate::scenario_tests] $database);

        /// The tasks of the store run only while the test waits.
        #[tokio::test]
        async fn what_was_read_is_not_used_after_a_time_without_the_process() {
            $crate::shared::what_was_read_is_not_used_after_a_time_without_the_process::<$database>().await;
        }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! scenario_tests {
    ($database:ty; $($scenario:ident)*) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $scenario() {
            $crate::shared::$scenario::<$database>().await;
        }
    )*};
}

/// Passes the scenarios to a macro: `scenarios!([macro] arguments)`.
#[doc(hidden)]
#[macro_export]
macro_rules! scenarios {
    ([$($then:tt)*] $($arguments:tt)*) => {
        $($then)*! { $($arguments)*;
            a_write_is_read_on_every_server_and_reaches_every_follower
            writers_on_all_servers_lose_no_update
            a_row_that_is_taken_for_absent_is_found
            each_batch_is_committed_on_what_it_expects
            rows_in_memory_are_those_of_the_view
            of_first_starts_at_the_same_time_one_makes_the_store
            a_first_start_that_is_given_up_lets_the_next_begin
            a_restored_store_is_another_one
            an_older_head_is_refused
            other_changes_are_refused
            other_changes_are_refused_by_a_server_that_has_seen_none
            other_changes_are_not_read_over_a_new_connection
            a_missing_end_of_the_change_log_is_noticed
            a_damaged_head_ends_decisions
            a_second_process_of_a_server_is_refused
            a_server_that_is_cut_off_reads_nothing_after_the_staleness_limit
            a_follower_that_reads_the_database_ends_when_the_server_is_cut_off
            a_lost_answer_does_not_hide_the_outcome
            a_lost_answer_whose_entry_was_pruned_is_unknown
            a_follower_misses_nothing_after_a_long_cut
            a_follower_begins_again_if_the_log_was_pruned_during_a_long_cut
        }
    };
}

macro_rules! export {
    ($then:ident; $($scenario:ident)*) => {$(
        #[doc(hidden)]
        pub async fn $scenario<D: SharedDatabase>() {
            scenes::$scenario::<D>().await;
        }
    )*};
}

mod scenes {
    pub(super) use super::{
        absent::*, cuts::*, histories::*, memory::*, processes::*, random::*, servers::*, starts::*,
    };
}

scenarios!([export] all);
export!(alone; what_was_read_is_not_used_after_a_time_without_the_process);
