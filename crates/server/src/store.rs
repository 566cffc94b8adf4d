//! The embedded store: its file, the snapshots for decisions, and its metrics.

use std::path::Path;
use std::sync::Arc;

use bailiwick_model::Partition;
use bailiwick_seal::Keyring;
use bailiwick_service::Service;
use bailiwick_snapshot::{SnapshotError, Snapshots};
use bailiwick_storage::{Authenticator, Store, StoreError};
use bailiwick_storage_redb::{OpenError, Options as Settings, RedbFile, RedbStore};

use crate::failure::Failure;
use crate::open_store::OpenStore;
use crate::options::StoreOptions;

/// The size of the page cache in bytes.
const CACHE: usize = 64 * 1024 * 1024;

/// The settings of the embedded store.
pub(crate) fn settings() -> Settings {
    Settings { cache_bytes: CACHE, ..Settings::default() }
}

/// Opens or creates the store's file. Its content is not authenticated yet.
pub(crate) fn open(options: &StoreOptions) -> Result<RedbFile, Failure> {
    open_folder(&options.data_dir)
}

/// Opens the store's file in a folder, and creates it if it does not exist.
pub(crate) fn open_folder(data_dir: &Path) -> Result<RedbFile, Failure> {
    let folder = data_dir.display();
    RedbFile::open(data_dir, &settings()).map_err(|error| match error {
        OpenError::InUse(_) => {
            Failure::new(format!("the store in {folder} is in use: stop the server that holds it first"))
        }
        error => Failure::new(format!("cannot open the store in {folder}: {error}")),
    })
}

/// What to do about a store in which rows are missing or out of date.
pub(crate) fn incomplete(error: &StoreError) -> String {
    format!(
        "{error}: it was not changed by Bailiwick; restore a backup, or start once with --accept-damaged-store to accept the remaining rows"
    )
}

/// Returns the authenticator of the rows for these keys.
pub(crate) fn authenticator(keyring: &Keyring) -> Result<Authenticator, Failure> {
    let key = keyring.row_key().map_err(|e| Failure::new(e.to_string()))?;
    key.map(Authenticator::new).ok_or_else(|| Failure::new("the keyring has no key for the rows of the store"))
}

/// Builds the snapshot for decisions, if all rows that it needs are present.
pub(crate) async fn snapshots(store: &Arc<dyn Store>, partition: Partition) -> Result<Arc<Snapshots>, Failure> {
    let snapshots = Snapshots::start(Arc::clone(store), partition).await.map_err(|error| match error {
        SnapshotError::Incomplete(error) => Failure::new(incomplete(&error)),
        SnapshotError::Store(StoreError::Corrupt(why)) => {
            Failure::new(format!("the store is damaged: {why}; restore a backup"))
        }
        error => Failure::new(error.to_string()),
    })?;
    Ok(Arc::new(snapshots))
}

/// Registers the metrics of the store and its queues.
pub(crate) fn measure(options: &StoreOptions, open: &OpenStore, service: &Arc<Service>) {
    let metrics = service.metrics();
    if open.embedded().is_some() {
        let file = RedbStore::file(&options.data_dir);
        metrics.gauge("bailiwick_store_size_bytes", "Size of the store's file on disk.", &[], move |samples| {
            if let Ok(found) = std::fs::metadata(&file) {
                samples.add(&[], found.len() as f64);
            }
        });
    }
    // The service owns the metrics, so they hold it weakly.
    let parts = Arc::downgrade(service);
    metrics.gauge("bailiwick_store_revision", "Revision of the snapshot for decisions.", &[], move |samples| {
        if let Some(service) = parts.upgrade()
            && let Ok(snapshot) = service.parts().snapshots.current()
        {
            samples.add(&[], snapshot.revision().number() as f64);
        }
    });
    let (open, parts) = (open.downgrade(), Arc::downgrade(service));
    metrics.gauge("bailiwick_queue_length", "Items that wait to be written, by queue.", &["queue"], move |samples| {
        if let Some(queued) = open.queued() {
            samples.add(&["store"], queued as f64);
        }
        if let Some(service) = parts.upgrade() {
            samples.add(&["audit"], service.parts().recorder.queued() as f64);
        }
    });
    let parts = Arc::downgrade(service);
    let help = "Whether the store accepts changes: 1, or 0 while it cannot be written.";
    metrics.gauge("bailiwick_store_writable", help, &[], move |samples| {
        if let Some(service) = parts.upgrade() {
            samples.add(&[], if service.parts().store.health().refuses_changes.is_none() { 1.0 } else { 0.0 });
        }
    });
    let parts = Arc::downgrade(service);
    let help = "Damaged rows of the store found since the start; requests that depend on them are denied.";
    metrics.gauge("bailiwick_store_damaged_rows", help, &[], move |samples| {
        if let Some(service) = parts.upgrade() {
            samples.add(&[], service.parts().snapshots.damage().count() as f64);
        }
    });
}
