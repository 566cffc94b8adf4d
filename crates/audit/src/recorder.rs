//! Takes records from calls: into the call's own commit, or to the writer.

use std::io;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, PoisonError};

use bailiwick_model::{ErrorCode, IamError, Result};
use bailiwick_operation::{DecisionLog, Deployment, Random};
use bailiwick_storage::{Store, Tx};
use bytes::Bytes;
use tokio::sync::oneshot;

use crate::decisions::{AuditDecisions, QueuedDecisions};
use crate::denials::Denials;
use crate::disk::FileSystem;
use crate::limit::RecordRateLimit;
use crate::queue::{Put, Queue};
use crate::row::Row;
use crate::settings::Settings;
use crate::writer::Writer;
use crate::{CloudTrail, Event, LookUp, Stats};

/// The recorder of a server, which all calls share.
pub struct Recorder {
    queue: Arc<Queue>,
    task: Mutex<Option<tokio::task::JoinHandle<()>>>,
    limit: Arc<Mutex<RecordRateLimit>>,
    stats: Arc<Stats>,
    random: Arc<dyn Random>,
    outbox_rows: u64,
    look_up: LookUp,
    denials: Denials,
    cloud_trail: CloudTrail,
    decisions: Option<Arc<QueuedDecisions>>,
}

/// A refused call that gets a record, within the rate limit of its caller or source.
#[derive(Debug)]
#[must_use]
pub struct Admitted {
    /// The number of earlier calls that its record represents as well.
    suppressed: u64,
}

impl Recorder {
    /// Opens the segments and starts the writer. `deployment` gives the id that digests name, and opens the key that signs
    /// them. Must be called within a tokio runtime.
    ///
    /// # Errors
    /// When the folder or its last segment can't be read and written, or the store fails.
    pub async fn start(store: Arc<dyn Store>, deployment: &Deployment, settings: Settings) -> io::Result<Self> {
        let random = Arc::clone(&deployment.random);
        let queue = Arc::<Queue>::default();
        let decisions = (settings.decisions != AuditDecisions::None).then(|| {
            Arc::new(QueuedDecisions {
                queue: Arc::clone(&queue),
                random: Arc::clone(&random),
                clock: Arc::clone(&deployment.clock),
                which: settings.decisions,
                asked: AtomicU64::new(0),
                details: Mutex::default(),
            })
        });
        let limit = Arc::<Mutex<RecordRateLimit>>::default();
        let stats = Arc::<Stats>::default();
        let began = deployment.clock.now();
        let writer = Writer {
            store,
            sealer: Arc::clone(&deployment.sealer),
            deployment: deployment.cluster_id.clone(),
            random: Arc::clone(&random),
            clock: Arc::clone(&deployment.clock),
            queue: Arc::clone(&queue),
            limit: Arc::clone(&limit),
            stats: Arc::clone(&stats),
        };
        let (outbox_rows, folder) = (settings.outbox_rows, settings.folder.clone());
        let mut ready = writer.open(Arc::new(FileSystem), &settings).await?;
        let look_up = LookUp::new(settings.folder, ready.follow_end()?);
        ready.record_unreadable(look_up.unreadable());
        ready.show_lines(look_up.live_index());
        let denials = Denials::new(look_up.clone(), folder, Arc::clone(&queue));
        let task = tokio::spawn(ready.run());
        // Ends with the writer.
        tokio::spawn(look_up.clone().keep_indexes());
        let cloud_trail = CloudTrail::new(look_up.clone(), Arc::clone(&stats), began);
        let task = Mutex::new(Some(task));
        Ok(Recorder { queue, task, limit, stats, random, outbox_rows, look_up, denials, cloud_trail, decisions })
    }

    /// Reads the trail that this recorder writes.
    pub fn look_up(&self) -> &LookUp {
        &self.look_up
    }

    /// Adds a record to a change, so that it exists exactly if the change does.
    ///
    /// # Errors
    /// `ServiceUnavailable` when the outbox is full, `ServiceFailure` when the store fails.
    pub async fn write_into(&self, tx: &mut Tx, event: &Event<'_>) -> Result<()> {
        let (key, row) = keyed(Row::new(event), self.random.as_ref());
        tx.append_outbox(&key, row, self.outbox_rows).await
    }

    /// Adds the record of a change to the store of a stopped server. The size of the outbox is not limited; the server
    /// ships the records at its next start.
    ///
    /// # Errors
    /// `ServiceFailure` when the store fails.
    pub async fn write_offline(tx: &mut Tx, event: &Event<'_>, random: &dyn Random) -> Result<()> {
        let (key, row) = keyed(Row::new(event), random);
        tx.append_outbox(&key, row, u64::MAX).await
    }

