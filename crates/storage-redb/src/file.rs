//! A store's file before its rows are authenticated, since it contains the sealed key that authenticates them.

use std::{path::Path, sync::Arc};

use arc_swap::{ArcSwap, ArcSwapOption};
use bailiwick_storage::{Authenticator, Feed, StoreState, keys};
use bytes::Bytes;
use redb::{ReadableDatabase, ReadableTableMetadata};
use tokio::sync::{mpsc, watch};

use crate::{
    LOG, OpenError, Options, ROWS, RedbStore, STORE, Shared,
    disk::{Disk, FileDisk, ReadOnlyDisk},
    folder,
    guarded::{guarded, store_error},
    open::{self, AUTHENTICATED, LAYOUT, OpenFile},
    upgrade,
    view::{RedbView, Tables},
    writer::Writer,
};

/// A store's file, open and locked, whose content is not trusted yet.
///
/// The wrapped keyring is read first; it is authentic if it opens under the master key. A keyring with a key for rows
/// requires [`RedbFile::start`], one without requires [`RedbFile::upgrade`]. The layout number in the file does not
/// decide this, so that a modified file cannot pass as an old one whose rows are not authenticated.
pub struct RedbFile {
    disk: Arc<dyn Disk>,
    open: OpenFile,
    options: Options,
    layout: u32,
    lock: Option<folder::FolderLock>,
}

impl std::fmt::Debug for RedbFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RedbFile").field("disk", &self.disk).field("layout", &self.layout).finish_non_exhaustive()
    }
}

impl RedbFile {
    /// Opens the file in a folder; makes both if they are not there.
    ///
    /// # Errors
    /// One variant, with a one-line message, per reason: [`OpenError`].
    pub fn open(folder: &Path, options: &Options) -> Result<Self, OpenError> {
        let lock = folder::lock_folder(folder)?;
        let file = folder.join(STORE);
        open::make(&file, options)?;
        Self::of(Arc::new(FileDisk(file)), options, Some(lock))
    }

    /// Opens the file in a folder without ever changing it: an upgrade or a repair, and what is committed, stay in memory, of
    /// which 64 MiB may be used. The folder is locked, as by [`RedbFile::open`].
    ///
    /// # Errors
    /// As [`RedbFile::open`]; also if there is no file.
    pub fn open_unchanged(folder: &Path, options: &Options) -> Result<Self, OpenError> {
        let lock = folder::lock_unchanged(folder)?;
        let file = folder.join(STORE);
        folder::refuse_exposed(&file)?;
        if std::fs::metadata(&file).map_err(|error| OpenError::io(&file, error))?.len() == 0 {
            return Err(OpenError::Corrupt("its file is empty".into()));
        }
        Self::of(Arc::new(ReadOnlyDisk(file)), options, lock)
    }

    /// The layout of the file, before an upgrade.
    pub fn layout(&self) -> u32 {
        self.layout
    }

    /// Opens a given disk; for tests with disks that fail.
    ///
    /// # Errors
    /// As [`RedbFile::open`].
    pub fn on(disk: impl Disk, options: &Options) -> Result<Self, OpenError> {
        Self::of(Arc::new(disk), options, None)
    }

    fn of(disk: Arc<dyn Disk>, options: &Options, lock: Option<folder::FolderLock>) -> Result<Self, OpenError> {
        let open = open::open(&*disk, options)?;
        let layout = guarded(|| open::initialize(&open.database))?;
        Ok(RedbFile { disk, open, options: options.clone(), layout, lock })
    }

