//! The last uses of access keys, roles and services: collected in memory, written twice a second.
//!
//! A crash loses the uses of the last second. Writing each use with its call would make every read a write.

use std::future::Future;
use std::sync::Arc;

use bailiwick_model::Result;
use bailiwick_operation::{Deployment, RecentServiceUse, RecentUse};
use bailiwick_storage::{AccessKeyLastUsed, At, CommitError, RoleLastUsed, Store, Tx};

/// The number of uses per commit.
const BATCH: usize = 500;

/// Writes the collected uses.
///
/// # Errors
/// `ServiceFailure` if the store fails. The uses that are not written stay for the next attempt.
pub(crate) async fn write(store: &Arc<dyn Store>, deployment: &Deployment) -> Result<()> {
    let recent = &deployment.recent_uses;
    batches(store, deployment, &recent.keys_to_write(), |written| recent.keys_written(written)).await?;
    batches(store, deployment, &recent.roles_to_write(), |written| recent.roles_written(written)).await?;
    batches(store, deployment, &recent.services.to_write(), |written| recent.services.written(written)).await
}

/// A use of a key, role or service.
trait Use: Sync {
    /// Puts the use into a transaction, unless what was used is gone.
    fn put(&self, tx: &mut Tx) -> impl Future<Output = Result<()>> + Send;
}

impl Use for RecentUse<bailiwick_model::AccessKeyId, AccessKeyLastUsed> {
    async fn put(&self, tx: &mut Tx) -> Result<()> {
        let (id, account, used) = self;
        tx.put_access_key_last_used(*account, id, used).await
    }
}

impl Use for RecentUse<bailiwick_model::UniqueId, RoleLastUsed> {
    async fn put(&self, tx: &mut Tx) -> Result<()> {
        let (id, account, used) = self;
        tx.put_role_last_used(*account, id, used).await
    }
}

impl Use for RecentServiceUse {
    async fn put(&self, tx: &mut Tx) -> Result<()> {
        let (user, action, used) = self;
        tx.put_service_use(user, action, used).await
    }
}

/// Writes uses in batches. A batch that conflicts with another change is halved until only the uses that conflict remain;
/// these stay for the next round.
async fn batches<U: Use>(
    store: &Arc<dyn Store>,
    deployment: &Deployment,
    uses: &[U],
    written: impl Fn(&[U]),
) -> Result<()> {
    let mut open: Vec<&[U]> = uses.chunks(BATCH).collect();
    while let Some(batch) = open.pop() {
        let mut tx = Tx::begin(Arc::clone(store), Arc::clone(&deployment.quotas), At::Latest).await?;
        for used in batch {
            used.put(&mut tx).await?;
        }
        match tx.commit().await {
            Ok(_) => written(batch),
            Err(CommitError::Conflict) if batch.len() > 1 => {
                open.extend(<[_; 2]>::from(batch.split_at(batch.len() / 2)))
            }
            Err(CommitError::Conflict) => {}
            Err(CommitError::Failed(error)) => return Err(error),
        }
    }
    Ok(())
}
