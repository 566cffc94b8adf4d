//! Opens the embedded store.

use std::sync::Arc;

use bailiwick_storage_redb::{OpenError, Options as Settings, RedbStore};

use crate::failure::Failure;
use crate::options::StoreOptions;

/// Bytes of the store's pages that are kept in memory.
const CACHE: usize = 64 * 1024 * 1024;

/// Opens the store, and makes it if it is not there.
pub(crate) fn open(options: &StoreOptions) -> Result<Arc<RedbStore>, Failure> {
    let settings = Settings { cache_bytes: CACHE, ..Settings::default() };
    let folder = options.data_dir.display();
    RedbStore::open(&options.data_dir, &settings).map(Arc::new).map_err(|error| match error {
        OpenError::InUse(_) => {
            Failure::new(format!("the store in {folder} is in use: stop the server that holds it first"))
        }
        error => Failure::new(format!("cannot open the store in {folder}: {error}")),
    })
}
