//! Writes records that are not part of a change's own commit.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bailiwick_model::limits::Quotas;
use bailiwick_model::{IamError, Result};
use bailiwick_operation::Random;
use bailiwick_storage::{At, CommitError, Store, Tx};
use bytes::Bytes;
use jiff::Timestamp;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use crate::Record;
use crate::flood::Flood;

/// How long a record that nobody waits for may wait for company.
const LINGER: Duration = Duration::from_millis(500);
/// Records that may wait; beyond that, calls wait with them.
const QUEUE: usize = 8_192;
/// Records in one commit.
const BATCH: usize = 2_048;
/// Attempts at a commit that the store refuses.
const ATTEMPTS: u32 = 5;
/// Rows that may wait in the outbox before changes are refused.
///
/// Nothing takes rows out of the outbox yet; until something does, a bound would only stop the server.
const MAX_OUTBOX: u64 = u64::MAX;

struct Row {
    key: [u8; 16],
    event: Bytes,
    /// Who waits for the row to be durable.
    waiter: Option<oneshot::Sender<Result<(), ()>>>,
}

/// The one writer of records, shared by all calls.
pub struct Recorder {
    rows: Mutex<Option<mpsc::Sender<Row>>>,
    task: Mutex<Option<tokio::task::JoinHandle<()>>>,
    flood: Mutex<Flood>,
    random: Arc<dyn Random>,
}

impl Recorder {
    /// Starts the writer. Must be called within a tokio runtime.
    pub fn start(store: Arc<dyn Store>, random: Arc<dyn Random>) -> Self {
        let (sender, receiver) = mpsc::channel(QUEUE);
        let task = tokio::spawn(Writer { store, quotas: Arc::default(), receiver }.run());
        Recorder { rows: Mutex::new(Some(sender)), task: Mutex::new(Some(task)), flood: Mutex::default(), random }
    }

    /// Adds a record to a change, so that it exists exactly if the change does.
    ///
    /// # Errors
    /// `ServiceUnavailable` when more records wait to be shipped than may, `ServiceFailure` when the store fails.
    pub async fn write_into(&self, tx: &mut Tx, record: &Record) -> Result<()> {
        tx.append_outbox(&self.key(record), record.encode_stored(), MAX_OUTBOX).await
    }

    /// Writes a record and returns when it is durable.
    ///
    /// # Errors
    /// `ServiceUnavailable` when it could not be written: the caller must not get the answer that it is about.
    pub async fn before_answer(&self, record: Record) -> Result<()> {
        let (waiter, written) = oneshot::channel();
        let sent = self.send(&record, Some(waiter)).await;
        if sent && matches!(written.await, Ok(Ok(()))) {
            return Ok(());
        }
        Err(IamError::new(bailiwick_model::ErrorCode::ServiceUnavailable, "the audit trail cannot be written"))
    }

    /// The same for failures to authenticate, which are counted per source when they come in floods.
    ///
    /// # Errors
    /// As [`before_answer`](Self::before_answer).
    pub async fn before_answer_bounded(
        &self,
        mut record: Record,
        source: Option<IpAddr>,
        now: Timestamp,
    ) -> Result<()> {
        let admitted = self.flood.lock().unwrap_or_else(PoisonError::into_inner).admit(source, now);
        match admitted {
            Some(suppressed) => {
                record.suppressed = suppressed;
                self.before_answer(record).await
            }
            None => Ok(()),
        }
    }

    /// Writes a record within a second. Waits only when too many records wait already.
    pub async fn soon(&self, record: Record) {
        self.send(&record, None).await;
    }

    /// Writes what waits, then stops; later records are lost and calls that need them fail.
    pub async fn close(&self) {
        drop(self.rows.lock().unwrap_or_else(PoisonError::into_inner).take());
        let task = self.task.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(task) = task {
            // The task catches its own failures; a panic in it has been logged by then.
            let _ = task.await;
        }
    }

    async fn send(&self, record: &Record, waiter: Option<oneshot::Sender<Result<(), ()>>>) -> bool {
        let row = Row { key: self.key(record), event: record.encode_stored(), waiter };
        let sender = self.rows.lock().unwrap_or_else(PoisonError::into_inner).clone();
        match sender {
            Some(sender) => sender.send(row).await.is_ok(),
            None => false,
        }
    }

    /// Orders rows by time and tells apart those of one microsecond.
    fn key(&self, record: &Record) -> [u8; 16] {
        let mut key = [0; 16];
        key[..8].copy_from_slice(&record.event_time.to_be_bytes());
        self.random.fill(&mut key[8..]);
        key
    }
}

struct Writer {
    store: Arc<dyn Store>,
    quotas: Arc<Quotas>,
    receiver: mpsc::Receiver<Row>,
}

impl Writer {
    async fn run(mut self) {
        let mut rows = Vec::with_capacity(BATCH);
        while let Some(first) = self.receiver.recv().await {
            let deadline = Instant::now() + LINGER;
            rows.push(first);
            self.fill(&mut rows, deadline).await;
            let outcome = self.write(&rows).await;
            for waiter in rows.drain(..).filter_map(|row| row.waiter) {
                // Whoever waited may have gone away.
                let _ = waiter.send(outcome);
            }
        }
    }

    /// Takes more rows until the batch is full, the time is up, or somebody waits and nothing more is at hand.
    async fn fill(&mut self, rows: &mut Vec<Row>, deadline: Instant) {
        let mut urgent = rows.iter().any(|row| row.waiter.is_some());
        while rows.len() < BATCH {
            let next = if urgent {
                self.receiver.try_recv().ok()
            } else {
                tokio::time::timeout_at(deadline, self.receiver.recv()).await.ok().flatten()
            };
            let Some(row) = next else { return };
            urgent |= row.waiter.is_some();
            rows.push(row);
        }
    }

    async fn write(&self, rows: &[Row]) -> Result<(), ()> {
        for attempt in 1..=ATTEMPTS {
            match self.commit(rows).await {
                Ok(()) => return Ok(()),
                Err(error) => {
                    tracing::error!(?error, attempt, rows = rows.len(), "audit records could not be written");
                    tokio::time::sleep(Duration::from_millis(20) * attempt).await;
                }
            }
        }
        Err(())
    }

    async fn commit(&self, rows: &[Row]) -> Result<(), CommitError> {
        let mut tx = Tx::begin(Arc::clone(&self.store), Arc::clone(&self.quotas), At::Latest).await?;
        for row in rows {
            tx.append_outbox(&row.key, row.event.clone(), MAX_OUTBOX).await?;
        }
        tx.commit().await.map(drop)
    }
}
