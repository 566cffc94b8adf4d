//! The writer: one connection, and one transaction for all waiting batches.
//!
//! The row of the head is locked from the first statement to the commit, so that no other server writes in between.

use std::{collections::HashMap, sync::Arc};

use bailiwick_storage::{ChangeSet, StoreError, StoreState};
use bytes::Bytes;
use tokio::{sync::mpsc, time::Instant};
use tokio_postgres::{Client, Row, Statement, types::ToSql};

use crate::{
    Address, Options, Shared,
    connection::{ANSWER, connect, within},
    error::failed,
    history,
    job::{Group, Job, Reply},
    plan::{self, Plan},
    view::{Head, number},
};

/// The maximum number of batches in one transaction, which limits how long the first one waits for the others.
const MAX_GROUP: usize = 256;
/// How long a transaction waits for the lock of the head.
const LOCK_TIMEOUT: &str = "SET lock_timeout = '5s'";

/// A parameter of a statement.
type Parameter<'p> = &'p (dyn ToSql + Sync);

pub(crate) struct Writer {
    shared: Arc<Shared>,
    address: Address,
    options: Options,
    connection: Option<Connection>,
    /// When the next attempt to connect is made, after a failure.
    retry: Instant,
    /// Keeps other servers from a first start at the same time; until the first commit.
    first_start: Option<Client>,
}

/// Why nothing is known to be written.
enum Failure {
    /// Nothing was written.
    Before(StoreError),
    /// The transaction may have been committed.
    Unknown(StoreError),
}

impl Writer {
    pub(crate) fn new(shared: Arc<Shared>, address: Address, options: Options, first_start: Option<Client>) -> Self {
        Writer { shared, address, options, connection: None, retry: Instant::now(), first_start }
    }

    /// Commits what comes until the queue is dropped or a [`Job::Close`] comes.
    pub(crate) async fn run(mut self, mut jobs: mpsc::Receiver<Job>) {
        let mut closing = None;
        while closing.is_none() {
            let is_refusing = self.shared.health.load().is_some();
            let first = tokio::select! {
                job = jobs.recv() => job,
                () = tokio::time::sleep_until(self.retry), if is_refusing => {
                    // Changes are accepted again as soon as there is a connection.
                    let _ = self.connect().await;
                    continue;
                }
            };
            let Some(first) = first else { break };
            let (mut group, mut next) = (Group::new(), Some(first));
            while let Some(job) = next {
                match job {
                    Job::Batch(batch, answer) => group.push((batch, answer)),
                    Job::Close(done) => {
                        closing = Some(done);
                        jobs.close();
                    }
                }
                next = if group.len() < MAX_GROUP { jobs.try_recv().ok() } else { None };
            }
            if !group.is_empty() {
                self.commit(group).await;
            }
        }
        self.shared.generations.close();
        if let Some(done) = closing {
            let _ = done.send(());
        }
    }

    /// Commits a group, and answers every batch of it.
    async fn commit(&mut self, group: Group) {
        let begun = self.begin(&group).await;
        let (stored, state) = match begun {
            Ok(begun) => begun,
            Err(error) => return self.refuse(group.into_iter().map(|(_, answer)| answer), &error),
        };
        let retention = self.options.log_retention;
        let plan = match Plan::of(group, stored, state, &self.shared.authenticator, retention) {
            Ok(plan) => plan,
            // The answers were dropped, so the callers learn that the outcome is unknown; nothing was written.
            Err(error) => return self.refuse([], &error),
        };
        let outcome = self.finish(&plan).await;
        let Plan { planned, unchanged, state, .. } = plan;
        match outcome {
            Ok(()) => {
                self.publish(&planned).await;
                for (set, answer) in planned {
                    // The caller may have been dropped.
                    let _ = answer.send(Ok(set.revision));
                }
                unchanged.into_iter().for_each(|answer| drop(answer.send(Ok(state.head))));
            }
            Err(Failure::Before(error)) => {
                self.refuse(unchanged.into_iter().chain(planned.into_iter().map(|(_, answer)| answer)), &error);
            }
            Err(Failure::Unknown(error)) => {
                let why = error.to_string();
                for (_, answer) in planned {
                    let _ = answer.send(Err(StoreError::Unknown(why.clone().into())));
                }
                self.refuse(unchanged, &error);
            }
        }
    }

