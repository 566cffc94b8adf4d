//! Upgrades a store of layout 1, whose rows are not authenticated, and counts the rows of a store again.
//!
//! In layout 1 a row was its revision and its value, an entry of the change log a bare change set, and the deployment had
//! the number of account `000000000000`. Layout 2 differs from the current one in its sealed state, which does not contain
//! the decisive kinds, and has fewer of them.

use std::time::{Duration, Instant};

use bailiwick_storage::{Authenticator, ChangeSet, Revision, StoreError, StoreState, Tally, encode_log_entry, keys};
use bytes::Bytes;
use redb::{Database, ReadableTable, ReadableTableMetadata, TableDefinition, WriteTransaction};

use crate::{
    LOG, ROWS,
    guarded::store_error,
    open::{self, begin_durable},
};

/// The layout that is upgraded.
pub(crate) const FROM: u32 = 1;
/// The length of the header of a row in layout 1.
pub(crate) const HEADER: usize = 8;

const OLD_ROWS: TableDefinition<'static, &'static [u8], &'static [u8]> = TableDefinition::new("rows of layout 1");
/// The interval of progress messages.
const REPORT_INTERVAL: Duration = Duration::from_secs(1);

/// The key of the wrapped keyring in layout 1.
pub(crate) fn keyring() -> Bytes {
    Bytes::from_static(&[0, 0, 0, 0, 0, keys::Kind::Keyring as u8])
}

/// Writes all rows again, authenticated, in one durable transaction.
pub(crate) fn run(
    database: &Database,
    authenticator: &Authenticator,
    wrapped: &[u8],
) -> Result<StoreState, StoreError> {
    let txn = begin_durable(database)?;
    let head = {
        let sets = txn.open_table(LOG).map_err(store_error)?;
        let last = sets.last().map_err(store_error)?;
        last.map_or(0, |(revision, _)| revision.value())
    };
    let revision = Revision::new(head).next();
    let mut state = StoreState { head: revision, oldest: Revision::new(head), ..StoreState::default() };
    txn.rename_table(ROWS, OLD_ROWS).map_err(store_error)?;
    {
        let old = txn.open_table(OLD_ROWS).map_err(store_error)?;
        let mut new = txn.open_table(ROWS).map_err(store_error)?;
        let mut progress = Progress::begin("the store is being upgraded", old.len().map_err(store_error)?);
        let (mut row, mut scratch) = (Vec::new(), Vec::new());
        for found in old.iter().map_err(store_error)? {
            let (key, value) = found.map_err(store_error)?;
            let damaged = || StoreError::Corrupt("a row without its revision".into());
            let (at, value) = value.value().split_first_chunk::<HEADER>().ok_or_else(damaged)?;
            let at = Revision::new(u64::from_be_bytes(*at));
            let key = keys::from_layout_1(key.value());
            let (at, value) = if key == keys::keyring() { (revision, wrapped) } else { (at, value) };
            row.clear();
            authenticator.encode_row(&mut row, &key, at, value, &mut scratch)?;
            new.insert(&*key, &*row).map_err(store_error)?;
            state.change(authenticator, &key, None, Some(at));
            progress.step();
        }
        if new.get(&*keys::keyring()).map_err(store_error)?.is_none() {
            return Err(StoreError::Corrupt("it has no keys".into()));
        }
        progress.end();
    }
    txn.delete_table(OLD_ROWS).map_err(store_error)?;
    begin_log(&txn, authenticator, &state)?;
    open::write_layout(&txn)?;
    txn.commit().map_err(store_error)?;
    tracing::info!(
        rows = state.decisive.count() + state.other.count(),
        "the store was upgraded: its rows are authenticated"
    );
    Ok(state)
}

