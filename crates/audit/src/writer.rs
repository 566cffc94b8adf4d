//! The writer of segments: it writes the records of the queue and of the outbox.
//!
//! Outbox rows are removed only when their records are durable, in one transaction with the checkpoint of the segments.
//! After a crash in between, the outbox still has rows whose records are in segments: those after the checkpoint are
//! skipped.

use std::collections::HashSet;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bailiwick_operation::{Clock, Random};
use bailiwick_seal::Sealer;
use bailiwick_storage::{At, CommitError, Store, Tx};
use bytes::Bytes;
use tokio::sync::watch;

use crate::checkpoint::Checkpoint;
use crate::digest::log::DigestLog;
use crate::disk::Disk;
use crate::documents::{Documents, PolicyDocument};
use crate::limit::RecordRateLimit;
use crate::look_up::UnreadableSegments;
use crate::queue::{Drained, Queue, Waiter};
use crate::row::Row;
use crate::segments::{LineObserver, Segments};
use crate::{Record, Retention, Settings, Stats};
use digests::DigestState;
use housekeeping::Housekeeping;

/// How long a record may stay in the queue if no call waits for it, and the pause after a failed write.
const FLUSH_INTERVAL: Duration = Duration::from_millis(500);
/// Rows of the outbox that are shipped at once.
const OUTBOX_BATCH: usize = 512;
/// The checkpoint is stored at least every so many bytes, which bounds the work after a crash.
const CHECKPOINT_BYTES: u64 = 8 * 1024 * 1024;

/// A writer whose segments are not open yet.
pub(crate) struct Writer {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) sealer: Arc<Sealer>,
    /// The id of the deployment, which digests name.
    pub(crate) deployment: String,
    pub(crate) random: Arc<dyn Random>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) queue: Arc<Queue>,
    pub(crate) limit: Arc<Mutex<RecordRateLimit>>,
    pub(crate) stats: Arc<Stats>,
}

/// A writer that can write.
pub(crate) struct OpenWriter {
    writer: Writer,
    /// Not there while a thread for blocking work has them.
    segments: Option<Segments>,
    /// Likewise.
    documents: Option<Documents>,
    digests: DigestState,
    housekeeping: Housekeeping,
    checkpoint: Checkpoint,
    /// Ids of records that were written before a crash and whose rows may still be in the outbox.
    written: HashSet<String>,
    /// Rows whose records are written and that could not be removed yet.
    shipped: HashSet<Bytes>,
    /// The number of lost records that no record reports yet.
    lost: u64,
    is_failing: bool,
    /// The segments that look-ups could not read.
    unreadable: Arc<UnreadableSegments>,
    /// The settings of retention that the trail has a record of.
    recorded: Retention,
    /// Records of the trail about itself that are to be written.
    own: Vec<Row>,
}

impl Writer {
    /// Opens the segments and determines what was written before a crash.
    pub(crate) async fn open(self, disk: Arc<dyn Disk>, settings: &Settings) -> io::Result<OpenWriter> {
        let failed = |error| io::Error::other(format!("the store cannot be read: {error}"));
        let tx = self.begin().await.map_err(failed)?;
        let checkpoint = tx.audit_checkpoint().await.map_err(|e| failed(CommitError::Failed(e)))?;
        let checkpoint = checkpoint.as_ref().and_then(Checkpoint::read);
        let (folder, bytes) = (&settings.folder, settings.segment_bytes);
        let mut segments = Segments::open(folder, Arc::clone(&disk), bytes, checkpoint.as_ref())?;
        let digests = DigestLog::open(folder, disk, self.deployment.clone(), checkpoint.as_ref())?;
        segments.continue_after(digests.end().sequence, digests.last_hash());
        let digests = DigestState::new(digests, &segments);
        let waits = !tx.list_outbox(None, 1).await.map_err(|e| failed(CommitError::Failed(e)))?.is_empty();
        let waiting = if waits { outbox_ids(&tx).await.map_err(failed)? } else { HashSet::new() };
        let committed = segments.committed_after(checkpoint.as_ref())?;
        let unknown = committed.difference(&waiting).count();
        let contradicts = checkpoint.as_ref().map_or(Ok(false), |checkpoint| segments.contradicts(checkpoint))?;
        if unknown > 0 || contradicts {
            self.stats.set_store_behind();
            tracing::error!(
                changes = unknown,
                other_history = contradicts,
                folder = %settings.folder.display(),
                "the audit segments contain changes that the store does not have: the store is an older copy, or the segments belong to another store or were changed. Access keys, sessions and permissions that were revoked since then are valid again. Unless a backup was restored on purpose, stop the server and find out who replaced the files; otherwise repeat the changes that the segments contain"
            );
        }
        let written = if waits { segments.ids_after(checkpoint.as_ref())? } else { HashSet::new() };
        let checkpoint = checkpoint.unwrap_or_default();
        let recorded = checkpoint.retention();
        Ok(OpenWriter {
            writer: self,
            segments: Some(segments),
            documents: Some(Documents::in_folder(&settings.folder)),
            digests,
            housekeeping: Housekeeping::new(settings),
            checkpoint,
            written,
            shipped: HashSet::new(),
            lost: 0,
            is_failing: false,
            unreadable: Arc::default(),
            recorded,
            own: Vec::new(),
        })
    }