    /// Begins a transaction, and returns the rows of a group and the state of the store, which stays as it is until the end
    /// of the transaction.
    async fn begin(&mut self, group: &Group) -> Result<(HashMap<Bytes, Bytes>, StoreState), StoreError> {
        if self.shared.health.load().is_some() && Instant::now() < self.retry {
            let why = self.shared.health.load().as_ref().map_or_else(String::new, |why| why.to_string());
            return Err(StoreError::Unreachable(why));
        }
        let (epoch, authenticator) = (self.shared.epoch, self.shared.authenticator.clone());
        let newest = self.shared.generations.position();
        let connection = self.connect().await?;
        let keys = plan::keys(group);
        let (head, stored) = within(ANSWER, connection.begin(&keys)).await?;
        let head = Head::read(&head)?;
        let state = head.state(&authenticator)?;
        if head.epoch != epoch || state.head < newest {
            return Err(StoreError::Unreachable(
                "the database is not the one that was opened, or an older copy".into(),
            ));
        }
        Ok((stored, state))
    }

    /// Writes and commits the plan, and finds out whether it was committed if the connection is lost.
    async fn finish(&mut self, plan: &Plan) -> Result<(), Failure> {
        let lost = || Failure::Before(StoreError::Unreachable("the connection was lost".into()));
        let connection = self.connection.as_ref().ok_or_else(lost)?;
        if plan.planned.is_empty() {
            return within(ANSWER, connection.client.batch_execute("ROLLBACK")).await.map_err(Failure::Before);
        }
        let state = plan.state.seal(&self.shared.authenticator).map_err(Failure::Before)?;
        let written = within(ANSWER, connection.write(plan, &state)).await;
        let error = match written {
            Ok(Ok(())) => {
                // Other servers may start now.
                self.first_start = None;
                return Ok(());
            }
            Ok(Err(refused)) => return Err(Failure::Before(refused)),
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

    /// Finds out whether a plan was committed, over another connection. The lock of the head is waited for, so that the
    /// transaction has ended. The end of this one waits for the standbys as that one did, if it was ended while it waited.
    async fn resolve(&mut self, plan: &Plan) -> Result<bool, StoreError> {
        let (epoch, missing) = (self.shared.epoch, || StoreError::Corrupt("a plan has no entry".into()));
        let (revision, entry) = plan.log.last().ok_or_else(missing)?;
        let connection = self.connect().await?;
        let (head, _) = within(ANSWER, connection.begin(&[])).await?;
        let query = "SELECT entry FROM bailiwick_log WHERE revision = $1";
        let found = within(ANSWER, connection.client.query_opt(query, &[&number(*revision)])).await?;
        let end = if found.is_some() { "COMMIT" } else { "ROLLBACK" };
        within(ANSWER, connection.client.batch_execute(end)).await?;
        if Head::read(&head)?.epoch != epoch {
            return Err(StoreError::Unreachable("the database is another one".into()));
        }
        Ok(found.is_some_and(|row| row.get::<_, &[u8]>(0) == entry))
    }

    /// Publishes change sets; if the follower has not seen those before them, waits until it has.
    async fn publish(&self, planned: &[(Arc<ChangeSet>, Reply)]) {
        let sets: Vec<Arc<ChangeSet>> = planned.iter().map(|(set, _)| set.clone()).collect();
        if let Some(last) = sets.last()
            && !self.shared.generations.publish(&sets)
        {
            self.shared.generations.reached(last.revision).await;
        }
    }

    /// Answers that nothing was written, and drops the connection.
    fn refuse(&mut self, answers: impl IntoIterator<Item = Reply>, error: &StoreError) {
        let why = error.to_string();
        for answer in answers {
            let _ = answer.send(Err(StoreError::ReadOnly(why.clone())));
        }
        self.connection = None;
        if self.shared.health.load().is_none() {
            tracing::error!(%error, "the database cannot be written: changes are refused until it can");
            self.retry = Instant::now() + self.options.retry;
        }
        self.shared.health.store(Some(Arc::new(why)));
    }

    async fn connect(&mut self) -> Result<&Connection, StoreError> {
        if self.connection.as_ref().is_some_and(|connection| connection.client.is_closed()) {
            self.connection = None;
        }
        let connection = match self.connection.take() {
            Some(connection) => connection,
            None => match Connection::open(&self.address, &self.shared).await {
                Ok(connection) => connection,
                Err(error) => {
                    self.retry = Instant::now() + self.options.retry;
                    self.shared.health.store(Some(Arc::new(error.to_string())));
                    return Err(error);
                }
            },
        };
        if self.shared.health.swap(None).is_some() {
            tracing::info!("the database can be written again");
        }
        Ok(self.connection.insert(connection))
    }
}

/// The connection of the writer, with its statements.
struct Connection {
    client: Client,
    lock: Statement,
    read: Statement,
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
                client.prepare("SELECT key, stored FROM bailiwick_rows WHERE key = ANY($1)"),
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
        let (lock, read, put, delete, log, prune, head) = within(ANSWER, prepared).await?;
        Ok(Connection { client, lock, read, put, delete, log, prune, head })
    }

    /// Begins a transaction, locks the head and reads rows. The statements are sent together; each sees what was committed
    /// when it begins, so the rows are those under the lock.
    async fn begin(&self, keys: &[Bytes]) -> Result<(Row, HashMap<Bytes, Bytes>), tokio_postgres::Error> {
        let keys: Vec<&[u8]> = keys.iter().map(|key| &**key).collect();
        let begin = self.client.batch_execute("BEGIN ISOLATION LEVEL READ COMMITTED");
        let head = self.client.query_one(&self.lock, &[]);
        let parameters: [Parameter<'_>; 1] = [&keys];
        let rows = self.client.query(&self.read, &parameters);
        let (_, head, rows) = tokio::try_join!(biased; begin, head, rows)?;
        let row = |row: &tokio_postgres::Row| (Bytes::copy_from_slice(row.get(0)), Bytes::copy_from_slice(row.get(1)));
        Ok((head, rows.iter().map(row).collect()))
    }

    /// Writes a plan and commits it. The inner error means that the database refused a statement, so that nothing was
    /// written; after the outer one it is unknown.
    async fn write(&self, plan: &Plan, state: &[u8]) -> Result<Result<(), StoreError>, tokio_postgres::Error> {
        let (mut keys, mut stored, mut removed) = (Vec::<&[u8]>::new(), Vec::<&[u8]>::new(), Vec::<&[u8]>::new());
        for (key, row) in &plan.rows {
            match row {
                Some(row) => {
                    keys.push(key);
                    stored.push(row);
                }
                None => removed.push(key),
            }
        }
        let (revisions, entries): (Vec<i64>, Vec<&[u8]>) =
            plan.log.iter().map(|(revision, entry)| (number(*revision), &**entry)).unzip();
        let (head, prune) = (number(plan.state.head), plan.prune.map(number));
        let put: [Parameter<'_>; 2] = [&keys, &stored];
        let delete: [Parameter<'_>; 1] = [&removed];
        let log: [Parameter<'_>; 2] = [&revisions, &entries];
        let new_head: [Parameter<'_>; 2] = [&head, &state];
        let pruned = async {
            match prune {
                Some(revision) => self.client.execute(&self.prune, &[&revision]).await,
                None => Ok(0),
            }
        };
        let statements = async {
            tokio::try_join!(
                biased;
                self.client.execute(&self.put, &put),
                self.client.execute(&self.delete, &delete),
                self.client.execute(&self.log, &log),
                pruned,
                self.client.execute(&self.head, &new_head),
            )
        };
        // The commit is sent after the statements, without waiting for them: after a refused one it is a rollback.
        let (statements, commit) = tokio::join!(biased; statements, self.client.batch_execute("COMMIT"));
        match statements {
            Err(error) if error.as_db_error().is_some() => Ok(Err(failed(&error))),
            Err(error) => Err(error),
            Ok(_) => commit.map(Ok),
        }
    }
}
