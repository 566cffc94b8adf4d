//! Writes records that are not part of a change's own commit.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bailiwick_model::limits::Quotas;
use bailiwick_model::{IamError, Result};
use bailiwick_operation::Random;
use bailiwick_storage::{At, CommitError, Store, Tx};
use jiff::Timestamp;
use prost::Message as _;
use tokio::sync::{Notify, oneshot};

use crate::Record;
use crate::flood::Flood;

/// How long a record that nobody waits for may wait for company.
const LINGER: Duration = Duration::from_millis(500);
/// Records that may wait; beyond that, calls wait with them.
const QUEUE: usize = 8_192;
/// Records in one commit.
const BATCH: usize = 2_048;
/// Bytes of records in one row, about: enough that rows are few, and far below the largest value.
const ROW: usize = 32 * 1024;
/// Attempts at a commit that the store refuses.
const ATTEMPTS: u32 = 5;
/// Rows that may wait in the outbox before changes are refused.
///
/// Nothing takes rows out of the outbox yet; until something does, a bound would only stop the server.
const MAX_OUTBOX: u64 = u64::MAX;

struct Waiting {
    record: Record,
    /// Who waits for the record to be durable.
    waiter: Option<oneshot::Sender<Result<(), ()>>>,
}

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
    waiting: Vec<Waiting>,
    closed: bool,
}

impl Queue {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Puts a record in, when there is room; false when no more are taken.
    async fn put(&self, waiting: Waiting) -> bool {
        loop {
            let room = self.room.notified();
            {
                let mut state = self.state();
                if state.closed {
                    return false;
                }
                if state.waiting.len() < QUEUE {
                    let urgent = waiting.waiter.is_some() || state.waiting.len() == BATCH;
                    state.waiting.push(waiting);
                    if urgent {
                        self.urgent.notify_one();
                    }
                    return true;
                }
            }
            room.await;
        }
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
    pub async fn write_into(&self, tx: &mut Tx, record: &Record) -> Result<()> {
        let key = key(record, self.random.as_ref());
        tx.append_outbox(&key, Record::encode_row([record]), MAX_OUTBOX).await
    }

    /// Writes a record and returns when it is durable.
    ///
    /// # Errors
    /// `ServiceUnavailable` when it could not be written: the caller must not get the answer that it is about.
    pub async fn before_answer(&self, record: Record) -> Result<()> {
        let (waiter, written) = oneshot::channel();
        let sent = self.send(record, Some(waiter)).await;
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
        self.send(record, None).await;
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

    async fn send(&self, record: Record, waiter: Option<oneshot::Sender<Result<(), ()>>>) -> bool {
        self.queue.put(Waiting { record, waiter }).await
    }
}

/// Orders rows by time and tells apart those of one microsecond.
fn key(record: &Record, random: &dyn Random) -> [u8; 16] {
    let mut key = [0; 16];
    key[..8].copy_from_slice(&record.event_time.to_be_bytes());
    random.fill(&mut key[8..]);
    key
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
            let (waiting, closed) = {
                let mut state = self.queue.state();
                (std::mem::take(&mut state.waiting), state.closed)
            };
            self.queue.room.notify_waiters();
            let mut waiting = waiting;
            while !waiting.is_empty() {
                let batch: Vec<_> = waiting.drain(..waiting.len().min(BATCH)).collect();
                let outcome = self.write(&batch).await;
                for waiter in batch.into_iter().filter_map(|waiting| waiting.waiter) {
                    // Whoever waited may have gone away.
                    let _ = waiter.send(outcome);
                }
            }
            if closed {
                return;
            }
        }
    }

    async fn write(&self, waiting: &[Waiting]) -> Result<(), ()> {
        for attempt in 1..=ATTEMPTS {
            match self.commit(waiting).await {
                Ok(()) => return Ok(()),
                Err(error) => {
                    tracing::error!(?error, attempt, records = waiting.len(), "audit records could not be written");
                    tokio::time::sleep(Duration::from_millis(20) * attempt).await;
                }
            }
        }
        Err(())
    }

    async fn commit(&self, waiting: &[Waiting]) -> Result<(), CommitError> {
        let mut tx = Tx::begin(Arc::clone(&self.store), Arc::clone(&self.quotas), At::Latest).await?;
        for records in rows(waiting) {
            let key = key(&records[0].record, self.random.as_ref());
            let row = Record::encode_row(records.iter().map(|waiting| &waiting.record));
            tx.append_outbox(&key, row, MAX_OUTBOX).await?;
        }
        tx.commit().await.map(drop)
    }
}

/// Cuts records into rows of about the wanted size; none is empty.
fn rows(waiting: &[Waiting]) -> impl Iterator<Item = &[Waiting]> {
    let mut rest = waiting;
    std::iter::from_fn(move || {
        let mut size = 0;
        let fits = rest.iter().take_while(|waiting| {
            size += waiting.record.encoded_len();
            size <= ROW
        });
        let (row, after) = rest.split_at_checked(fits.count().max(1))?;
        rest = after;
        Some(row)
    })
}

#[cfg(test)]
mod tests {
    use bailiwick_storage::MemoryStore;
    use bytes::Bytes;

    use super::*;

    struct Counting(std::sync::atomic::AtomicU64);

    impl Random for Counting {
        fn fill(&self, buffer: &mut [u8]) {
            let next = self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed).to_be_bytes();
            buffer.copy_from_slice(&next[8 - buffer.len().min(8)..]);
        }
    }

    fn record(time: i64, size: usize) -> Record {
        Record { event_time: time, request_parameters: Bytes::from(vec![b'x'; size]), ..Record::default() }
    }

    async fn stored(store: &Arc<dyn Store>) -> (usize, Vec<Record>) {
        let tx = Tx::begin(Arc::clone(store), Arc::default(), At::Latest).await.unwrap();
        let rows = tx.list_outbox(None, 10_000).await.unwrap();
        (rows.len(), rows.iter().flat_map(|row| Record::decode_row(&row.event).unwrap()).collect())
    }

    #[tokio::test]
    async fn no_record_is_lost_and_those_that_nobody_waits_for_share_rows() {
        let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
        let recorder = Recorder::start(Arc::clone(&store), Arc::new(Counting(0.into())));
        let expected: Vec<_> = (0..500).map(|i| record(i, if i % 50 == 0 { 20_000 } else { 100 })).collect();
        for record in &expected {
            recorder.soon(record.clone()).await;
        }
        recorder.close().await;
        let (rows, records) = stored(&store).await;
        assert_eq!(records, expected);
        assert!(rows < 100, "{rows} rows");
    }

    #[tokio::test]
    async fn who_waits_finds_the_record_written() {
        let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
        let recorder = Recorder::start(Arc::clone(&store), Arc::new(Counting(0.into())));
        recorder.before_answer(record(1, 10)).await.unwrap();
        assert_eq!(stored(&store).await.1, [record(1, 10)]);
        recorder.close().await;
        assert!(recorder.before_answer(record(2, 10)).await.is_err(), "no answer without its record");
    }
}
