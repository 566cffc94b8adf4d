//! Writes: one connection, and one transaction for all waiting batches.
//!
//! The row of the head is locked from the first statement to the commit, so that no other server writes in between. Rows that a
//! group creates are not read: they are inserted, which the database refuses if one of them exists. Then nothing is written, and
//! the group is planned again on what is there.

use std::{
    collections::{HashMap, HashSet},
    future::{Future, poll_fn},
    sync::Arc,
    task::Poll,
};

use async_trait::async_trait;
use bailiwick_storage::{OutageReason, Revision, StoreError};
use bailiwick_storage_remote::{Failure, Keys, Plan, Read, Target};
use bytes::Bytes;
use tokio_postgres::{Client, Row, Statement, error::SqlState, types::ToSql};

use crate::{
    Address, Shared,
    connection::{ANSWER, connect, within},
    error::failed,
    head::{Head, entry, number},
    history,
};

/// How long a transaction waits for the lock of the head.
const LOCK_TIMEOUT: &str = "SET lock_timeout = '5s'";

/// A parameter of a statement.
type Parameter<'p> = &'p (dyn ToSql + Sync);

/// The session of the writer, over one connection after the other.
pub(crate) struct Session {
    shared: Arc<Shared>,
    address: Address,
    connection: Option<Connection>,
    /// The keys that are taken for absent.
    assumed: HashSet<Bytes>,
    /// Keeps other servers from a first start at the same time; until the first commit.
    first_start: Option<Client>,
}

impl Session {
    pub(crate) fn new(shared: Arc<Shared>, address: Address, first_start: Option<Client>) -> Self {
        Session { shared, address, connection: None, assumed: HashSet::new(), first_start }
    }

    fn connection(&self) -> Result<&Connection, StoreError> {
        self.connection.as_ref().ok_or_else(|| StoreError::Unreachable(OutageReason::Interrupted.into()))
    }

    /// Finds out whether a plan was committed, over another connection. The lock of the head is waited for, so that the
    /// transaction has ended. The end of this one waits for the standbys as that one did, if it was ended while it waited.
    async fn resolve(&mut self, plan: &Plan) -> Result<bool, StoreError> {
        let missing = || StoreError::Corrupt("a plan has no entry".into());
        let (revision, entry) = plan.log.last().ok_or_else(missing)?;
        self.connect().await?;
        let connection = self.connection()?;
        let (head, ..) = within(ANSWER, connection.begin(&[])).await?;
        let query = "SELECT entry FROM bailiwick_log WHERE revision = $1";
        let found = within(ANSWER, connection.client.query_opt(query, &[&number(*revision)])).await?;
        let end = if found.is_some() { "COMMIT" } else { "ROLLBACK" };
        within(ANSWER, connection.client.batch_execute(end)).await?;
        let head = Head::read(&head)?;
        if head.epoch != self.shared.epoch {
            return Err(StoreError::Unreachable(OutageReason::OtherStore.into()));
        }
        // Other servers may have pruned it since.
        if found.is_none() && head.state(&self.shared.authenticator)?.oldest >= *revision {
            return Err(StoreError::Unreachable(OutageReason::MissingChanges.into()));
        }
        Ok(found.is_some_and(|row| row.get::<_, &[u8]>(0) == entry))
    }
}

#[async_trait]
impl Target for Session {
    async fn connect(&mut self) -> Result<(), StoreError> {
        if self.connection.as_ref().is_none_or(|connection| connection.client.is_closed()) {
            self.connection = None;
            self.connection = Some(Connection::open(&self.address, &self.shared).await?);
        }
        Ok(())
    }

    /// Begins a transaction; the state of the store stays as it is until its end.
    async fn begin(&mut self, keys: &Keys) -> Result<Read, StoreError> {
        let newest = self.shared.generations.position();
        self.assumed = keys.absent.iter().cloned().collect();
        let connection = self.connection()?;
        let (head, newest_entry, mut rows) = within(ANSWER, connection.begin(&keys.unknown)).await?;
        let head = Head::read(&head)?;
        let newest_entry = newest_entry.as_ref().map(entry).map(|(revision, entry)| (Revision::new(revision), entry));
        let is_known = keys.at == Some(head.revision)
            && !keys.known.is_empty()
            && history::is_read_up_to(&self.shared, head.revision, newest_entry)?;
        if !keys.known.is_empty() && !is_known {
            rows.extend(within(ANSWER, connection.rows(&keys.known)).await?);
        }
        let state = head.state(&self.shared.authenticator)?;
        if head.epoch != self.shared.epoch {
            return Err(StoreError::Unreachable(OutageReason::OtherStore.into()));
        }
        if state.head < newest {
            return Err(StoreError::Unreachable(OutageReason::Older.into()));
        }
        Ok(Read { rows, state, is_known })
    }

