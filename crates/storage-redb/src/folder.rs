//! The folder and the file of a store: permissions, the lock, and durable names.

use std::{
    fs::{DirBuilder, File, OpenOptions, TryLockError},
    io,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

use crate::error::OpenError;

const LOCK: &str = "lock";

/// The lock of a folder, held until dropped.
#[derive(Debug)]
pub struct FolderLock {
    _file: File,
}

/// Creates the folder if necessary, refuses one that other users can access, and locks it. For servers whose store is
/// elsewhere, and for this crate's own.
///
/// # Errors
/// [`OpenError::InUse`], [`OpenError::Exposed`] and [`OpenError::Io`].
pub fn lock_folder(folder: &Path) -> Result<FolderLock, OpenError> {
    match DirBuilder::new().mode(0o700).create(folder) {
        Ok(()) => sync_dir(parent(folder))?,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(OpenError::io(folder, error)),
    }
    refuse_exposed(folder)?;
    let path = folder.join(LOCK);
    let file = private().create(true).open(&path).map_err(|error| OpenError::io(&path, error))?;
    refuse_exposed(&path)?;
    match file.try_lock() {
        Ok(()) => Ok(FolderLock { _file: file }),
        Err(TryLockError::WouldBlock) => Err(OpenError::InUse(folder.to_owned())),
        Err(TryLockError::Error(error)) => Err(OpenError::io(&path, error)),
    }
}

/// Refuses a folder that other users can access, and locks it without changing anything in it. A folder without a file to
/// lock, such as a copy, has no lock.
pub(crate) fn lock_unchanged(folder: &Path) -> Result<Option<FolderLock>, OpenError> {
    refuse_exposed(folder)?;
    let path = folder.join(LOCK);
    let file = match File::open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(OpenError::io(&path, error)),
    };
    match file.try_lock() {
        Ok(()) => Ok(Some(FolderLock { _file: file })),
        Err(TryLockError::WouldBlock) => Err(OpenError::InUse(folder.to_owned())),
        Err(TryLockError::Error(error)) => Err(OpenError::io(&path, error)),
    }
}

/// Options for files that are this user's alone.
pub(crate) fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true).mode(0o600);
    options
}

/// Refuses a path that the group or others can access.
pub(crate) fn refuse_exposed(path: &Path) -> Result<(), OpenError> {
    let metadata = std::fs::metadata(path).map_err(|error| OpenError::io(path, error))?;
    let mode = metadata.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(OpenError::Exposed { path: path.to_owned(), mode });
    }
    Ok(())
}

/// Makes the names in a folder durable.
pub(crate) fn sync_dir(folder: PathBuf) -> Result<(), OpenError> {
    File::open(&folder).and_then(|folder| folder.sync_all()).map_err(|error| OpenError::io(&folder, error))
}

pub(crate) fn parent(path: &Path) -> PathBuf {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    }
}
