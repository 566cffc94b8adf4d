//! Opens a file: creates it safely if it does not exist, and refuses one that cannot be used.

use std::{io, path::Path, sync::Arc};

use bailiwick_storage::{Authenticator, Revision, StoreError, StoreState, decode_log_entry};
use redb::{Builder, Database, ReadableDatabase, ReadableTable, ReadableTableMetadata, TableError, WriteTransaction};

use crate::{
    LOG, METADATA, Options, ROWS,
    disk::{Disk, DiskTracker, FileIo, TrackedDisk},
    error::OpenError,
    folder,
    guarded::{Handle, guarded, store_error},
};

/// The layout of the tables that this version writes, and the newest that it reads.
pub(crate) const LAYOUT: u32 = 3;
/// The first layout with authenticated rows.
pub(crate) const AUTHENTICATED: u32 = 2;
const LAYOUT_KEY: &str = "layout";

/// An open file, and the tracker of its disk.
pub(crate) struct OpenFile {
    pub(crate) database: Handle,
    pub(crate) tracker: Arc<DiskTracker>,
}

/// Opens the database on a disk; creates it if the disk is empty.
pub(crate) fn open(disk: &dyn Disk, options: &Options) -> Result<OpenFile, OpenError> {
    let failed = |error: io::Error| OpenError::Store(StoreError::Backend(Box::new(error)));
    let (tracked, tracker) = TrackedDisk::new(disk.open().map_err(failed)?).map_err(failed)?;
    let database = guarded(|| builder(options).create_with_backend(tracked).map_err(OpenError::from))?;
    tracker.opened();
    Ok(OpenFile { database: Handle::new(database), tracker })
}

/// Begins a transaction with all guarantees that an acknowledged commit has.
pub(crate) fn begin_durable(database: &Database) -> Result<WriteTransaction, StoreError> {
    let mut txn = database.begin_write().map_err(store_error)?;
    // Durability::Immediate is redb's default. Two phases: a commit slot is never half written, whatever the disk
    // does. Quick repair: reopening after a crash does not walk the file.
    txn.set_two_phase_commit(true);
    txn.set_quick_repair(true);
    Ok(txn)
}

pub(crate) fn builder(options: &Options) -> Builder {
    let mut builder = Database::builder();
    builder.set_cache_size(options.cache_bytes);
    builder.set_repair_callback(|repair| {
        tracing::warn!(progress = repair.progress(), "the store was not closed and is being repaired");
    });
    builder
}

/// Creates the file if it does not exist: under another name, which is renamed when it is complete, so that a crash
/// never leaves an incomplete store.
pub(crate) fn make(path: &Path, options: &Options) -> Result<(), OpenError> {
    if !path.try_exists().map_err(|error| OpenError::io(path, error))? {
        let unfinished = path.with_extension("new");
        // INVARIANT: this process has locked the folder, so no other process creates the file.
        match std::fs::remove_file(&unfinished) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(OpenError::io(&unfinished, error)),
            _ => {}
        }
        let file = folder::private().create_new(true).open(&unfinished);
        let file = file.map_err(|error| OpenError::io(&unfinished, error))?;
        let database = builder(options).create_with_backend(FileIo(file))?;
        set_layout(&database)?;
        drop(database);
        std::fs::rename(&unfinished, path).map_err(|error| OpenError::io(path, error))?;
        folder::sync_dir(folder::parent(path))?;
    }
    folder::refuse_exposed(path)?;
    if std::fs::metadata(path).map_err(|error| OpenError::io(path, error))?.len() == 0 {
        return Err(OpenError::Corrupt("its file is empty".into()));
    }
    Ok(())
}

/// Returns the layout of the tables; `None` if there are none yet.
pub(crate) fn layout(database: &Database) -> Result<Option<u32>, OpenError> {
    let txn = database.begin_read().map_err(store_error)?;
    let about = match txn.open_table(METADATA) {
        Err(TableError::TableDoesNotExist(_)) => return Ok(None),
        about => about.map_err(store_error)?,
    };
    let found = about.get(LAYOUT_KEY).map_err(store_error)?.map(|layout| layout.value());
    match found {
        Some(found) if found > LAYOUT => Err(OpenError::Newer { found, known: LAYOUT }),
        Some(0) => Err(OpenError::Corrupt("layout 0 was never written".into())),
        found => Ok(found),
    }
}

/// Creates the tables and writes their layout.
fn set_layout(database: &Database) -> Result<(), StoreError> {
    let txn = begin_durable(database)?;
    txn.open_table(ROWS).map_err(store_error)?;
    txn.open_table(LOG).map_err(store_error)?;
    write_layout(&txn)?;
    txn.commit().map_err(store_error)
}

pub(crate) fn write_layout(txn: &WriteTransaction) -> Result<(), StoreError> {
    txn.open_table(METADATA).map_err(store_error)?.insert(LAYOUT_KEY, LAYOUT).map_err(store_error)?;
    Ok(())
}

/// Makes the tables on a disk that has none.
pub(crate) fn initialize(database: &Database) -> Result<u32, OpenError> {
    match layout(database)? {
        Some(found) => Ok(found),
        None => {
            set_layout(database)?;
            Ok(LAYOUT)
        }
    }
}

/// Reads the state of the store from the end of its log.
pub(crate) fn state(database: &Database, authenticator: &Authenticator) -> Result<StoreState, StoreError> {
    let txn = database.begin_read().map_err(store_error)?;
    let table = txn.open_table(LOG).map_err(store_error)?;
    let Some((revision, entry)) = table.last().map_err(store_error)? else {
        if txn.open_table(ROWS).map_err(store_error)?.len().map_err(store_error)? > 0 {
            return Err(StoreError::Corrupt("it has rows but no change log".into()));
        }
        return Ok(StoreState::default());
    };
    let revision = Revision::new(revision.value());
    let (_, sealed) = decode_log_entry(authenticator, revision, entry.value())?;
    let state = StoreState::open(authenticator, &sealed)?;
    if state.head != revision {
        return Err(StoreError::Corrupt("its change log does not end with the last commit".into()));
    }
    Ok(state)
}
