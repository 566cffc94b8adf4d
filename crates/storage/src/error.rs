//! Errors of stores.

use std::time::Duration;

use bailiwick_model::{ErrorCode, IamError};
use bytes::Bytes;

use crate::{
    keys,
    outage::{Outage, OutageReason},
    revision::Revision,
};

/// When a client should retry after the store could not be written.
const RETRY_AFTER: Duration = Duration::from_secs(2);

/// A cause for the log; API callers never see it.
pub type Cause = Box<dyn std::error::Error + Send + Sync>;

/// Why an operation of a store failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// A precondition of the batch does not hold; nothing was written. The caller should retry on a newer view.
    #[error("{} expected keys have changed", keys.len())]
    Conflict {
        /// The keys whose revision differs from the expected one.
        keys: Vec<Bytes>,
    },
    /// A counter would exceed its bounds; nothing was written.
    #[error("a counter would exceed its bounds")]
    Bound {
        /// The counter.
        key: Bytes,
    },
    /// The batch is invalid or too large, which is a defect of the caller; nothing was written.
    #[error("the batch is invalid: {0}")]
    Refused(&'static str),
    /// The batch changes more at once than the backend can write together; nothing was written.
    #[error("the change is too large for the store: {0}")]
    TooLarge(String),
    /// The change log does not reach back this far. The follower must read the whole store and watch from there.
    #[error("the change log begins after revision {}", oldest.number())]
    Compacted {
        /// The oldest revision that `watch` can still start after.
        oldest: Revision,
    },
    /// The store has not reached the requested revision.
    #[error("revision {} was requested, the store is at revision {}", asked.number(), head.number())]
    Ahead {
        /// The requested revision.
        asked: Revision,
        /// The newest revision there is.
        head: Revision,
    },
    /// The store was written by a newer version of Bailiwick.
    #[error(
        "the store has format {found}, this version supports formats up to {known}: a newer version of Bailiwick wrote it"
    )]
    Newer {
        /// The format found.
        found: u32,
        /// The newest supported format.
        known: u32,
    },
    /// The stored data is invalid.
    #[error("the store is damaged: {0}")]
    Corrupt(String),
    /// A row is not what was written under its key.
    #[error("the store is damaged: {} is not what was written", keys::describe(key))]
    Damaged {
        /// The key.
        key: Bytes,
    },
    /// Rows were removed, added or replaced by older versions outside of Bailiwick.
    #[error(
        "the store is damaged: it has {found} rows instead of {expected}, and some are missing, out of date, or were not written by Bailiwick"
    )]
    Incomplete {
        /// How many rows there must be.
        expected: u64,
        /// The actual number of rows.
        found: u64,
    },
    /// The store accepts no changes at the moment; nothing was written. Reads still work.
    #[error("changes are refused: {0}")]
    ReadOnly(Outage),
    /// The commit failed, and it is unknown whether it took effect.
    #[error("the outcome of a commit is unknown")]
    Unknown(#[source] Cause),
    /// The backend failed; nothing was written.
    #[error("the store failed")]
    Backend(#[source] Cause),
    /// The server that holds the store cannot be reached, or does not answer in time; nothing was written.
    #[error("the store cannot be used: {0}")]
    Unreachable(Outage),
    /// The store was reopened after a failure and this view is no longer readable. The caller should retry on a newer
    /// view.
    #[error("the view is from before the store was reopened")]
    StaleView,
    /// The store has been closed, or has stopped after an earlier failure.
    #[error("the store is closed")]
    Closed,
}

impl StoreError {
    /// Returns whether a retry on a newer view may succeed.
    pub fn is_conflict(&self) -> bool {
        matches!(self, StoreError::Conflict { .. } | StoreError::Bound { .. })
    }

    /// The store cannot be reached, for this reason. The details are for the log.
    pub fn unreachable(reason: OutageReason, details: impl Into<String>) -> Self {
        StoreError::Unreachable(Outage::new(reason, details))
    }

    /// Why the store cannot be used, if this error lasts.
    pub fn outage(&self) -> Outage {
        let reason = match self {
            StoreError::ReadOnly(outage) | StoreError::Unreachable(outage) => return outage.clone(),
            StoreError::Corrupt(_) | StoreError::Damaged { .. } | StoreError::Incomplete { .. } => {
                OutageReason::Damaged
            }
            StoreError::Newer { .. } => OutageReason::Newer,
            StoreError::Closed => return OutageReason::Closed.into(),
            // Its message does not have the cause.
            StoreError::Backend(cause) => return Outage::new(OutageReason::Failed, cause.to_string()),
            _ => OutageReason::Failed,
        };
        Outage::new(reason, self.to_string())
    }
}

impl From<StoreError> for IamError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Ahead { .. } => {
                IamError::new(ErrorCode::ServiceUnavailable, "the requested revision has not been reached")
            }
            StoreError::TooLarge(_) => {
                let message = "the request changes more at once than the store of this deployment can write together";
                IamError::new(ErrorCode::LimitExceeded, message)
            }
            StoreError::ReadOnly(_) => {
                let message = "changes are refused at the moment because the store cannot be written; reads still work";
                IamError::new(ErrorCode::ServiceUnavailable, message).retry_after(RETRY_AFTER)
            }
            StoreError::Unreachable(_) => {
                let message = "the store cannot be reached at the moment; send the request again";
                IamError::new(ErrorCode::ServiceUnavailable, message).retry_after(RETRY_AFTER)
            }
            StoreError::StaleView => {
                let message = "the store failed during the request; send it again";
                IamError::new(ErrorCode::ServiceUnavailable, message).retry_after(RETRY_AFTER)
            }
            error => IamError::internal(error),
        }
    }
}
