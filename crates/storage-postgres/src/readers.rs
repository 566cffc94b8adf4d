//! Connections for reading: as many as there are views at the same time, and some that wait for the next ones.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError, atomic::AtomicBool},
    time::Duration,
};

use bailiwick_storage::{OutageReason, StoreError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_postgres::{Client, Row, Statement};

use crate::{
    Address,
    connection::{ANSWER, connect, within},
    lease::Lease,
};

/// How long a view waits for a connection.
const WAIT: Duration = Duration::from_secs(5);

/// The connections for reading.
#[derive(Debug)]
pub struct Readers {
    address: Address,
    lease: Lease,
    idle: Arc<Mutex<Idle>>,
    places: Arc<Semaphore>,
}

/// Connections that no view has.
#[derive(Debug, Default)]
struct Idle {
    /// Connections of earlier series are not used again.
    series: u64,
    readers: Vec<Reader>,
}

fn lock(idle: &Mutex<Idle>) -> MutexGuard<'_, Idle> {
    // It is consistent at every step.
    idle.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A connection with its statements.
pub(crate) struct Reader {
    pub(crate) client: Client,
    series: u64,
    /// Whether the history of the database was compared over this connection.
    pub(crate) is_checked: AtomicBool,
    head: Statement,
    pub(crate) get: Statement,
    pub(crate) scan: Scans,
    pub(crate) revisions: Scans,
}

impl std::fmt::Debug for Reader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reader").finish_non_exhaustive()
    }
}

/// A statement for keys from one on, and one that ends before another.
pub(crate) struct Scans {
    pub(crate) from: Statement,
    pub(crate) between: Statement,
}

impl Scans {
    async fn prepare(client: &Client, columns: &str) -> Result<Self, tokio_postgres::Error> {
        let select = format!("SELECT {columns} FROM bailiwick_rows WHERE key >= $1");
        let from = format!("{select} ORDER BY key LIMIT $2");
        let between = format!("{select} AND key < $3 ORDER BY key LIMIT $2");
        let (from, between) = tokio::try_join!(biased; client.prepare(&from), client.prepare(&between))?;
        Ok(Scans { from, between })
    }
}

/// A connection whose transaction shows one revision.
#[derive(Debug)]
pub(crate) struct Snapshot {
    reader: Option<Reader>,
    idle: Arc<Mutex<Idle>>,
    place: Option<OwnedSemaphorePermit>,
}

impl Readers {
    pub(crate) fn new(address: Address, count: usize, lease: Lease) -> Self {
        Readers { address, lease, idle: Arc::default(), places: Arc::new(Semaphore::new(count.max(1))) }
    }

    /// Begins a transaction that shows the newest revision, and returns it with the row of the head.
    pub(crate) async fn begin(&self) -> Result<(Snapshot, Row), StoreError> {
        let busy = || StoreError::unreachable(OutageReason::Busy, "all connections for reading are in use");
        let place = tokio::time::timeout(WAIT, Arc::clone(&self.places).acquire_owned()).await.map_err(|_| busy())?;
        let place = place.map_err(|_| StoreError::Closed)?;
        loop {
            let (idle, series) = {
                let mut idle = lock(&self.idle);
                (idle.readers.pop(), idle.series)
            };
            let is_new = idle.is_none();
            let reader = match idle {
                Some(reader) => reader,
                None => self.open(series).await?,
            };
            match within(ANSWER, reader.begin()).await {
                Ok(head) => {
                    let snapshot = Snapshot { reader: Some(reader), idle: self.idle.clone(), place: Some(place) };
                    return Ok((snapshot, head));
                }
                // The connection may have been lost while it was idle, and others with it.
                Err(StoreError::Unreachable(_)) if !is_new => self.forget(),
                Err(error) => return Err(error),
            }
        }
    }

    /// Ends the use of the database by this process.
    pub(crate) async fn leave(&self) {
        self.lease.leave(&self.address).await;
    }

    /// Uses no connection again that was made before: they may be to a database that was replaced.
    pub(crate) fn forget(&self) {
        let mut idle = lock(&self.idle);
        idle.series += 1;
        idle.readers.clear();
    }

    async fn open(&self, series: u64) -> Result<Reader, StoreError> {
        let client = connect(&self.address).await?;
        let columns = "key, substring(stored from 1 for 24)";
        let prepared = async {
            tokio::try_join!(
                biased;
                client.prepare("SELECT epoch, revision, state FROM bailiwick_head"),
                client.prepare("SELECT stored FROM bailiwick_rows WHERE key = $1"),
                Scans::prepare(&client, "key, stored"),
                Scans::prepare(&client, columns),
            )
        };
        let (head, get, scan, revisions) = within(ANSWER, prepared).await?;
        Ok(Reader { client, series, is_checked: AtomicBool::new(false), head, get, scan, revisions })
    }
}

impl Reader {
    async fn begin(&self) -> Result<Row, tokio_postgres::Error> {
        let begin = self.client.batch_execute("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY");
        // Sent together; the transaction shows what is committed at its first statement.
        let (_, head) = tokio::try_join!(biased; begin, self.client.query_one(&self.head, &[]))?;
        Ok(head)
    }
}

impl Snapshot {
    /// The connection.
    pub(crate) fn reader(&self) -> Result<&Reader, StoreError> {
        self.reader.as_ref().ok_or(StoreError::Closed)
    }
}

impl Drop for Snapshot {
    fn drop(&mut self) {
        let (Some(reader), Some(place), Ok(runtime)) =
            (self.reader.take(), self.place.take(), tokio::runtime::Handle::try_current())
        else {
            return;
        };
        let idle = self.idle.clone();
        runtime.spawn(async move {
            // A transaction that stays open would keep old versions of rows.
            if within(ANSWER, reader.client.batch_execute("ROLLBACK")).await.is_ok() {
                let mut idle = lock(&idle);
                if reader.series == idle.series {
                    idle.readers.push(reader);
                }
            }
            drop(place);
        });
    }
}
