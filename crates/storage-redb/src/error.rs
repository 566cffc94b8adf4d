//! The reasons why a store cannot be opened.

use std::{
    io,
    path::{Path, PathBuf},
};

use bailiwick_storage::StoreError;
use redb::{DatabaseError, StorageError};

use crate::{
    STORE,
    guarded::{cause, store_error},
};

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
    /// Other users can access the store.
    #[error("{} can be accessed by other users (mode {mode:03o}): remove the permissions of group and others", path.display())]
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
    #[error("the store was written by a newer version of Bailiwick (layout {found}, this version supports {known})")]
    Newer {
        /// The layout found.
        found: u32,
        /// The newest supported layout.
        known: u32,
    },
    /// The file is damaged or is not a store.
    #[error("the store is damaged: {0}; restore a backup")]
    Corrupt(String),
    /// Another error of the store.
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
            DatabaseError::DatabaseAlreadyOpen => OpenError::InUse(PathBuf::from(STORE)),
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

impl From<OpenError> for StoreError {
    fn from(error: OpenError) -> Self {
        match error {
            OpenError::Store(error) => error,
            OpenError::Corrupt(why) => StoreError::Corrupt(why),
            error => StoreError::Backend(Box::new(error)),
        }
    }
}