    /// Returns whether the store is empty and was never written.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn is_unused(&self) -> Result<bool, OpenError> {
        guarded(|| {
            let txn = self.open.database.begin_read().map_err(store_error)?;
            let rows = txn.open_table(ROWS).map_err(store_error)?.len().map_err(store_error)?;
            let log = txn.open_table(LOG).map_err(store_error)?.len().map_err(store_error)?;
            Ok(rows + log == 0)
        })
    }

    /// Returns the wrapped keyring in the file.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn keyring(&self) -> Result<Option<Bytes>, OpenError> {
        guarded(|| {
            let txn = self.open.database.begin_read().map_err(store_error)?;
            let rows = txn.open_table(ROWS).map_err(store_error)?;
            let key = match self.layout {
                upgrade::FROM => upgrade::keyring(),
                _ => keys::keyring(),
            };
            let Some(row) = rows.get(&*key).map_err(store_error)? else { return Ok(None) };
            let header = if self.layout == upgrade::FROM { upgrade::HEADER } else { Authenticator::ROW_HEADER };
            Ok(Some(Bytes::copy_from_slice(row.value().get(header..).unwrap_or_default())))
        })
    }

    /// Starts the store; the authenticator checks every row. If another version of Bailiwick counted its rows, with other
    /// decisive kinds, checks that no row at all is missing and counts the rows again.
    ///
    /// # Errors
    /// [`OpenError::Corrupt`] if the file has the layout without authenticated rows, or its log does not end as it
    /// should. [`Incomplete`](bailiwick_storage::StoreError::Incomplete) if rows are missing from a store that another version counted.
    pub fn start(self, authenticator: Authenticator) -> Result<RedbStore, OpenError> {
        if self.layout < AUTHENTICATED {
            let why = format!("it has layout {} and the keys of layout {LAYOUT}", self.layout);
            return Err(OpenError::Corrupt(why));
        }
        let mut state = guarded(|| open::state(&self.open.database, &authenticator))?;
        if !state.is_current() {
            state = guarded(|| upgrade::count_again(&self.open.database, &authenticator, state))?;
        }
        self.run(authenticator, state)
    }

    /// Starts a store of layout 1: authenticates the existing rows and replaces the wrapped keyring by one with a key
    /// for rows, in one durable transaction.
    ///
    /// # Errors
    /// [`OpenError::Corrupt`] if the file does not have layout 1; errors of reading and writing.
    pub fn upgrade(self, authenticator: Authenticator, keyring: &[u8]) -> Result<RedbStore, OpenError> {
        if self.layout != upgrade::FROM {
            let why = format!("it has layout {} and the keys of layout {}", self.layout, upgrade::FROM);
            return Err(OpenError::Corrupt(why));
        }
        let state = guarded(|| upgrade::run(&self.open.database, &authenticator, keyring))?;
        self.run(authenticator, state)
    }

    /// Starts a store in which rows are missing or out of date, and accepts the existing rows as complete. Damaged rows
    /// stay damaged.
    ///
    /// # Errors
    /// As [`RedbFile::start`].
    pub fn start_accepting_damage(self, authenticator: Authenticator) -> Result<RedbStore, OpenError> {
        if self.layout < AUTHENTICATED {
            return self.start(authenticator);
        }
        let state = guarded(|| upgrade::recount(&self.open.database, &authenticator))?;
        self.run(authenticator, state)
    }

    fn run(self, authenticator: Authenticator, state: StoreState) -> Result<RedbStore, OpenError> {
        let RedbFile { disk, open, options, lock, .. } = self;
        let (handles, newest) = watch::channel(0);
        let tables = ArcSwap::from_pointee(guarded(|| Tables::newest(&open.database, 0, Some(open.tracker.clone())))?);
        let (queue, jobs) = mpsc::channel(options.queue.max(1));
        let authenticates = authenticator.clone();
        let view = RedbView { state, authenticator: authenticates, tables, handles: newest, jobs: queue.downgrade() };
        let feed = Feed::new(state.head, options.recent, options.recent_bytes);
        let shared = Shared { current: ArcSwap::from_pointee(view), feed, health: ArcSwapOption::empty() };
        let shared = Arc::new(shared);
        let writer = Writer::new(shared.clone(), authenticator, disk, options, handles, open, state);
        let writer = writer.spawn(jobs)?;
        Ok(RedbStore { shared, queue: Some(queue), writer: Some(writer), _lock: lock })
    }
}
