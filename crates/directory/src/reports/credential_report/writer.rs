//! Writes requested reports, a page of users at a time.

use std::sync::Arc;

use bailiwick_model::{AccountId, IamError, Result};
use bailiwick_operation::Deployment;
use bailiwick_storage::{At, CommitError, CredentialReport, FoldedName as _, Store, Tx, User};
use jiff::Timestamp;

use super::rows;

/// How many users are read in one transaction.
const PAGE: usize = 200;
/// The size of a chunk in bytes, after which the next one is begun. A page adds less than 200 KiB to it.
const CHUNK: usize = 512 * 1024;

/// Writes every report that is requested at present.
///
/// A report that cannot be finished, because the store fails or the server stops, is begun again at the next call.
///
/// # Errors
/// `ServiceFailure` if a report cannot be written. The reports of the other accounts are written nevertheless.
pub async fn write_requested(store: &Arc<dyn Store>, deployment: &Deployment) -> Result<()> {
    let accounts = begin(store, deployment).await?.requested_credential_reports().await?;
    // The report of one account that fails does not keep the others waiting.
    let mut outcome = Ok(());
    for account in accounts {
        if let Err(error) = write(store, deployment, account).await {
            outcome = Err(error);
        }
    }
    outcome
}

async fn write(store: &Arc<dyn Store>, deployment: &Deployment, account: AccountId) -> Result<()> {
    let mut text = Vec::new();
    let mut chunks = 0;
    let mut after: Option<String> = None;
    loop {
        let mut tx = begin(store, deployment).await?;
        if after.is_none() {
            rows::header(&mut text);
            rows::root(&mut text, deployment, &mut tx, account).await?;
        }
        let users = tx.list::<User>(account, "/", after.as_deref(), PAGE).await?;
        for user in &users.items {
            rows::user(&mut text, deployment, &mut tx, user).await?;
        }
        drop(tx);
        after = users.items.last().filter(|_| users.next.is_some()).map(|user| user.name.folded());
        if after.is_none() || text.len() >= CHUNK {
            let mut tx = begin(store, deployment).await?;
            tx.put_report_chunk(account, chunks, std::mem::take(&mut text).into());
            commit(tx).await?;
            chunks += 1;
        }
        if after.is_none() {
            break;
        }
        // Calls that wait for this thread go first.
        tokio::task::yield_now().await;
    }
    let mut tx = begin(store, deployment).await?;
    // Another server may have completed it meanwhile.
    let Some(requested) = tx.find_credential_report(account).await?.filter(|report| report.completed.is_none()) else {
        return Ok(());
    };
    let now = deployment.clock.now();
    let completed = Timestamp::from_second(now.as_second()).unwrap_or(now);
    tx.complete_credential_report(&CredentialReport { completed: Some(completed), chunks, ..requested }).await?;
    commit(tx).await
}

async fn begin(store: &Arc<dyn Store>, deployment: &Deployment) -> Result<Tx> {
    Tx::begin(Arc::clone(store), Arc::clone(&deployment.quotas), At::Latest).await
}

async fn commit(tx: Tx) -> Result<()> {
    match tx.commit().await {
        Ok(_) => Ok(()),
        Err(CommitError::Conflict) => Err(IamError::internal("the credential report was changed while it was written")),
        Err(CommitError::Failed(error)) => Err(error),
    }
}