    async fn begin(&self) -> Result<Tx, CommitError> {
        Ok(Tx::begin(Arc::clone(&self.store), Arc::default(), At::Latest).await?)
    }
}

impl OpenWriter {
    /// Follows the end of what is durable in the segments.
    pub(crate) fn follow_end(&self) -> io::Result<watch::Receiver<Checkpoint>> {
        self.segments.as_ref().map(Segments::follow_end).ok_or_else(unavailable)
    }

    /// Writes a record of each segment that is noted there as unreadable.
    pub(crate) fn record_unreadable(&mut self, unreadable: Arc<UnreadableSegments>) {
        self.unreadable = unreadable;
    }

    /// Shows the lines that are written to an observer.
    pub(crate) fn show_lines(&mut self, observer: Box<dyn LineObserver>) {
        if let Some(segments) = &mut self.segments {
            segments.show_lines(observer);
        }
    }

    /// Writes until the queue is closed, then writes the rest.
    pub(crate) async fn run(mut self) {
        loop {
            // Either ends the wait; the queue is emptied in both cases.
            let _ = tokio::time::timeout(FLUSH_INTERVAL, self.writer.queue.woken()).await;
            let mut is_closed = false;
            // Continue at once while the outbox has more than one batch.
            while self.flush(&mut is_closed).await {}
            if is_closed {
                return self.end().await;
            }
            if let Some(reason) = self.due_digest() {
                self.add_digest(reason).await;
            }
            self.keep_house().await;
            if self.is_failing {
                tokio::time::sleep(FLUSH_INTERVAL).await;
            }
        }
    }

    /// Writes the queue and one batch of the outbox; returns whether there is more to write at once.
    async fn flush(&mut self, is_closed: &mut bool) -> bool {
        let Drained { mut rows, documents, waiters, lost, is_closed: closed } = self.writer.queue.take();
        *is_closed |= closed;
        self.reopen().await;
        rows.extend(self.suppressed(closed));
        rows.extend(self.unreadable_segments());
        rows.append(&mut self.own);
        self.lost += lost;
        self.writer.stats.add_lost(lost);
        let (waiting, is_read) = match self.read_outbox().await {
            Ok(waiting) => (waiting, true),
            Err(error) => {
                self.report_failure(&error);
                (Vec::new(), false)
            }
        };
        let is_full = waiting.len() == OUTBOX_BATCH;
        let (mut records, mut skipped) = (Vec::new(), Vec::new());
        for (_, event) in &waiting {
            match Record::decode_row(event) {
                Ok(mut from_row) => {
                    from_row.iter_mut().for_each(|record| record.committed = true);
                    let (old, mut new): (Vec<_>, Vec<_>) =
                        from_row.into_iter().partition(|record| self.written.contains(&record.event_id));
                    skipped.extend(old.into_iter().map(|record| record.event_id));
                    records.append(&mut new);
                }
                Err(error) => {
                    tracing::error!(%error, "a row of the outbox is damaged: its records are counted as lost");
                    self.lost += 1;
                    self.writer.stats.add_lost(1);
                }
            }
        }
        let again = [self.lost_records(), self.changed_retention()];
        records.extend(again.iter().flatten().flat_map(Row::records));
        self.write_documents(documents).await;
        let rows = Arc::new(rows);
        let outcome = self.append(records, Arc::clone(&rows)).await;
        let written = outcome.is_ok();
        for waiter in waiters {
            answer(waiter, written);
        }
        match outcome {
            Ok(checkpoint) => {
                self.lost = 0;
                self.recorded = self.housekeeping.retention();
                if !is_read {
                    return false;
                }
                // Not before: after a failed write, the same rows are read again.
                for id in &skipped {
                    self.written.remove(id);
                }
                self.remove_shipped(waiting.into_iter().map(|(key, _)| key), checkpoint).await;
                is_full && !self.is_failing
            }
            Err(error) => {
                self.report_failure(&error);
                // Rows of the outbox stay where they are.
                self.writer.queue.put_back(Arc::unwrap_or_clone(rows));
                false
            }
        }
    }

    /// The oldest rows of the outbox that are not written yet.
    async fn read_outbox(&mut self) -> Result<Vec<(Bytes, Bytes)>, CommitError> {
        let tx = self.writer.begin().await?;
        let length = tx.outbox_len().await.map_err(CommitError::Failed)?;
        self.writer.stats.set_waiting(length.saturating_sub(self.shipped.len() as u64));
        let rows = tx.list_outbox(None, OUTBOX_BATCH + self.shipped.len()).await.map_err(CommitError::Failed)?;
        Ok(rows.into_iter().map(|row| (row.key, row.event)).filter(|(key, _)| !self.shipped.contains(key)).collect())
    }

