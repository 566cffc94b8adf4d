//! The jobs in the queue of the writer.

use bailiwick_storage::{Batch, Revision, StoreError};
use tokio::sync::oneshot;

/// Receives the outcome of a batch.
pub(crate) type Reply = oneshot::Sender<Result<Revision, StoreError>>;

/// A job for the writer.
#[derive(Debug)]
pub(crate) enum Job {
    Batch(Batch, Reply),
    /// Replace this handle, which failed for a reader.
    Replace(u64),
    Close(oneshot::Sender<()>),
}
