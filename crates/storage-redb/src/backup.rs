//! Makes the file of a store of the rows of a copy.

use std::path::Path;

use bailiwick_storage::{Authenticator, StoreState, StoredRow, keys};

use crate::{
    OpenError, Options, ROWS, STORE,
    disk::FileIo,
    folder,
    guarded::{Handle, guarded, store_error},
    open::{self, begin_durable},
    upgrade,
};

/// Makes the file of a store in a folder from the rows of a copy, in the order of their keys. The folder is created if it is
/// not there, and must not have a store. Revisions after the copy's are left out, since the store that it was made of may
/// have used them.
///
/// # Errors
/// [`OpenError::Corrupt`] if the rows are not those of the sealed state; errors of the files.
pub fn restore(
    folder: &Path,
    options: &Options,
    authenticator: &Authenticator,
    sealed_state: &[u8],
    rows: impl Iterator<Item = Result<StoredRow, OpenError>>,
) -> Result<(), OpenError> {
    let _lock = folder::lock_folder(folder)?;
    let file = folder.join(STORE);
    if file.try_exists().map_err(|error| OpenError::io(&file, error))? {
        let error = std::io::Error::from(std::io::ErrorKind::AlreadyExists);
        return Err(OpenError::io(&file, error));
    }
    let expected = StoreState::open(authenticator, sealed_state)?;
    let unfinished = file.with_extension("new");
    let created = folder::private().create_new(true).open(&unfinished);
    let created = created.map_err(|error| OpenError::io(&unfinished, error))?;
    guarded(|| {
        let database = Handle::new(open::builder(options).create_with_backend(FileIo(created))?);
        open::initialize(&database)?;
        fill(&database, authenticator, expected, rows)
    })?;
    std::fs::rename(&unfinished, &file).map_err(|error| OpenError::io(&file, error))?;
    folder::sync_dir(folder.to_owned())
}

fn fill(
    database: &Handle,
    authenticator: &Authenticator,
    expected: StoreState,
    rows: impl Iterator<Item = Result<StoredRow, OpenError>>,
) -> Result<(), OpenError> {
    let txn = begin_durable(database)?;
    let mut state = StoreState::default();
    {
        let mut table = txn.open_table(ROWS).map_err(store_error)?;
        let mut scratch = Vec::new();
        for row in rows {
            let StoredRow { key, stored } = row?;
            let opened = authenticator.open_row(&key, &stored, &mut scratch)?;
            if opened.value.is_none() {
                return Err(OpenError::Corrupt(format!("{} is not what was written", keys::describe(&key))));
            }
            state.change(authenticator, &key, None, Some(opened.revision));
            if table.insert(&*key, &*stored).map_err(store_error)?.is_some() {
                return Err(OpenError::Corrupt(format!("{} is there twice", keys::describe(&key))));
            }
        }
    }
    state.refuse_other_rows(&expected)?;
    upgrade::begin_after_gap(&txn, authenticator, &StoreState { head: expected.head, ..state })?;
    txn.commit().map_err(store_error)?;
    Ok(())
}