    /// Writes the record of a refused call and returns when it is durable. Beyond the rate limit of its caller or
    /// source, the call is only counted.
    ///
    /// # Errors
    /// `ServiceUnavailable` when it could not be written: the caller must not get the answer that it is about.
    pub async fn write_durable(&self, event: &Event<'_>) -> Result<()> {
        match self.admit(event) {
            Some(admitted) => self.write_admitted(admitted, event).await,
            None => Ok(()),
        }
    }

    /// Like [`Self::write_durable`], of a call that was admitted before.
    ///
    /// # Errors
    /// As [`Self::write_durable`].
    pub async fn write_admitted(&self, admitted: Admitted, event: &Event<'_>) -> Result<()> {
        let (waiter, written) = oneshot::channel();
        let Admitted { suppressed } = admitted;
        let put = self.queue.put(&Event { suppressed, ..*event }, Some(waiter)).await;
        self.expect_open(put, event)?;
        if written.await == Ok(true) {
            return Ok(());
        }
        Err(cannot_write())
    }

    /// Writes the record of an issued credential within a second.
    ///
    /// # Errors
    /// `ServiceUnavailable` when none can be written and too many wait already: the caller must not get the answer.
    pub async fn enqueue_required(&self, event: &Event<'_>) -> Result<()> {
        let put = self.queue.put(event, None).await;
        self.expect_open(put, event)?;
        if put == Put::Queued { Ok(()) } else { Err(cannot_write()) }
    }

    /// Writes the record of a call that requires no permissions, such as a malformed one, within a second. Beyond the
    /// rate limit of its caller or source, or when the queue is full, the call is only counted.
    pub fn enqueue_limited(&self, event: &Event<'_>) {
        if let Some(Admitted { suppressed }) = self.admit(event) {
            let put = self.queue.put_now(&Event { suppressed, ..*event });
            // The call needs no permissions and is answered with an error or public facts, so it does not fail.
            let _ = self.expect_open(put, event);
        }
    }

    /// Writes a record within a second. Waits only when too many records wait already. If none can be written, the record
    /// is counted as lost.
    ///
    /// # Errors
    /// `ServiceUnavailable` after [`Self::close`]: the caller must not get the answer.
    pub async fn enqueue(&self, event: &Event<'_>) -> Result<()> {
        let put = self.queue.put(event, None).await;
        self.expect_open(put, event)
    }

    /// How many rows of records wait to be written.
    pub fn queued(&self) -> usize {
        self.queue.rows()
    }

    /// Writes all queued records, then stops. Later records are lost, and calls that require theirs fail.
    pub async fn close(&self) {
        self.queue.close();
        let task = self.task.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(task) = task {
            // The task catches its own failures; a panic in it has been logged by then.
            let _ = task.await;
        }
    }

    /// The trail that this recorder writes, as CloudTrail shows it.
    pub fn cloud_trail(&self) -> &CloudTrail {
        &self.cloud_trail
    }

    /// Counters since the start.
    pub fn stats(&self) -> Arc<Stats> {
        Arc::clone(&self.stats)
    }

    /// Reports a record that came after the log was closed.
    fn expect_open(&self, put: Put, event: &Event<'_>) -> Result<()> {
        if put != Put::Closed {
            return Ok(());
        }
        self.stats.add_lost(1 + event.suppressed);
        let (service, operation) = event.kind.name();
        tracing::error!(service, operation, request_id = event.request.id, "the audit log is closed: a record is lost");
        Err(cannot_write())
    }

    /// Returns whether a refused call gets a record: `None` beyond the rate limit of its caller or source, where it is
    /// counted. Call it once for each call.
    pub fn admit(&self, event: &Event<'_>) -> Option<Admitted> {
        let admitted = self.limit.lock().unwrap_or_else(PoisonError::into_inner).admit(event);
        if admitted.is_none() {
            self.stats.add_suppressed();
        }
        admitted.map(|suppressed| Admitted { suppressed })
    }

    /// Records decisions that other services ask for; `None` if none are recorded.
    pub fn decision_log(&self) -> Option<Arc<dyn DecisionLog>> {
        self.decisions.clone().map(|log| log as Arc<dyn DecisionLog>)
    }

    /// Finds denials by their authorization ids.
    pub fn denials(&self) -> &Denials {
        &self.denials
    }
}

fn cannot_write() -> IamError {
    IamError::new(ErrorCode::ServiceUnavailable, "the audit trail cannot be written")
}

/// Returns a row with its key, which sorts by time and has a random part to make it unique.
pub(crate) fn keyed(row: Row, random: &dyn Random) -> ([u8; 16], Bytes) {
    let (time, row) = row.finish();
    let mut key = [0; 16];
    key[..8].copy_from_slice(&time.to_be_bytes());
    random.fill(&mut key[8..]);
    (key, row)
}
