//! What can go wrong between a transaction and its backend.

use std::time::Duration;

use bailiwick_model::{ErrorCode, IamError};
use bytes::Bytes;

use crate::{keys, revision::Revision};

/// When it is worth trying again after the store could not be written.
const RETRY_AFTER: Duration = Duration::from_secs(2);

/// A cause kept for the log; callers of the API never see it.
pub type Cause = Box<dyn std::error::Error + Send + Sync>;

/// Why a store did not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Something that the batch expected has changed; nothing was written. Trying again on a newer view is right.
    #[error("{} expected keys have changed", keys.len())]
    Conflict {
        /// The keys whose revision is not the expected one.
        keys: Vec<Bytes>,
    },
    /// A counter would have left its bounds; nothing was written.
    #[error("a counter would leave its bounds")]
    Bound {
        /// The counter.
        key: Bytes,
    },
    /// The batch contradicts itself or is larger than a store must take. A defect of the caller; nothing was written.
    #[error("the batch is not acceptable: {0}")]
    Refused(&'static str),
    /// The change log no longer reaches back this far: read everything again, then watch from there.
    #[error("the change log begins after revision {}", oldest.number())]
    Compacted {
        /// The oldest revision that `watch` can still start after.
        oldest: Revision,
    },
    /// A revision was asked for that this store has not reached.
    #[error("revision {} was asked for, the store is at {}", asked.number(), head.number())]
    Ahead {
        /// The revision asked for.
        asked: Revision,
        /// The newest revision there is.
        head: Revision,
    },
    /// The store was written by a newer version of Bailiwick.
    #[error(
        "the store has format {found}, this version knows formats up to {known}: it was written by a newer version"
    )]
    Newer {
        /// The format found.
        found: u32,
        /// The newest format known.
        known: u32,
    },
    /// What is stored cannot be what was written.
    #[error("the store is damaged: {0}")]
    Corrupt(String),
    /// A row is not what was written under its key.
    #[error("the store is damaged: {} is not what was written", keys::describe(key))]
    Damaged {
        /// The key.
        key: Bytes,
    },
    /// Rows were taken away, added, or replaced by older ones, by something other than Bailiwick.
    #[error(
        "the store is damaged: it has {found} rows where there must be {expected}, and some are missing, older than they were, or were never written"
    )]
    Incomplete {
        /// How many rows there must be.
        expected: u64,
        /// How many there are.
        found: u64,
    },
    /// The store takes no changes at the moment; nothing was written. Reading goes on.
    #[error("changes are refused: {0}")]
    ReadOnly(String),
    /// The commit failed in a way that leaves open whether it took place.
    #[error("the outcome of a commit is unknown")]
    Unknown(#[source] Cause),
    /// The backend failed; nothing was written.
    #[error("the store failed")]
    Backend(#[source] Cause),
    /// The store was opened again after a failure, and the view is of before: begin anew on a newer one.
    #[error("the view is of before the store was opened again")]
    StaleView,
    /// The store has been closed, or has stopped after an earlier failure.
    #[error("the store is closed")]
    Closed,
}

impl StoreError {
    /// Whether the same work, done again on a newer view, may succeed.
    pub fn is_conflict(&self) -> bool {
        matches!(self, StoreError::Conflict { .. } | StoreError::Bound { .. })
    }
}

impl From<StoreError> for IamError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Ahead { .. } => {
                IamError::new(ErrorCode::ServiceUnavailable, "the revision asked for has not been reached")
            }
            StoreError::ReadOnly(_) => {
                let message = "changes are refused at the moment, since the store cannot be written; reading goes on";
                IamError::new(ErrorCode::ServiceUnavailable, message).retry_after(RETRY_AFTER)
            }
            StoreError::StaleView => {
                let message = "the request was overtaken by a failure of the store; send it again";
                IamError::new(ErrorCode::ServiceUnavailable, message).retry_after(RETRY_AFTER)
            }
            error => IamError::internal(error),
        }
    }
}