    /// Writes and commits the plan, and finds out whether it was committed if the connection is lost.
    async fn finish(&mut self, plan: &Plan) -> Result<(), Failure> {
        let connection = self.connection().map_err(Failure::Before)?;
        // INVARIANT: a verdict may depend on each key that is taken for absent, not only that of the batch which creates it. The
        // insertion of its row is the only thing that finds out. A row that is not inserted, since its batch is refused or a later
        // one removes it, is read.
        let is_proven = self.assumed.iter().all(|key| plan.rows.get(key).is_some_and(Option::is_some));
        if plan.is_empty() || !is_proven {
            within(ANSWER, connection.client.batch_execute("ROLLBACK")).await.map_err(Failure::Before)?;
            return if is_proven { Ok(()) } else { Err(Failure::Again) };
        }
        let written = within(ANSWER, Box::pin(connection.write(plan, &self.assumed))).await;
        let error = match written {
            Ok(Ok(())) => {
                // Other servers may start now.
                self.first_start = None;
                return Ok(());
            }
            Ok(Err(refused)) if refused.code() == Some(&SqlState::UNIQUE_VIOLATION) && !self.assumed.is_empty() => {
                return Err(Failure::Again);
            }
            Ok(Err(refused)) => return Err(Failure::Before(failed(&refused))),
            Err(error) => error,
        };
        tracing::warn!(%error, "the connection to the database was lost during a commit");
        self.connection = None;
        match self.resolve(plan).await {
            Ok(true) => {
                self.first_start = None;
                Ok(())
            }
            Ok(false) => Err(Failure::Before(error)),
            Err(_) => Err(Failure::Unknown(error)),
        }
    }

    fn disconnect(&mut self) {
        self.connection = None;
    }
}

/// The connection of the writer, with its statements.
struct Connection {
    client: Client,
    lock: Statement,
    newest: Statement,
    read: Statement,
    insert: Statement,
    put: Statement,
    delete: Statement,
    log: Statement,
    prune: Statement,
    head: Statement,
}

impl Connection {
    async fn open(address: &Address, shared: &Shared) -> Result<Self, StoreError> {
        let client = connect(address).await?;
        history::check(shared, &client).await?;
        let prepared = async {
            client.batch_execute(LOCK_TIMEOUT).await?;
            tokio::try_join!(
                biased;
                client.prepare("SELECT epoch, revision, state FROM bailiwick_head FOR UPDATE"),
                client.prepare("SELECT revision, entry FROM bailiwick_log ORDER BY revision DESC LIMIT 1"),
                client.prepare("SELECT key, stored FROM bailiwick_rows WHERE key = ANY($1)"),
                client.prepare(
                    "INSERT INTO bailiwick_rows (key, stored) SELECT * FROM unnest($1::bytea[], $2::bytea[])",
                ),
                client.prepare(
                    "INSERT INTO bailiwick_rows (key, stored) SELECT * FROM unnest($1::bytea[], $2::bytea[])
                     ON CONFLICT (key) DO UPDATE SET stored = excluded.stored",
                ),
                client.prepare("DELETE FROM bailiwick_rows WHERE key = ANY($1)"),
                client.prepare(
                    "INSERT INTO bailiwick_log (revision, entry) SELECT * FROM unnest($1::bigint[], $2::bytea[])",
                ),
                client.prepare("DELETE FROM bailiwick_log WHERE revision <= $1"),
                client.prepare("UPDATE bailiwick_head SET revision = $1, state = $2"),
            )
        };
        let (lock, newest, read, insert, put, delete, log, prune, head) = within(ANSWER, Box::pin(prepared)).await?;
        Ok(Connection { client, lock, newest, read, insert, put, delete, log, prune, head })
    }

