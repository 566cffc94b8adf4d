//! Connections, and the time that the database has for an answer.

use std::{future::Future, time::Duration};

use bailiwick_storage::{OutageReason, StoreError};
use tokio_postgres::Client;

use crate::{
    Address,
    error::{describe, failed},
};

/// How long a connection may take, with all hosts of the address.
const CONNECT: Duration = Duration::from_secs(10);

/// How long an answer may take.
pub(crate) const ANSWER: Duration = Duration::from_secs(10);

/// Connects to the database. Without commits that are durable, on the standbys as well, nothing would keep a promise.
pub(crate) async fn connect(address: &Address) -> Result<Client, StoreError> {
    let connecting = address.config.connect(address.tls.clone());
    let (client, connection) = within(CONNECT, connecting).await?;
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::debug!(error = describe(&error), "a connection to the database ended");
        }
    });
    let settings = "SELECT set_config('synchronous_commit', 'on', false)
                    WHERE current_setting('synchronous_commit') IN ('off', 'local')";
    within(ANSWER, client.batch_execute(settings)).await?;
    Ok(client)
}

/// Waits for an answer of the database, for this time at most.
pub(crate) async fn within<T>(
    time: Duration,
    answer: impl Future<Output = Result<T, tokio_postgres::Error>>,
) -> Result<T, StoreError> {
    match tokio::time::timeout(time, answer).await {
        Ok(answer) => answer.map_err(|error| failed(&error)),
        Err(_) => {
            let details = format!("no answer within {} seconds", time.as_secs_f32());
            Err(StoreError::unreachable(OutageReason::Unreachable, details))
        }
    }
}
