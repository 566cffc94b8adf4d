//! The data folder and what lies beside it: whether a store is there, and whether one was expected.
//!
//! A new store is made only where nothing says that there was one. A master key or a file of root credentials without a
//! store means that the data is missing, such as a volume that is not mounted: a new store in its place would look like
//! the old one with everything lost.

#[cfg(test)]
mod tests;

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use bailiwick_storage_redb::RedbStore;

use crate::failure::Failure;
use crate::master_key;
use crate::options::StoreOptions;

/// What a start finds in the place of the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expected {
    /// A store. Nothing may have been written to it, if a first start was interrupted.
    There,
    /// Nothing: a new store may be made.
    New,
}

/// A file or folder beside the data folder, with its name and this ending.
pub(crate) fn beside(data_dir: &Path, ending: &str) -> PathBuf {
    // A path such as `.` or `..` has no name of its own.
    let named = match data_dir.file_name() {
        Some(_) => data_dir.to_owned(),
        None => fs::canonicalize(data_dir).unwrap_or_else(|_| data_dir.to_owned()),
    };
    let mut name = named.file_name().unwrap_or_default().to_owned();
    name.push(ending);
    named.with_file_name(name)
}

/// Whether there is a store. Refuses a data folder that can't hold one.
pub(crate) fn has_store(data_dir: &Path) -> Result<bool, Failure> {
    let shown = data_dir.display();
    match fs::metadata(data_dir) {
        Ok(found) if found.is_dir() => RedbStore::exists(data_dir)
            .map_err(|e| Failure::new(format!("cannot look into the data folder {shown}: {e}"))),
        Ok(_) => Err(Failure::new(format!(
            "{shown} is a file and not a folder: --data-dir names the folder that the store is in"
        ))),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) if error.kind() == ErrorKind::NotADirectory => {
            Err(Failure::new(format!("there can't be a data folder {shown}: a part of this path is a file")))
        }
        Err(error) => Err(Failure::new(format!("cannot look at the data folder {shown}: {error}"))),
    }
}

/// Refuses to begin anew where a store is expected, unless `init` says to.
///
/// To be called before the store is opened: what is made later, an interrupted first start leaves behind.
pub(crate) fn expect_store(options: &StoreOptions, init: bool) -> Result<Expected, Failure> {
    let data_dir = options.data_dir.display();
    if has_store(&options.data_dir)? {
        if init {
            tracing::warn!(
                "--init does nothing, since there is a store: leave it out, or a lost data folder will go unnoticed"
            );
        }
        return Ok(Expected::There);
    }
    const ELSEWHERE: &str = "if the data is elsewhere (a volume that is not mounted, a folder that was moved), bring it back or name its folder with --data-dir; to begin anew with an empty store";
    let credentials = options.credentials_file();
    if is_there(&credentials)? {
        let file = credentials.display();
        return Err(Failure::new(format!(
            "there is no store in {data_dir}, but the root credentials {file} of an earlier one are there: {ELSEWHERE}, move that file away, which is never overwritten, and say --init"
        )));
    }
    let audit = options.data_dir.join("audit");
    if is_there(&audit)? {
        let folder = audit.display();
        return Err(Failure::new(format!(
            "there is no store in {data_dir}, but the audit records {folder} of an earlier one are there: {ELSEWHERE}, move that folder away, which another store never adds to, and say --init"
        )));
    }
    let key_file = options.key_file();
    let key = match master_key::given() {
        Some(_) => Some(format!("a master key is in {}", master_key::VARIABLE)),
        None => is_there(&key_file)?.then(|| format!("the master key {} is there", key_file.display())),
    };
    if let Some(key) = key.filter(|_| !init) {
        return Err(Failure::new(format!(
            "there is no store in {data_dir}, but {key}: {ELSEWHERE} under this key, say --init once"
        )));
    }
    let parent = options.data_dir.parent().filter(|parent| !parent.as_os_str().is_empty());
    match parent {
        Some(parent) if !parent.is_dir() => Err(Failure::new(format!(
            "cannot make the data folder {data_dir}: there is no folder {}; make it first",
            parent.display()
        ))),
        _ => Ok(Expected::New),
    }
}

/// Whether the path names anything, be it a link that leads nowhere.
fn is_there(path: &Path) -> Result<bool, Failure> {
    match fs::symlink_metadata(path) {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(Failure::new(format!("cannot look at {}: {error}", path.display()))),
    }
}