    /// Begins a transaction, locks the head, and reads the newest entry of the change log and rows. The statements are sent
    /// together; each sees what was committed when it begins, so they show what is under the lock.
    async fn begin(&self, keys: &[Bytes]) -> Result<(Row, Option<Row>, HashMap<Bytes, Bytes>), tokio_postgres::Error> {
        let begin = self.client.batch_execute("BEGIN ISOLATION LEVEL READ COMMITTED");
        let head = self.client.query_one(&self.lock, &[]);
        let newest = self.client.query_opt(&self.newest, &[]);
        let (_, head, newest, rows) = tokio::try_join!(biased; begin, head, newest, self.rows(keys))?;
        Ok((head, newest, rows))
    }

    /// Reads rows.
    async fn rows(&self, keys: &[Bytes]) -> Result<HashMap<Bytes, Bytes>, tokio_postgres::Error> {
        if keys.is_empty() {
            return Ok(HashMap::new());
        }
        let keys: Vec<&[u8]> = keys.iter().map(|key| &**key).collect();
        let rows = self.client.query(&self.read, &[&keys]).await?;
        let row = |row: &Row| (Bytes::copy_from_slice(row.get(0)), Bytes::copy_from_slice(row.get(1)));
        Ok(rows.iter().map(row).collect())
    }

    /// Writes a plan and commits it; the rows with some keys are new. The inner error means that the database refused a
    /// statement, so that nothing was written; after the outer one it is unknown.
    async fn write(
        &self,
        plan: &Plan,
        new: &HashSet<Bytes>,
    ) -> Result<Result<(), tokio_postgres::Error>, tokio_postgres::Error> {
        let (mut created, mut changed, mut removed) = (Rows::default(), Rows::default(), Vec::<&[u8]>::new());
        for (key, row) in &plan.rows {
            match row {
                Some(row) if new.contains(key) => created.add(key, row),
                Some(row) => changed.add(key, row),
                None => removed.push(key),
            }
        }
        let (revisions, entries): (Vec<i64>, Vec<&[u8]>) =
            plan.log.iter().map(|(revision, entry)| (number(*revision), &**entry)).unzip();
        let (head, prune) = (number(plan.state.head), plan.prune.map(number));
        let insert: [Parameter<'_>; 2] = [&created.keys, &created.stored];
        let put: [Parameter<'_>; 2] = [&changed.keys, &changed.stored];
        let delete: [Parameter<'_>; 1] = [&removed];
        let log: [Parameter<'_>; 2] = [&revisions, &entries];
        let new_head: [Parameter<'_>; 2] = [&head, &plan.sealed];
        let pruned = async {
            match prune {
                Some(revision) => self.client.execute(&self.prune, &[&revision]).await,
                None => Ok(0),
            }
        };
        let statements = async {
            tokio::try_join!(
                biased;
                self.unless(created.keys.is_empty(), &self.insert, &insert),
                self.unless(changed.keys.is_empty(), &self.put, &put),
                self.unless(removed.is_empty(), &self.delete, &delete),
                self.client.execute(&self.log, &log),
                pruned,
                self.client.execute(&self.head, &new_head),
            )
        };
        let mut statements = std::pin::pin!(statements);
        let commit = self.client.batch_execute("COMMIT");
        // The first poll sends all of them.
        let sent = poll_fn(|cx| Poll::Ready(statements.as_mut().poll(cx))).await;
        let (statements, commit) = match sent {
            // One could not be sent. Those before it must not be committed without it: the connection is closed.
            Poll::Ready(Err(error)) => return Err(error),
            Poll::Ready(Ok(counts)) => (Ok(counts), commit.await),
            // The commit is sent without waiting for their answers: after a refused one it is a rollback.
            Poll::Pending => tokio::join!(biased; statements, commit),
        };
        match statements {
            Err(error) if error.as_db_error().is_some() => Ok(Err(error)),
            Err(error) => Err(error),
            Ok(_) => commit.map(Ok),
        }
    }

    /// Executes a statement, unless it has nothing to do.
    async fn unless(
        &self,
        is_idle: bool,
        statement: &Statement,
        parameters: &[Parameter<'_>],
    ) -> Result<u64, tokio_postgres::Error> {
        if is_idle { Ok(0) } else { self.client.execute(statement, parameters).await }
    }
}

/// Rows that a statement writes.
#[derive(Default)]
struct Rows<'p> {
    keys: Vec<&'p [u8]>,
    stored: Vec<&'p [u8]>,
}

impl<'p> Rows<'p> {
    fn add(&mut self, key: &'p [u8], stored: &'p [u8]) {
        self.keys.push(key);
        self.stored.push(stored);
    }
}
