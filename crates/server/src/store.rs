//! The embedded store: opening it, and what is measured of it.

use std::sync::Arc;

use bailiwick_service::Service;
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

/// Registers what the store and what is written to it look like.
pub(crate) fn measure(options: &StoreOptions, redb: &Arc<RedbStore>, service: &Arc<Service>) {
    let metrics = service.metrics();
    let file = RedbStore::file(&options.data_dir);
    metrics.gauge("bailiwick_store_size_bytes", "Size of the store's file on disk.", &[], move |samples| {
        if let Ok(found) = std::fs::metadata(&file) {
            samples.add(&[], found.len() as f64);
        }
    });
    // The service has the metrics, and must not be held by them.
    let parts = Arc::downgrade(service);
    metrics.gauge("bailiwick_store_revision", "Revision that decisions are made at.", &[], move |samples| {
        if let Some(service) = parts.upgrade()
            && let Ok(snapshot) = service.parts().snapshots.current()
        {
            samples.add(&[], snapshot.revision().number() as f64);
        }
    });
    let (redb, parts) = (Arc::downgrade(redb), Arc::downgrade(service));
    metrics.gauge("bailiwick_queue_length", "What waits to be written, by queue.", &["queue"], move |samples| {
        if let Some(redb) = redb.upgrade() {
            samples.add(&["store"], redb.queued() as f64);
        }
        if let Some(service) = parts.upgrade() {
            samples.add(&["audit"], service.parts().recorder.queued() as f64);
        }
    });
}