/// Counts all rows with the decisive kinds of this version, after a check that every row exists which the state of another
/// version counts.
///
/// The check includes the rows that were not decisive for that version: otherwise a row that was removed before the
/// upgrade would be accepted as missing.
pub(crate) fn count_again(
    database: &Database,
    authenticator: &Authenticator,
    counted: StoreState,
) -> Result<StoreState, StoreError> {
    let txn = begin_durable(database)?;
    let mut state = StoreState { head: counted.head.next(), oldest: counted.head, ..StoreState::default() };
    let mut tally = Tally::of(authenticator.clone(), counted);
    {
        let rows = txn.open_table(ROWS).map_err(store_error)?;
        let mut progress = Progress::begin("the store is being upgraded", rows.len().map_err(store_error)?);
        for found in rows.iter().map_err(store_error)? {
            let (key, row) = found.map_err(store_error)?;
            let (key, revision) = (key.value(), Authenticator::revision_of(row.value()));
            tally.add(key, revision);
            state.change(authenticator, key, None, Some(revision));
            progress.step();
        }
        progress.end();
    }
    tally.finish_whole()?;
    begin_log(&txn, authenticator, &state)?;
    open::write_layout(&txn)?;
    txn.commit().map_err(store_error)?;
    tracing::info!(
        rows = state.decisive.count() + state.other.count(),
        "the store was upgraded: its rows were counted"
    );
    Ok(state)
}

/// Accepts the existing rows as complete.
pub(crate) fn recount(database: &Database, authenticator: &Authenticator) -> Result<StoreState, StoreError> {
    let txn = begin_durable(database)?;
    let mut state = StoreState::default();
    {
        let rows = txn.open_table(ROWS).map_err(store_error)?;
        let sets = txn.open_table(LOG).map_err(store_error)?;
        state.head = Revision::new(sets.last().map_err(store_error)?.map_or(0, |(revision, _)| revision.value()));
        let mut progress = Progress::begin("the store's rows are being counted", rows.len().map_err(store_error)?);
        let mut scratch = Vec::new();
        for found in rows.iter().map_err(store_error)? {
            let (key, row) = found.map_err(store_error)?;
            let opened = authenticator.open_row(key.value(), row.value(), &mut scratch)?;
            state.change(authenticator, key.value(), None, Some(opened.revision));
            // No revision that was used is used again, since rows that were written at it are authentic. The newest one
            // is not known for sure: the end of the log may be missing, and rows with it.
            if opened.value.is_some() {
                state.head = state.head.max(opened.revision);
            }
            progress.step();
        }
        progress.end();
    }
    let state = begin_after_gap(&txn, authenticator, &state)?;
    open::write_layout(&txn)?;
    txn.commit().map_err(store_error)?;
    tracing::warn!(revision = state.head.number(), "the remaining rows of the store were accepted as complete");
    Ok(state)
}

/// Starts a new change log for these rows, and leaves out revisions that may have been used by a newer state of the store.
pub(crate) fn begin_after_gap(
    txn: &WriteTransaction,
    authenticator: &Authenticator,
    state: &StoreState,
) -> Result<StoreState, StoreError> {
    let state = state.after_gap();
    begin_log(txn, authenticator, &state)?;
    Ok(state)
}

/// Starts a new change log, with an entry that changes nothing and contains the state of the store.
fn begin_log(txn: &WriteTransaction, authenticator: &Authenticator, state: &StoreState) -> Result<(), StoreError> {
    txn.delete_table(LOG).map_err(store_error)?;
    let mut sets = txn.open_table(LOG).map_err(store_error)?;
    let set = ChangeSet { revision: state.head, changes: Vec::new() };
    let mut entry = Vec::new();
    encode_log_entry(authenticator, &mut entry, &set, &state.seal(authenticator)?, &mut Vec::new())?;
    sets.insert(set.revision.number(), &*entry).map_err(store_error)?;
    Ok(())
}

/// Logs the progress of a long task.
struct Progress {
    what: &'static str,
    rows: u64,
    done: u64,
    reported: Instant,
    begun: Instant,
}

impl Progress {
    fn begin(what: &'static str, rows: u64) -> Self {
        let now = Instant::now();
        Progress { what, rows, done: 0, reported: now, begun: now }
    }

    fn step(&mut self) {
        self.done += 1;
        if self.done.is_multiple_of(1024) && self.reported.elapsed() >= REPORT_INTERVAL {
            self.reported = Instant::now();
            tracing::info!(done = self.done, of = self.rows, "{}", self.what);
        }
    }

    fn end(&self) {
        tracing::debug!(rows = self.done, took = ?self.begun.elapsed(), "{}", self.what);
    }
}
