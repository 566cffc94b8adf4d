//! Opening a file: made safely if it is not there, refused with one clear line if it cannot be used.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use bailiwick_storage::{Authenticator, Revision, StoreError, StoreState};
use redb::{
    Builder, Database, DatabaseError, ReadableDatabase, ReadableTable, ReadableTableMetadata, StorageError, TableError,
};

use crate::{
    ABOUT, LOG, Options, ROWS,
    disk::{Disk, FileIo, Watch, Watched},
    files,
    guarded::{Handle, guarded, store_error},
    log,
    writer::{cause, durable},
};

/// The layout of the tables that this version writes, and the newest that it reads.
pub(crate) const LAYOUT: u32 = 2;
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
    /// Others could look into the store.
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
    /// The file is no store, not a whole one, or not what Bailiwick left.
    #[error("the store is damaged: {0}; restore a backup")]
    Corrupt(String),
    /// Anything else that the store says.
    #[error("{}", cause(.0))]
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
            DatabaseError::Storage(StorageError::Io(error))
                if matches!(error.kind(), io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof) =>
            {
                OpenError::Corrupt(error.to_string())
            }
            DatabaseError::UpgradeRequired(version) => {
                OpenError::Corrupt(format!("its file has version {version}, which no version of Bailiwick wrote"))
            }
            error => OpenError::Store(store_error(error)),
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

/// A file that is open, and what is known of its disk.
pub(crate) struct Open {
    pub(crate) database: Handle,
    pub(crate) watch: Arc<Watch>,
}

/// Opens what is on a disk; makes it if there is nothing.
pub(crate) fn open(disk: &dyn Disk, options: &Options) -> Result<Open, OpenError> {
    let failed = |error: io::Error| OpenError::Store(StoreError::Backend(Box::new(error)));
    let (watched, watch) = Watched::new(disk.open().map_err(failed)?).map_err(failed)?;
    let database = guarded(|| builder(options).create_with_backend(watched).map_err(OpenError::from))?;
    watch.opened();
    Ok(Open { database: Handle::new(database), watch })
}

pub(crate) fn builder(options: &Options) -> Builder {
    let mut builder = Database::builder();
    builder.set_cache_size(options.cache_bytes);
    builder.set_repair_callback(|repair| {
        tracing::warn!(progress = repair.progress(), "the store was not closed and is being repaired");
    });
    builder
}

/// Makes the file if it is not there: under another name, and moved here when it is whole, so that a crash in between
/// leaves nothing that looks like a store.
pub(crate) fn make(path: &Path, options: &Options) -> Result<(), OpenError> {
    if !path.try_exists().map_err(|error| OpenError::io(path, error))? {
        let unfinished = path.with_extension("new");
        // INVARIANT: the folder is locked by this process, so nobody else is making one.
        match std::fs::remove_file(&unfinished) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(OpenError::io(&unfinished, error)),
            _ => {}
        }
        let file = files::private().create_new(true).open(&unfinished);
        let file = file.map_err(|error| OpenError::io(&unfinished, error))?;
        let database = builder(options).create_with_backend(FileIo(file))?;
        set_layout(&database)?;
        drop(database);
        std::fs::rename(&unfinished, path).map_err(|error| OpenError::io(path, error))?;
        files::sync_dir(files::parent(path))?;
    }
    files::refuse_exposed(path)?;
    if std::fs::metadata(path).map_err(|error| OpenError::io(path, error))?.len() == 0 {
        return Err(OpenError::Corrupt("its file is empty".into()));
    }
    Ok(())
}

/// The layout of the tables; none if there are none yet.
pub(crate) fn layout(database: &Database) -> Result<Option<u32>, OpenError> {
    let txn = database.begin_read().map_err(store_error)?;
    let about = match txn.open_table(ABOUT) {
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

/// Makes the tables, and says which layout they have.
fn set_layout(database: &Database) -> Result<(), StoreError> {
    let txn = durable(database)?;
    txn.open_table(ROWS).map_err(store_error)?;
    txn.open_table(LOG).map_err(store_error)?;
    write_layout(&txn)?;
    txn.commit().map_err(store_error)
}

pub(crate) fn write_layout(txn: &redb::WriteTransaction) -> Result<(), StoreError> {
    txn.open_table(ABOUT).map_err(store_error)?.insert(LAYOUT_KEY, LAYOUT).map_err(store_error)?;
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

/// What a store says of itself, read from the end of its log.
pub(crate) fn state(database: &Database, authenticator: &Authenticator) -> Result<StoreState, StoreError> {
    let txn = database.begin_read().map_err(store_error)?;
    let table = txn.open_table(LOG).map_err(store_error)?;
    let Some((revision, entry)) = table.last().map_err(store_error)? else {
        if txn.open_table(ROWS).map_err(store_error)?.len().map_err(store_error)? > 0 {
            return Err(StoreError::Corrupt("it has rows and no change log".into()));
        }
        return Ok(StoreState::default());
    };
    let revision = Revision::new(revision.value());
    let (_, sealed) = log::decode(authenticator, revision, entry.value())?;
    let state = StoreState::open(authenticator, &sealed)?;
    if state.head != revision {
        return Err(StoreError::Corrupt("its change log has another end than it had".into()));
    }
    Ok(state)
}
