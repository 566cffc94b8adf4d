//! After a failed write: readers use the durable state, changes are refused, and the file is reopened until a write
//! succeeds.

use std::{sync::Arc, time::Instant};

use bailiwick_storage::{Outage, OutageReason, StoreError, StoreState};
use redb::{Database, TableDefinition};

use super::{Group, Mode, Writer};
use crate::{
    OpenError,
    disk::{DiskTracker, Image, Overlay},
    guarded::{Handle, guarded, outage, store_error},
    open::{self, OpenFile, begin_durable},
    view::Tables,
    watch,
};

/// The table of the probe, which tests whether writing works; otherwise it does not exist.
const PROBE: TableDefinition<'static, &'static str, &'static [u8]> = TableDefinition::new("probe");
/// The size of the probe: larger than a usual change, so that the store does not alternate between accepting and
/// refusing changes while its file has free pages for the probe only. With its header it has 256 KiB.
const PROBE_BYTES: usize = (256 << 10) - (1 << 10);
/// How many change sets of a transaction whose outcome was unknown are read at once.
const CHUNK: usize = 256;

impl Writer {
    /// Answers batches while writing fails: those without changes as usual, the others with an error.
    pub(super) fn refuse_changes(&self, group: Group, why: &Outage) {
        let view = self.shared.current.load_full();
        for (batch, answer) in group {
            let tables = view.tables.load_full();
            let plan = guarded(|| batch.plan(|key| tables.get(&self.authenticator, key)));
            let _ = answer.send(match plan {
                Ok(changes) if changes.is_empty() => Ok(self.state.head),
                Ok(_) | Err(StoreError::Backend(_) | StoreError::Closed) => Err(StoreError::ReadOnly(why.clone())),
                Err(refused) => Err(refused),
            });
        }
    }

    /// Refuses changes from now on, and switches readers to what was durable when the write failed.
    pub(super) fn refuse(&mut self, why: Outage) {
        let before = self.shared.health.swap(Some(Arc::new(why.clone())));
        if before.is_none_or(|before| *before != why) {
            tracing::error!(%why, "the store has failed: changes are refused until it can be written");
        }
        let retry = Instant::now() + self.options.retry;
        let mode = std::mem::replace(&mut self.mode, Mode::Refusing { reading: None, why, retry });
        let Mode::Writing(OpenFile { database, tracker }) = mode else { return };
        // Closed first: from here on it can only disturb.
        drop(database);
        if tracker.sync_failed() {
            self.disk.drop_cache();
        }
        match self.open_overlay(tracker.durable()) {
            Ok(database) => {
                if let Mode::Refusing { reading, .. } = &mut self.mode {
                    *reading = Some(database);
                }
            }
            Err(error) => tracing::error!(%error, "the durable state cannot be read at the moment"),
        }
    }

    /// Opens the durable image for reading, without writing to the disk.
    fn open_overlay(&mut self, image: Image) -> Result<Handle, StoreError> {
        let below = self.disk.open().map_err(|error| StoreError::Backend(Box::new(error)))?;
        let overlay = Overlay::new(below, image);
        let database = guarded(|| open::builder(&self.options).create_with_backend(overlay).map_err(store_error))?;
        let database = Handle::new(database);
        self.switch_handle(&database, None)?;
        Ok(database)
    }

    /// Replaces a handle that failed for a reader, unless it was replaced before.
    pub(super) fn replace_handle(&mut self, handle: u64) {
        if matches!(self.mode, Mode::Writing(_)) && handle == *self.handles.borrow() {
            self.refuse(Outage::new(OutageReason::Disk, "a part of its file could not be read"));
            self.recover();
        }
    }

    /// Reopens the file, publishes its state, and accepts changes again if a write succeeds.
    pub(super) fn recover(&mut self) {
        if let Err(error) = self.reopen()
            && let Mode::Refusing { why, retry, .. } = &mut self.mode
        {
            let new = outage(&error);
            if *why != new {
                tracing::error!(why = %new, "the store still cannot be written");
                self.shared.health.store(Some(Arc::new(new.clone())));
                *why = new;
            }
            *retry = Instant::now() + self.options.retry;
        }
    }

    fn reopen(&mut self) -> Result<(), StoreError> {
        let open = match open::open(&*self.disk, &self.options) {
            Ok(open) => open,
            Err(OpenError::Store(error)) => return Err(error),
            Err(error) => return Err(StoreError::Backend(Box::new(error))),
        };
        self.switch_handle(&open.database, Some(open.tracker.clone()))?;
        self.unknown = false;
        // The database that readers used is an image of the same file, so it is closed before the file is written.
        if let Mode::Refusing { reading, .. } = &mut self.mode {
            *reading = None;
        }
        let probed = guarded(|| probe(&open.database));
        self.mode = Mode::Writing(open);
        match probed {
            Ok(()) => {
                self.shared.health.store(None);
                tracing::info!("the store can be written again");
            }
            Err(error) => self.refuse(outage(&error)),
        }
        Ok(())
    }

    /// Switches readers to another handle, if it has the acknowledged state.
    fn switch_handle(&mut self, database: &Database, tracker: Option<Arc<DiskTracker>>) -> Result<(), StoreError> {
        let handle = *self.handles.borrow() + 1;
        let found = guarded(|| open::state(database, &self.authenticator))?;
        let tables = guarded(|| Tables::newest(database, handle, tracker))?;
        if found == self.state {
            // The current view continues at the same revision.
            self.shared.current.load().tables.store(Arc::new(tables));
        } else if self.unknown && found.head > self.state.head {
            self.catch_up(found, tables)?;
        } else {
            let (found, head) = (found.head.number(), self.state.head.number());
            return Err(StoreError::Corrupt(format!("it is at revision {found}, but {head} was acknowledged")));
        }
        // INVARIANT: the tables before the handle number, since readers wait for the number.
        self.handles.send_replace(handle);
        Ok(())
    }

    /// Publishes changes in the file that were not acknowledged: their outcome was unknown and is known now.
    fn catch_up(&mut self, found: StoreState, tables: Tables) -> Result<(), StoreError> {
        let mut sets = Vec::new();
        let mut after = self.state.head;
        while after < found.head {
            let more = guarded(|| watch::read(&tables, &self.authenticator, after, CHUNK))?;
            let Some(last) = more.back() else {
                return Err(StoreError::Corrupt("its change log is incomplete".into()));
            };
            after = last.revision;
            sets.extend(more);
        }
        tracing::warn!(
            from = self.state.head.number(),
            to = after.number(),
            "changes with an unknown outcome have taken effect"
        );
        self.state = found;
        self.show(tables);
        self.shared.feed.publish(sets);
        Ok(())
    }
}

/// Tests whether writing works: writes a large value and removes it.
fn probe(database: &Database) -> Result<(), StoreError> {
    let txn = begin_durable(database)?;
    txn.open_table(PROBE).map_err(store_error)?.insert("room", &*vec![0; PROBE_BYTES]).map_err(store_error)?;
    txn.commit().map_err(store_error)?;
    let txn = begin_durable(database)?;
    txn.delete_table(PROBE).map_err(store_error)?;
    txn.commit().map_err(store_error)
}
