//! Copies of a store: the rows at one revision, as they are stored, and a new file made of them.
//!
//! Rows are copied with their tags, and the sealed state with them. So a copy that was changed by a program without the
//! master key is refused when a file is made of it: a changed row, and a missing or additional one.

use std::{path::Path, sync::Arc};

use bailiwick_storage::{Authenticator, Revision, StoreError, StoreState, keys};
use bytes::Bytes;

use crate::{
    OpenError, Options, ROWS, RedbStore, STORE,
    disk::FileIo,
    folder,
    guarded::{Handle, guarded, store_error},
    open::{self, begin_durable},
    upgrade,
    view::RedbView,
};

/// About how many bytes of rows are read at once.
const CHUNK: usize = 256 << 10;

/// A row as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredRow {
    /// The key.
    pub key: Bytes,
    /// Tag, revision and value.
    pub stored: Bytes,
}

/// The store at one revision, to be copied. Pages that it shows are kept until it is dropped.
#[derive(Debug)]
pub struct BackupView(Arc<RedbView>);

impl RedbStore {
    /// The newest revision, to be copied while the store goes on being used.
    pub fn backup(&self) -> BackupView {
        BackupView(self.shared.current.load_full())
    }
}

impl BackupView {
    /// The revision that it shows.
    pub fn revision(&self) -> Revision {
        self.0.state.head
    }

    /// The number of rows.
    pub fn rows(&self) -> u64 {
        self.0.state.decisive.count() + self.0.state.other.count()
    }

    /// The state of the store at this revision, sealed.
    ///
    /// # Errors
    /// If cryptography is not available.
    pub fn sealed_state(&self) -> Result<Vec<u8>, StoreError> {
        self.0.state.seal(&self.0.authenticator)
    }

    /// The next rows after a key, in the order of their keys; none at the end.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] if a row is not what was written: the copy could not be used.
    pub async fn next(&self, after: Option<&[u8]>) -> Result<Vec<StoredRow>, StoreError> {
        use std::ops::Bound;
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        self.0
            .read(|tables| {
                let (mut rows, mut scratch, mut bytes) = (Vec::new(), Vec::new(), 0);
                for row in tables.rows.range::<&[u8]>((from, Bound::Unbounded)).map_err(store_error)? {
                    let (key, stored) = row.map_err(store_error)?;
                    let (key, stored) = (key.value(), stored.value());
                    if self.0.authenticator.open_row(key, stored, &mut scratch)?.value.is_none() {
                        return Err(StoreError::Damaged { key: Bytes::copy_from_slice(key) });
                    }
                    bytes += key.len() + stored.len();
                    rows.push(StoredRow { key: Bytes::copy_from_slice(key), stored: Bytes::copy_from_slice(stored) });
                    if bytes >= CHUNK {
                        break;
                    }
                }
                Ok(rows)
            })
            .await
    }
}

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
    if (state.decisive, state.other) != (expected.decisive, expected.other) {
        let [found, expected] = [state, expected].map(|state| state.decisive.count() + state.other.count());
        return Err(StoreError::Incomplete { expected, found }.into());
    }
    upgrade::begin_after_gap(&txn, authenticator, &StoreState { head: expected.head, ..state })?;
    txn.commit().map_err(store_error)?;
    Ok(())
}
