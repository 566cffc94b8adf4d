//! What the writer does, and how it answers.

use bailiwick_storage::{Batch, Revision, StoreError};
use tokio::sync::oneshot;

pub(crate) type Reply = oneshot::Sender<Result<Revision, StoreError>>;
pub(crate) type Group = Vec<(Batch, Reply)>;

/// What the writer does.
#[derive(Debug)]
pub enum Job {
    /// Commits a batch, and answers with its revision.
    Batch(Batch, oneshot::Sender<Result<Revision, StoreError>>),
    /// Finishes what waits, and ends.
    Close(oneshot::Sender<()>),
}
