//! Writes records that are not part of a change's own commit.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bailiwick_model::limits::Quotas;
use bailiwick_model::{IamError, Result};
use bailiwick_operation::Random;
use bailiwick_storage::{At, CommitError, Store, Tx};
use bytes::Bytes;
use tokio::sync::{Notify, oneshot};

use crate::Event;
use crate::flood::Flood;
use crate::row::Row;

/// How long a record that nobody waits for may wait for company.
const LINGER: Duration = Duration::from_millis(500);
/// Rows that may wait; beyond that, calls wait with them.
const QUEUE: usize = 128;
/// Rows in one commit.
const BATCH: usize = 16;
/// Attempts at a commit that the store refuses.
const ATTEMPTS: u32 = 5;
/// Rows that may wait in the outbox before changes are refused.
///
/// Nothing takes rows out of the outbox yet; until something does, a bound would only stop the server.
const MAX_OUTBOX: u64 = u64::MAX;

/// What calls and the writer share. Calls only put records here; the writer comes by now and then, or is called when
/// somebody waits, so that a record of a read wakes nobody.
#[derive(Default)]
struct Queue {
    state: Mutex<State>,
    /// Calls the writer.
    urgent: Notify,
    /// Tells calls that there is room again.
    room: Notify,
}

#[derive(Default)]
struct State {
    /// The last of them takes further records.
    rows: Vec<Row>,
    /// Who waits for a record to be durable, and in which row it is.
    waiters: Vec<(usize, Waiter)>,
    closed: bool,
}

type Waiter = oneshot::Sender<Result<(), ()>>;

impl Queue {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a record in, when there is room; false when no more are taken.
    async fn put(&self, event: &Event<'_>, waiter: Option<Waiter>) -> bool {
        loop {
            let room = self.room.notified();
            {
                let mut state = self.state();
                if state.closed {
                    return false;
                }
                if state.rows.len() < QUEUE {
                    if state.put(event, waiter) {
                        self.urgent.notify_one();
                    }
                    return true;
                }
            }
            room.await;
        }
    }
}

impl State {
    /// Puts a record in; true when the writer should come.
    fn put(&mut self, event: &Event<'_>, waiter: Option<Waiter>) -> bool {
        let begun = !self.rows.last_mut().is_some_and(|row| row.push(event));
        if begun {
            self.rows.push(Row::new(event));
        }
        let waited_for = waiter.is_some();
        self.waiters.extend(waiter.map(|waiter| (self.rows.len() - 1, waiter)));
        waited_for || begun && self.rows.len() == BATCH + 1
    }
}

/// The one writer of records, shared by all calls.
pub struct Recorder {
    queue: Arc<Queue>,
    task: Mutex<Option<tokio::task::JoinHandle<()>>>,
    flood: Mutex<Flood>,
    random: Arc<dyn Random>,
}

impl Recorder {
    /// Starts the writer. Must be called within a tokio runtime.
    pub fn start(store: Arc<dyn Store>, random: Arc<dyn Random>) -> Self {
        let queue = Arc::<Queue>::default();
        let writer = Writer { store, quotas: Arc::default(), random: Arc::clone(&random), queue: Arc::clone(&queue) };
        let task = tokio::spawn(writer.run());
        Recorder { queue, task: Mutex::new(Some(task)), flood: Mutex::default(), random }
    }

    /// Adds a record to a change, so that it exists exactly if the change does.
    ///
    /// # Errors
    /// `ServiceUnavailable` when more records wait to be shipped than may, `ServiceFailure` when the store fails.
    pub async fn write_into(&self, tx: &mut Tx, event: &Event<'_>) -> Result<()> {
        let (key, row) = keyed(Row::new(event), self.random.as_ref());
        tx.append_outbox(&key, row, MAX_OUTBOX).await
    }

    /// Writes a record and returns when it is durable.
    ///
    /// # Errors
    /// `ServiceUnavailable` when it could not be written: the caller must not get the answer that it is about.
    pub async fn before_answer(&self, event: &Event<'_>) -> Result<()> {
        let (waiter, written) = oneshot::channel();
        let sent = self.queue.put(event, Some(waiter)).await;
        if sent && matches!(written.await, Ok(Ok(()))) {
            return Ok(());
        }
        Err(IamError::new(bailiwick_model::ErrorCode::ServiceUnavailable, "the audit trail cannot be written"))
    }

    /// The same for failures to authenticate, which are counted per source when they come in floods.
    ///
    /// # Errors
    /// As [`before_answer`](Self::before_answer).
    pub async fn before_answer_bounded(&self, event: &Event<'_>) -> Result<()> {
        let (source, now) = (event.request.source_ip, event.time);
        let admitted = self.flood.lock().unwrap_or_else(PoisonError::into_inner).admit(source, now);
        match admitted {
            Some(suppressed) => self.before_answer(&Event { suppressed, ..*event }).await,
            None => Ok(()),
        }
    }

    /// Writes a record within a second. Waits only when too many records wait already.
    pub async fn soon(&self, event: &Event<'_>) {
        self.queue.put(event, None).await;
    }

    /// How many rows of records wait to be written.
    pub fn queued(&self) -> usize {
        self.queue.state().rows.len()
    }

    /// Writes what waits, then stops; later records are lost and calls that need them fail.
    pub async fn close(&self) {
        self.queue.state().closed = true;
        self.queue.urgent.notify_one();
        let task = self.task.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(task) = task {
            // The task catches its own failures; a panic in it has been logged by then.
            let _ = task.await;
        }
    }
}

/// A row with its key, which orders rows by time and tells apart those of one microsecond.
fn keyed(row: Row, random: &dyn Random) -> ([u8; 16], Bytes) {
    let (time, row) = row.finish();
    let mut key = [0; 16];
    key[..8].copy_from_slice(&time.to_be_bytes());
    random.fill(&mut key[8..]);
    (key, row)
}

struct Writer {
    store: Arc<dyn Store>,
    quotas: Arc<Quotas>,
    random: Arc<dyn Random>,
    queue: Arc<Queue>,
}

impl Writer {
    async fn run(self) {
        loop {
            // Either is a reason to look; what was put in meanwhile is found all the same.
            let _ = tokio::time::timeout(LINGER, self.queue.urgent.notified()).await;
            let (rows, waiters, closed) = {
                let mut state = self.queue.state();
                (std::mem::take(&mut state.rows), std::mem::take(&mut state.waiters), state.closed)
            };
            self.queue.room.notify_waiters();
            let rows: Vec<_> = rows.into_iter().map(|row| keyed(row, self.random.as_ref())).collect();
            let mut waiters = waiters.into_iter().peekable();
            for (number, batch) in rows.chunks(BATCH).enumerate() {
                let outcome = self.write(batch).await;
                while let Some((_, waiter)) = waiters.next_if(|(row, _)| *row < (number + 1) * BATCH) {
                    // Whoever waited may have gone away.
                    let _ = waiter.send(outcome);
                }
            }
            if closed {
                return;
            }
        }
    }

    async fn write(&self, rows: &[([u8; 16], Bytes)]) -> Result<(), ()> {
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

    async fn commit(&self, rows: &[([u8; 16], Bytes)]) -> Result<(), CommitError> {
        let mut tx = Tx::begin(Arc::clone(&self.store), Arc::clone(&self.quotas), At::Latest).await?;
        for (key, row) in rows {
            tx.append_outbox(key, row.clone(), MAX_OUTBOX).await?;
        }
        tx.commit().await.map(drop)
    }
}
