//! The last uses of access keys and roles: collected in memory, written twice a second.
//!
//! A crash loses the uses of the last second. Writing each use with its call would make every read a write.

use std::sync::Arc;

use bailiwick_model::Result;
use bailiwick_operation::Deployment;
use bailiwick_storage::{At, CommitError, Store, Tx};

/// The number of uses per commit.
const BATCH: usize = 500;

/// Writes the collected uses. A batch that conflicts with another change is dropped: its keys and roles are used again,
/// or were deleted.
///
/// # Errors
/// `ServiceFailure` if the store fails. The uses that are not written stay for the next attempt.
pub(crate) async fn write(store: &Arc<dyn Store>, deployment: &Deployment) -> Result<()> {
    let recent = &deployment.recent_uses;
    for chunk in recent.keys_to_write().chunks(BATCH) {
        let mut tx = begin(store, deployment).await?;
        for (id, account, used) in chunk {
            tx.put_access_key_last_used(*account, id, used).await?;
        }
        commit(tx).await?;
        recent.keys_written(chunk);
    }
    for chunk in recent.roles_to_write().chunks(BATCH) {
        let mut tx = begin(store, deployment).await?;
        for (id, account, used) in chunk {
            tx.put_role_last_used(*account, id, used).await?;
        }
        commit(tx).await?;
        recent.roles_written(chunk);
    }
    Ok(())
}

async fn begin(store: &Arc<dyn Store>, deployment: &Deployment) -> Result<Tx> {
    Tx::begin(Arc::clone(store), Arc::clone(&deployment.quotas), At::Latest).await
}

async fn commit(tx: Tx) -> Result<()> {
    match tx.commit().await {
        Ok(_) | Err(CommitError::Conflict) => Ok(()),
        Err(CommitError::Failed(error)) => Err(error),
    }
}
