//! The row of this process among those that use the database. By it, two processes with the id of one server find each
//! other: the data folder of one is a copy of the other's, and they would take each other's audit records.
//!
//! Nothing else depends on these rows. Of two processes that find each other, the one that started later stops.

use std::{
    collections::HashMap,
    time::{Duration, Instant},
};

use bailiwick_storage::{ServerId, StoreError};
use tokio_postgres::{Client, Statement};

use crate::{
    Address, OpenError,
    connection::{ANSWER, connect, within},
    error::failed,
};

/// A process that has not confirmed its connection for this long may have ended: a few times the interval in which it does.
/// The statement below has the same time.
const SILENT: Duration = Duration::from_secs(3);
/// The pause between two looks at the rows of other processes.
const PAUSE: Duration = Duration::from_millis(250);

const OTHERS: &str = "SELECT server, (extract(epoch FROM confirmed) * 1000000)::bigint,
     confirmed > now() - interval '3 seconds' FROM bailiwick_servers WHERE substring(server FROM 1 FOR 16) = $1";
/// Also removes the rows of processes that were killed.
const CONFIRM: &str =
    "WITH ended AS (DELETE FROM bailiwick_servers WHERE confirmed < now() - interval '1 day' AND server <> $1)
     INSERT INTO bailiwick_servers (server, confirmed) VALUES ($1, now())
     ON CONFLICT (server) DO UPDATE SET confirmed = now()";
const EARLIER: &str = "SELECT EXISTS (SELECT 1 FROM bailiwick_servers WHERE substring(server FROM 1 FOR 16) = $1
     AND server < $2 AND confirmed > now() - interval '3 seconds')";
const COUNT: &str = "SELECT count(*) FROM bailiwick_servers
     WHERE server <> $1 AND confirmed > now() - interval '3 seconds'";
const REMOVE: &str = "DELETE FROM bailiwick_servers WHERE server = ANY($1)";

/// The row of this process.
#[derive(Clone, Debug)]
pub(crate) struct Lease {
    server: ServerId,
    /// The id of the server, the time of the start, and random bytes.
    row: Vec<u8>,
}

/// The statements with which a process confirms its connection.
pub(crate) struct Confirm {
    confirm: Statement,
    earlier: Statement,
}

impl Lease {
    /// Names the row of a process that starts now.
    pub(crate) async fn new(client: &Client, server: ServerId) -> Result<Self, StoreError> {
        let now = "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint, gen_random_uuid()::text";
        let row = within(ANSWER, client.query_one(now, &[])).await?;
        let (started, random): (i64, &str) = (row.get(0), row.get(1));
        let row = [&server.0[..], &started.to_be_bytes(), random.as_bytes()].concat();
        Ok(Lease { server, row })
    }

    /// Waits until an earlier process of this server has certainly ended, which takes seconds if it was killed just now.
    ///
    /// # Errors
    /// [`OpenError::SameServer`] if it goes on confirming its connection.
    pub(crate) async fn wait(&self, client: &Client) -> Result<(), OpenError> {
        let (begun, mut seen) = (Instant::now(), HashMap::new());
        loop {
            let rows = within(ANSWER, client.query(OTHERS, &[&&self.server.0[..]])).await?;
            let mut may_live = false;
            for row in &rows {
                let (name, confirmed): (Vec<u8>, i64) = (row.get(0), row.get(1));
                may_live |= row.get::<_, bool>(2);
                if seen.insert(name, confirmed).is_some_and(|before| before != confirmed) {
                    return Err(OpenError::SameServer);
                }
            }
            // The clock of the database may have been set back.
            if !may_live || begun.elapsed() > SILENT + PAUSE {
                let ended: Vec<Vec<u8>> = seen.into_keys().collect();
                within(ANSWER, client.execute(REMOVE, &[&ended])).await?;
                return Ok(());
            }
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// Prepares the statements of [`Lease::confirm`].
    pub(crate) async fn prepare(client: &Client) -> Result<Confirm, tokio_postgres::Error> {
        let (confirm, earlier) = tokio::try_join!(biased; client.prepare(CONFIRM), client.prepare(EARLIER))?;
        Ok(Confirm { confirm, earlier })
    }

    /// Confirms the connection by a write. Returns whether the server is this process: not if an earlier one lives.
    pub(crate) async fn confirm(&self, client: &Client, statements: &Confirm) -> Result<bool, StoreError> {
        let (server, row) = (&self.server.0[..], &self.row[..]);
        let (own, both): ([&(dyn tokio_postgres::types::ToSql + Sync); 1], [_; 2]) =
            ([&row], [&server as _, &row as _]);
        let confirmed = client.execute(&statements.confirm, &own);
        let earlier = client.query_one(&statements.earlier, &both);
        let answers = within(ANSWER, async { tokio::try_join!(biased; confirmed, earlier) });
        let (_, found) = answers.await?;
        Ok(!found.get::<_, bool>(0))
    }

    /// How many other processes have confirmed their connections within seconds.
    pub(crate) async fn others(&self, client: &Client) -> Result<i64, StoreError> {
        Ok(within(ANSWER, client.query_one(COUNT, &[&&self.row[..]])).await?.get(0))
    }

    /// Removes the row, so that the next process of this server need not wait.
    pub(crate) async fn remove(&self, client: &Client) -> Result<(), StoreError> {
        client.execute(REMOVE, &[&vec![&self.row[..]]]).await.map(drop).map_err(|error| failed(&error))
    }

    /// The same over a connection of its own. Without the database, the row stays, and the next process waits.
    pub(crate) async fn leave(&self, address: &Address) {
        let removed = async { self.remove(&connect(address).await?).await };
        if !matches!(tokio::time::timeout(SILENT, removed).await, Ok(Ok(()))) {
            tracing::debug!("the row of this process stays in the database");
        }
    }
}
