//! Applies the credential rules of all accounts: warns of the end of access keys and passwords, and disables them.
//!
//! Each step is one commit with its audit record. Servers over one store may do it at the same time: of two commits of one
//! step, one conflicts.

use std::sync::Arc;

use bailiwick_api::admin;
use bailiwick_audit::{Event, EventKind};
use bailiwick_directory::{CredentialId, CredentialStep, ended, take_step};
use bailiwick_model::{AccountId, AccountState, IamError, Result};
use bailiwick_operation::{RequestInfo, uuid};
use bailiwick_storage::{At, CommitError, Tx};
use prost::Message;

use crate::Parts;

/// How many accounts are listed at once.
const ACCOUNTS: usize = 100;

/// Takes every step that is due. Steps that conflict with another change, or fail, stay for the next time.
///
/// # Errors
/// `ServiceFailure` if the accounts cannot be listed.
pub(crate) async fn apply(parts: &Parts) -> Result<()> {
    let mut after = None;
    loop {
        let accounts = begin(parts).await?.list_accounts(after, ACCOUNTS).await?.items;
        for account in accounts.iter().filter(|account| account.state != AccountState::Closed) {
            // What fails in one account does not keep the others from theirs.
            if let Err(error) = apply_to(parts, account.id).await {
                tracing::warn!(?error, account = %account.id, "the credential rules of an account could not be applied");
            }
        }
        match accounts.last() {
            Some(last) if accounts.len() == ACCOUNTS => after = Some(last.id),
            _ => return Ok(()),
        }
    }
}

async fn apply_to(parts: &Parts, account: AccountId) -> Result<()> {
    let mut after: Option<String> = None;
    loop {
        let mut tx = begin(parts).await?;
        let (found, next) = ended(&parts.deployment, &mut tx, account, after.as_deref()).await?;
        drop(tx);
        for credential in &found {
            take(parts, account, credential).await?;
        }
        match next {
            None => return Ok(()),
            next => after = next,
        }
    }
}

async fn take(parts: &Parts, account: AccountId, credential: &CredentialId) -> Result<()> {
    let mut tx = begin(parts).await?;
    let Some(step) = take_step(&parts.deployment, &mut tx, account, credential).await? else { return Ok(()) };
    record(parts, &mut tx, account, &step).await?;
    match tx.commit().await {
        Ok(_) => {
            let key = step.access_key.as_ref().map(ToString::to_string);
            let (end, reason) = (step.end.at, step.end.reason);
            if step.disabled {
                tracing::warn!(arn = %step.arn, key, reason, "a credential was disabled by the rules of its account");
            } else {
                tracing::warn!(arn = %step.arn, key, reason, %end, "a credential will be disabled by the rules of its account");
            }
            Ok(())
        }
        Err(CommitError::Conflict) => Ok(()),
        Err(error) => Err(IamError::internal(error)),
    }
}

async fn begin(parts: &Parts) -> Result<Tx> {
    Tx::begin(Arc::clone(&parts.store), Arc::clone(&parts.deployment.quotas), At::Latest).await
}

async fn record(parts: &Parts, tx: &mut Tx, account: AccountId, step: &CredentialStep) -> Result<()> {
    let deployment = &parts.deployment;
    let mut ids = [[0; 16]; 2];
    deployment.random.fill(ids.as_flattened_mut());
    let [request_id, id] = ids;
    let request = Arc::new(RequestInfo {
        id: uuid(request_id),
        source_ip: None,
        secure_transport: false,
        user_agent: None,
        region: Some(deployment.region.clone()),
    });
    let user_name = step.user_name.clone();
    let access_key_id = step.access_key.as_ref().map(ToString::to_string);
    let (reason, since, end) = (step.end.reason.to_owned(), step.end.since_date(), step.end.date());
    let (name, parameters) = if step.disabled {
        let request = admin::DisableCredentialRequest { user_name, access_key_id, reason, since, end };
        ("DisableCredential", request.encode_to_vec())
    } else {
        let request = admin::WarnOfCredentialEndRequest { user_name, access_key_id, reason, since, end };
        ("WarnOfCredentialEnd", request.encode_to_vec())
    };
    let event = Event {
        id,
        request_id,
        kind: EventKind::Automatic(name, account),
        time: deployment.clock.now(),
        request: &request,
        caller: None,
        unsigned: None,
        partition: deployment.partition,
        resource: Some(step.arn.as_str()),
        parameters: &parameters,
        response: &[],
        changes_nothing: false,
        error: None,
        decision: None,
        authorization: None,
        documents: &[],
        suppressed: 0,
    };
    parts.recorder.write_into(tx, &event).await
}