    /// Writes the documents that the next records name. Without them the records are still worth writing.
    async fn write_documents(&mut self, documents: Vec<PolicyDocument>) {
        let Some(mut writer) = self.documents.take_if(|_| !documents.is_empty()) else { return };
        let now = self.writer.clock.now();
        let done = tokio::task::spawn_blocking(move || {
            let outcome = writer.write(&documents, now);
            (writer, outcome)
        });
        match done.await {
            Ok((writer, outcome)) => {
                self.documents = Some(writer);
                if let Err(error) = outcome {
                    tracing::warn!(%error, "the documents of the policies of a denial cannot be written");
                }
            }
            Err(error) => {
                tracing::error!(%error, "writing documents of policies panicked, which is a defect of Bailiwick")
            }
        }
    }

    /// Writes records, and then those of rows; on a thread for blocking work, since a sync takes its time.
    pub(crate) async fn append(&mut self, records: Vec<Record>, rows: Arc<Vec<Row>>) -> io::Result<Checkpoint> {
        let Some(mut segments) = self.segments.take() else {
            return Err(unavailable());
        };
        if records.is_empty() && rows.is_empty() {
            let checkpoint = segments.checkpoint();
            self.segments = Some(segments);
            return Ok(checkpoint);
        }
        let before = segments.checkpoint().sequence;
        let done = tokio::task::spawn_blocking(move || {
            // A row is decoded right before it is written, so that its records are still in the cache.
            let outcome = segments.append(records.into_iter().chain(rows.iter().flat_map(Row::records)));
            drop(rows);
            (segments, outcome)
        });
        let (segments, outcome) = done.await.map_err(io::Error::other)?;
        self.segments = Some(segments);
        if let Ok(checkpoint) = &outcome {
            let now = self.writer.clock.now();
            self.writer.stats.add_written(checkpoint.sequence - before, now);
            self.digests.appended(now);
        }
        outcome
    }

    /// Removes shipped rows from the outbox and stores the checkpoint; a failed removal is repeated in the next round.
    async fn remove_shipped(&mut self, keys: impl Iterator<Item = Bytes>, checkpoint: Checkpoint) {
        self.shipped.extend(keys);
        let grown = checkpoint.bytes.saturating_sub(self.checkpoint.bytes) > CHECKPOINT_BYTES
            || checkpoint.first != self.checkpoint.first;
        if self.shipped.is_empty() && !grown {
            return self.recover();
        }
        match self.commit(checkpoint).await {
            Ok(()) => self.recover(),
            Err(error) => self.report_failure(&error),
        }
    }

    /// Stores a checkpoint and removes the rows whose records are written.
    async fn commit(&mut self, checkpoint: Checkpoint) -> Result<(), CommitError> {
        let checkpoint = Checkpoint {
            digest: self.digests.end(),
            retention_days: self.recorded.days,
            retention_bytes: self.recorded.max_bytes,
            ..checkpoint
        };
        let mut tx = self.writer.begin().await?;
        let keys: Vec<Bytes> = self.shipped.iter().cloned().collect();
        tx.remove_outbox(&keys).await?;
        tx.put_audit_checkpoint(checkpoint.to_bytes());
        tx.commit().await?;
        self.shipped.clear();
        self.checkpoint = checkpoint;
        Ok(())
    }

    /// Logs a failure once, until writing works again.
    fn report_failure(&mut self, error: &dyn std::fmt::Debug) {
        if !self.is_failing {
            tracing::error!(?error, "audit records cannot be written; changes are refused when the outbox is full");
        }
        self.is_failing = true;
        self.writer.stats.set_failing(true);
    }

    fn recover(&mut self) {
        if self.is_failing {
            tracing::info!("audit records are written again");
        }
        self.is_failing = false;
        self.writer.stats.set_failing(false);
        self.writer.queue.recovered();
    }
}

/// The ids of all records that wait in the outbox.
async fn outbox_ids(tx: &Tx) -> Result<HashSet<String>, CommitError> {
    let (mut ids, mut after) = (HashSet::new(), None::<Bytes>);
    loop {
        let rows = tx.list_outbox(after.as_deref(), OUTBOX_BATCH).await.map_err(CommitError::Failed)?;
        let Some(last) = rows.last() else { return Ok(ids) };
        after = Some(last.key.clone());
        let records = rows.iter().filter_map(|row| Record::decode_row(&row.event).ok()).flatten();
        ids.extend(records.map(|record| record.event_id));
    }
}

fn unavailable() -> io::Error {
    io::Error::other("the segments are not available, which is a defect of Bailiwick")
}

fn answer(waiter: Waiter, written: bool) {
    // The call that waited may have been dropped.
    let _ = waiter.send(written);
}

mod digests;
mod housekeeping;
mod own_records;
#[cfg(test)]
pub(crate) mod tests;
