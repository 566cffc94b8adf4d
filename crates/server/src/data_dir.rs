//! The data folder and the files next to it: whether a store exists, and whether one was expected.
//!
//! A new store is created only where nothing indicates an earlier one. A master key or a file of root credentials
//! without a store means that the data is missing, for example because a volume is not mounted.

#[cfg(test)]
mod tests;

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use bailiwick_storage_redb::RedbStore;

use crate::failure::Failure;
use crate::master_key::{self, MasterKeySource};
use crate::options::StoreOptions;

/// What a start finds in the data folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expected {
    /// A store, which may be empty if a first start was interrupted.
    There,
    /// No store; a new one may be created.
    New,
}

/// Returns whether a store exists. Refuses a data folder that cannot hold one.
pub(crate) fn has_store(data_dir: &Path) -> Result<bool, Failure> {
    let shown = data_dir.display();
    match fs::metadata(data_dir) {
        Ok(found) if found.is_dir() => RedbStore::exists(data_dir)
            .map_err(|e| Failure::new(format!("cannot look into the data folder {shown}: {e}"))),
        Ok(_) => Err(Failure::new(format!("{shown} is a file: --data-dir expects the folder of the store"))),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) if error.kind() == ErrorKind::NotADirectory => {
            Err(Failure::new(format!("cannot use the data folder {shown}: a part of this path is a file")))
        }
        Err(error) => Err(Failure::new(format!("cannot look at the data folder {shown}: {error}"))),
    }
}

/// Refuses to create a store where one is expected, unless `init` is set.
///
/// Call this before the store is opened: later files may come from an interrupted first start.
pub(crate) fn expect_store(options: &StoreOptions, init: bool) -> Result<Expected, Failure> {
    let exists = has_store(&options.data_dir)?;
    expect(options, &format!("in {}", options.data_dir.display()), exists, init)
}

/// As [`expect_store`], for a store at a place, which exists or not.
pub(crate) fn expect(options: &StoreOptions, place: &str, exists: bool, init: bool) -> Result<Expected, Failure> {
    let data_dir = options.data_dir.display();
    if exists {
        if init {
            tracing::warn!(
                "--init has no effect, since a store exists: remove it, or a lost data folder will go unnoticed"
            );
        }
        return Ok(Expected::There);
    }
    const ELSEWHERE: &str = "if the data is elsewhere (an unmounted volume, a moved folder), restore it or name its folder with --data-dir; to start with an empty store";
    let credentials = options.credentials_file();
    if is_there(&credentials)? {
        let file = credentials.display();
        return Err(Failure::new(format!(
            "there is no store {place}, but the root credentials {file} of an earlier store exist: {ELSEWHERE}, move that file away, since it is never overwritten, and give --init"
        )));
    }
    let audit = options.data_dir.join("audit");
    if is_there(&audit)? {
        let folder = audit.display();
        return Err(Failure::new(format!(
            "there is no store {place}, but the audit records {folder} of an earlier store exist: {ELSEWHERE}, move that folder away, since another store never appends to it, and give --init"
        )));
    }
    let key = match options.key_source()? {
        MasterKeySource::Variable => Some(format!("a master key is in {}", master_key::VARIABLE)),
        MasterKeySource::Command(_) => Some("--master-key-command gives a master key".to_owned()),
        MasterKeySource::File(file) => is_there(&file)?.then(|| format!("the master key {} exists", file.display())),
    };
    if let Some(key) = key.filter(|_| !init) {
        return Err(Failure::new(format!(
            "there is no store {place}, but {key}: {ELSEWHERE} under this key, give --init once"
        )));
    }
    let parent = options.data_dir.parent().filter(|parent| !parent.as_os_str().is_empty());
    match parent {
        Some(parent) if !parent.is_dir() => Err(Failure::new(format!(
            "cannot create the data folder {data_dir}: the folder {} does not exist; create it first",
            parent.display()
        ))),
        _ => Ok(Expected::New),
    }
}

/// Returns whether the path exists, even as a dangling link.
fn is_there(path: &Path) -> Result<bool, Failure> {
    match fs::symlink_metadata(path) {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(Failure::new(format!("cannot look at {}: {error}", path.display()))),
    }
}
