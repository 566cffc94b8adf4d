//! The store of a server: a file of its own, or a database that servers share.

use std::path::Path;
use std::sync::{Arc, Weak};

use bailiwick_storage::{Authenticator, Store, StoreError, StoredRow};
use bailiwick_storage_redb::{FolderLock, OpenError, RedbFile, RedbStore};
use bailiwick_storage_remote::SharedStore;
use bytes::Bytes;

use crate::database::Database;

/// A store before its rows are authenticated.
pub(crate) enum StoreFile {
    Embedded(RedbFile),
    /// The database, and the lock of the data folder, which has the audit trail; none if nothing is changed.
    Shared(Database, Option<FolderLock>),
}

/// A store that is open, without keeping it open.
pub(crate) enum WeakStore {
    Embedded(Weak<RedbStore>),
    Shared(Weak<dyn SharedStore>),
}

impl WeakStore {
    /// How many batches wait for the writer; none once the store is closed.
    pub(crate) fn queued(&self) -> Option<usize> {
        match self {
            WeakStore::Embedded(redb) => redb.upgrade().map(|redb| redb.queued()),
            WeakStore::Shared(shared) => shared.upgrade().map(|shared| shared.queued()),
        }
    }
}

/// A store that is open.
#[derive(Clone)]
pub(crate) enum OpenStore {
    Embedded(Arc<RedbStore>),
    Shared { store: Arc<dyn SharedStore>, _lock: Arc<Option<FolderLock>> },
}

impl From<RedbFile> for StoreFile {
    fn from(file: RedbFile) -> Self {
        StoreFile::Embedded(file)
    }
}

impl StoreFile {
    /// Where it is, for messages.
    pub(crate) fn place(&self, data_dir: &Path) -> String {
        match self {
            StoreFile::Embedded(_) => data_dir.display().to_string(),
            StoreFile::Shared(database, _) => database.describe(),
        }
    }

    /// The layout of its rows, before an upgrade.
    pub(crate) fn layout(&self) -> u32 {
        match self {
            StoreFile::Embedded(file) => file.layout(),
            StoreFile::Shared(database, _) => database.layout(),
        }
    }

    /// Returns whether nothing was ever written to it.
    pub(crate) fn is_unused(&self) -> Result<bool, OpenError> {
        match self {
            StoreFile::Embedded(file) => file.is_unused(),
            StoreFile::Shared(database, _) => Ok(database.is_unused()),
        }
    }

    /// Returns the wrapped keyring in it.
    pub(crate) fn keyring(&self) -> Result<Option<Bytes>, OpenError> {
        match self {
            StoreFile::Embedded(file) => file.keyring(),
            StoreFile::Shared(database, _) => Ok(database.keyring()),
        }
    }

    /// Fills an unused database with the rows of a copy, completely or not at all. `epoch` is a random number.
    pub(crate) async fn fill(
        self,
        authenticator: &Authenticator,
        sealed_state: &[u8],
        epoch: i64,
        rows: impl Iterator<Item = Result<StoredRow, OpenError>>,
    ) -> Result<(), OpenError> {
        match self {
            StoreFile::Embedded(_) => Err(OpenError::Corrupt("it is not a database".into())),
            StoreFile::Shared(database, _) => {
                let rows = rows.map(|row| row.map_err(StoreError::from));
                database.restore(authenticator, sealed_state, epoch, rows).await
            }
        }
    }

    /// Returns it, unless other servers have confirmed within seconds that they use it.
    pub(crate) async fn unless_in_use(self) -> Option<Self> {
        match self {
            StoreFile::Shared(database, lock) => {
                database.unless_in_use().await.map(|database| StoreFile::Shared(database, lock))
            }
            file => Some(file),
        }
    }

    /// Starts the store; the authenticator checks every row.
    pub(crate) fn start(self, authenticator: Authenticator) -> Result<OpenStore, OpenError> {
        match self {
            StoreFile::Embedded(file) => file.start(authenticator).map(OpenStore::embedded_in),
            StoreFile::Shared(database, lock) => {
                Ok(OpenStore::Shared { store: database.start(authenticator)?, _lock: Arc::new(lock) })
            }
        }
    }

    /// Starts a store in which rows are missing, and accepts the others as complete.
    pub(crate) fn start_accepting_damage(self, authenticator: Authenticator) -> Result<OpenStore, OpenError> {
        match self {
            StoreFile::Embedded(file) => file.start_accepting_damage(authenticator).map(OpenStore::embedded_in),
            StoreFile::Shared(..) => {
                Err(OpenError::Corrupt("--accept-damaged-store is for embedded stores: restore the database".into()))
            }
        }
    }

    /// Starts a store whose rows are not authenticated yet.
    pub(crate) fn upgrade(self, authenticator: Authenticator, keyring: &[u8]) -> Result<OpenStore, OpenError> {
        match self {
            StoreFile::Embedded(file) => file.upgrade(authenticator, keyring).map(OpenStore::embedded_in),
            StoreFile::Shared(..) => Err(OpenError::Corrupt("its keyring has no key for rows".into())),
        }
    }
}

impl OpenStore {
    fn embedded_in(store: RedbStore) -> Self {
        OpenStore::Embedded(Arc::new(store))
    }

    /// The store, as all other parts use it.
    pub(crate) fn store(&self) -> Arc<dyn Store> {
        match self {
            OpenStore::Embedded(redb) => Arc::<RedbStore>::clone(redb),
            OpenStore::Shared { store, .. } => Arc::<dyn SharedStore>::clone(store),
        }
    }

    /// The store, if it is embedded.
    pub(crate) fn embedded(&self) -> Option<&Arc<RedbStore>> {
        match self {
            OpenStore::Embedded(redb) => Some(redb),
            OpenStore::Shared { .. } => None,
        }
    }

    /// The same store, without keeping it open.
    pub(crate) fn downgrade(&self) -> WeakStore {
        match self {
            OpenStore::Embedded(redb) => WeakStore::Embedded(Arc::downgrade(redb)),
            OpenStore::Shared { store, .. } => WeakStore::Shared(Arc::downgrade(store)),
        }
    }

    /// Finishes the queued batches and closes the store.
    pub(crate) async fn close(&self) {
        match self {
            OpenStore::Embedded(redb) => redb.close().await,
            OpenStore::Shared { store, .. } => store.close().await,
        }
    }
}
