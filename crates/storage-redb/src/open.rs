//! Opening a file: made safely if it is not there, refused with one clear line if it cannot be used.

use std::{
    io,
    path::{Path, PathBuf},
};

use bailiwick_storage::{Revision, StoreError};
use redb::{Builder, Database, DatabaseError, ReadableDatabase, ReadableTable, StorageError, backends::FileBackend};

use crate::{ABOUT, LOG, Options, ROWS, files, writer::durable};

/// The layout of the tables that this version writes, and the newest that it reads.
const LAYOUT: u32 = 1;
const LAYOUT_KEY: &str = "layout";

/// Why a store cannot be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// A file or folder cannot be used.
    #[error("{} cannot be used: {source}", path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Somebody else could look into the store.
    #[error("{} is open to others (mode {mode:03o}): take away the rights of group and others first", path.display())]
    Exposed {
        /// Which file or folder.
        path: PathBuf,
        /// Its mode.
        mode: u32,
    },
    /// Another process has the store.
    #[error("{} is in use by another process", .0.display())]
    InUse(PathBuf),
    /// A newer version wrote the store.
    #[error("the store was written by a newer version of Bailiwick (layout {found}, this version knows {known})")]
    Newer {
        /// The layout found.
        found: u32,
        /// The newest layout known.
        known: u32,
    },
    /// The file is no store, or not a whole one.
    #[error("the store is damaged: {0}")]
    Corrupt(String),
    /// Anything else that the store says.
    #[error("the store cannot be opened: {0}")]
    Store(#[source] StoreError),
}

impl OpenError {
    pub(crate) fn io(path: &Path, source: io::Error) -> Self {
        OpenError::Io { path: path.to_owned(), source }
    }
}

impl From<DatabaseError> for OpenError {
    fn from(error: DatabaseError) -> Self {
        match error {
            DatabaseError::DatabaseAlreadyOpen => OpenError::InUse(PathBuf::from(files::STORE)),
            DatabaseError::Storage(StorageError::Corrupted(why)) => OpenError::Corrupt(why),
            DatabaseError::Storage(StorageError::Io(error)) if error.kind() == io::ErrorKind::InvalidData => {
                OpenError::Corrupt(error.to_string())
            }
            DatabaseError::UpgradeRequired(version) => {
                OpenError::Corrupt(format!("its file has version {version}, which no version of Bailiwick wrote"))
            }
            error => OpenError::Store(StoreError::Backend(Box::new(error))),
        }
    }
}

impl From<StoreError> for OpenError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Corrupt(why) => OpenError::Corrupt(why),
            StoreError::Newer { found, known } => OpenError::Newer { found, known },
            error => OpenError::Store(error),
        }
    }
}

pub(crate) fn builder(options: &Options) -> Builder {
    let mut builder = Database::builder();
    builder.set_cache_size(options.cache_bytes);
    builder.set_repair_callback(|repair| {
        tracing::warn!(progress = repair.progress(), "the store was not closed and is being repaired");
    });
    builder
}

/// Opens the file, or makes it under another name and moves it here when it is whole: a crash in between leaves
/// nothing that looks like a store.
pub(crate) fn open_file(path: &Path, options: &Options) -> Result<Database, OpenError> {
    if !path.try_exists().map_err(|error| OpenError::io(path, error))? {
        let unfinished = path.with_extension("new");
        // INVARIANT: the folder is locked by this process, so nobody else is making one.
        match std::fs::remove_file(&unfinished) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(OpenError::io(&unfinished, error)),
            _ => {}
        }
        let file = files::private().create_new(true).open(&unfinished);
        let file = file.map_err(|error| OpenError::io(&unfinished, error))?;
        let database = create(FileBackend::new(file)?, options)?;
        check_layout(&database)?;
        drop(database);
        std::fs::rename(&unfinished, path).map_err(|error| OpenError::io(path, error))?;
        files::sync_dir(files::parent(path))?;
    }
    files::refuse_exposed(path)?;
    let file = files::private().open(path).map_err(|error| OpenError::io(path, error))?;
    if file.metadata().map_err(|error| OpenError::io(path, error))?.len() == 0 {
        return Err(OpenError::Corrupt("its file is empty".into()));
    }
    create(FileBackend::new(file)?, options)
}

fn create(backend: FileBackend, options: &Options) -> Result<Database, OpenError> {
    Ok(builder(options).create_with_backend(backend)?)
}

/// Says which layout the tables have if nobody has yet; refuses one that this version does not know.
pub(crate) fn check_layout(database: &Database) -> Result<(), OpenError> {
    let txn = durable(database)?;
    {
        let mut about = txn.open_table(ABOUT).map_err(crate::store_error)?;
        let found = about.get(LAYOUT_KEY).map_err(crate::store_error)?.map(|layout| layout.value());
        match found {
            Some(LAYOUT) => return Ok(()),
            Some(found) if found > LAYOUT => return Err(OpenError::Newer { found, known: LAYOUT }),
            Some(found) => return Err(OpenError::Corrupt(format!("layout {found} was never written"))),
            None => {}
        }
        about.insert(LAYOUT_KEY, LAYOUT).map_err(crate::store_error)?;
        txn.open_table(ROWS).map_err(crate::store_error)?;
        txn.open_table(LOG).map_err(crate::store_error)?;
    }
    txn.commit().map_err(crate::store_error)?;
    Ok(())
}

/// The revision after which the log is complete, and the newest.
pub(crate) fn log_bounds(database: &Database) -> Result<(Revision, Revision), StoreError> {
    let txn = database.begin_read().map_err(crate::store_error)?;
    let log = txn.open_table(LOG).map_err(crate::store_error)?;
    let first = log.first().map_err(crate::store_error)?.map(|(revision, _)| revision.value());
    let last = log.last().map_err(crate::store_error)?.map(|(revision, _)| revision.value());
    match (first, last) {
        (Some(first), Some(last)) => Ok((Revision::new(first.saturating_sub(1)), Revision::new(last))),
        _ => Ok((Revision::ZERO, Revision::ZERO)),
    }
}
