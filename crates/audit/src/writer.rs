//! The one writer of segments: what calls put into the queue, and the rows that changes left in the outbox.
//!
//! A row of the outbox is taken away only when its records are on the disk, in one transaction with the mark that says
//! how far the segments reached. After a crash in between, rows wait whose records are written already: those of the
//! records after the mark are passed over.

use std::collections::HashSet;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bailiwick_model::Partition;
use bailiwick_operation::{Clock, Random};
use bailiwick_storage::{At, CommitError, Store, Tx};
use bytes::Bytes;
use jiff::Timestamp;

use crate::disk::Disk;
use crate::event::What;
use crate::limit::{Overdue, RecordRateLimit};
use crate::mark::Mark;
use crate::queue::{Queue, Taken, Waiter};
use crate::row::Row;
use crate::segments::Segments;
use crate::{Event, Record, Settings, Stats};

/// How long a record that no one waits for may wait for company, and how long a writer that can't write waits.
const LINGER: Duration = Duration::from_millis(500);
/// Rows of the outbox that are shipped at once.
const BATCH: usize = 512;
/// The mark follows at least every so many bytes, so that little is looked through after a crash.
const MARK_EVERY: u64 = 8 * 1024 * 1024;

/// A writer before its segments are open.
pub(crate) struct Writer {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) random: Arc<dyn Random>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) queue: Arc<Queue>,
    pub(crate) limit: Arc<Mutex<RecordRateLimit>>,
    pub(crate) stats: Arc<Stats>,
}

/// A writer that can write.
pub(crate) struct Ready {
    writer: Writer,
    /// Not there while a thread for blocking work has them.
    segments: Option<Segments>,
    marked: Mark,
    /// Ids of records that were written before a crash and whose rows may still wait.
    written: HashSet<String>,
    /// Rows that are written and could not be taken away yet.
    shipped: HashSet<Bytes>,
    /// Records that found no room while nothing could be written, and that no record told yet.
    lost: u64,
    is_failing: bool,
}

impl Writer {
    /// Opens the segments, and finds out what was written before a crash.
    pub(crate) async fn open(self, disk: Box<dyn Disk>, settings: &Settings) -> io::Result<Ready> {
        let failed = |error| io::Error::other(format!("the store cannot be read: {error}"));
        let tx = self.begin().await.map_err(failed)?;
        let mark = tx.audit_mark().await.map_err(|e| failed(CommitError::Failed(e)))?;
        let mark = mark.as_ref().and_then(Mark::read);
        let segments = Segments::open(&settings.folder, disk, settings.segment_bytes, mark.as_ref())?;
        let waits = !tx.list_outbox(None, 1).await.map_err(|e| failed(CommitError::Failed(e)))?.is_empty();
        let written = if waits { segments.ids_after(mark.as_ref())? } else { HashSet::new() };
        let marked = mark.unwrap_or_default();
        Ok(Ready {
            writer: self,
            segments: Some(segments),
            marked,
            written,
            shipped: HashSet::new(),
            lost: 0,
            is_failing: false,
        })
    }

    async fn begin(&self) -> Result<Tx, CommitError> {
        Ok(Tx::begin(Arc::clone(&self.store), Arc::default(), At::Latest).await?)
    }
}

impl Ready {
    /// Writes until the queue is closed, and then what is left.
    pub(crate) async fn run(mut self) {
        loop {
            // Either is a reason to look; what was put in meanwhile is found all the same.
            let _ = tokio::time::timeout(LINGER, self.writer.queue.called()).await;
            let mut is_closed = false;
            // Go on at once while there is more in the outbox than is shipped at once.
            while self.round(&mut is_closed).await {}
            if is_closed {
                return;
            }
            if self.is_failing {
                tokio::time::sleep(LINGER).await;
            }
        }
    }

    /// Writes what waits; whether there is more to be written at once.
    async fn round(&mut self, is_closed: &mut bool) -> bool {
        let Taken { mut rows, waiters, lost, is_closed: closed } = self.writer.queue.take();
        *is_closed |= closed;
        rows.extend(self.suppressed(closed));
        self.lost += lost;
        self.writer.stats.add_lost(lost);
        let waiting = match self.waiting().await {
            Ok(waiting) => waiting,
            Err(error) => {
                self.complain(&error);
                Vec::new()
            }
        };
        let is_full = waiting.len() == BATCH;
        let mut records = Vec::new();
        for (_, event) in &waiting {
            match Record::decode_row(event) {
                Ok(mut of_row) => {
                    of_row.retain(|record| !self.written.remove(&record.event_id));
                    records.append(&mut of_row);
                }
                Err(error) => {
                    tracing::error!(%error, "a row of the outbox is damaged: its records are counted as lost");
                    self.lost += 1;
                    self.writer.stats.add_lost(1);
                }
            }
        }
        records.extend(rows.iter().chain(self.lost_records().as_ref()).flat_map(Row::records));
        let outcome = self.append(records).await;
        let written = outcome.is_ok();
        for waiter in waiters {
            answer(waiter, written);
        }
        match outcome {
            Ok(mark) => {
                self.lost = 0;
                self.forget(waiting.into_iter().map(|(key, _)| key), mark).await;
                is_full && !self.is_failing
            }
            Err(error) => {
                self.complain(&error);
                // Rows of the outbox stay where they are.
                self.writer.queue.put_back(rows);
                false
            }
        }
    }

    /// Records of how many calls got none of their own.
    fn suppressed(&self, is_closed: bool) -> Vec<Row> {
        let now = self.writer.clock.now();
        let mut limit = self.writer.limit.lock().unwrap_or_else(PoisonError::into_inner);
        let overdue = if is_closed { limit.rest() } else { limit.overdue(now) };
        drop(limit);
        overdue.iter().map(|overdue| self.count(overdue, What::Suppressed, now)).collect()
    }

    /// The record of how many found no room.
    fn lost_records(&self) -> Option<Row> {
        let partition = Partition::Aws;
        let lost = Overdue { request: Arc::default(), caller: None, partition, suppressed: self.lost };
        (self.lost > 0).then(|| self.count(&lost, What::Lost, self.writer.clock.now()))
    }

    fn count(&self, overdue: &Overdue, what: What<'_>, time: Timestamp) -> Row {
        let mut bits = [[0; 16]; 2];
        self.writer.random.fill(bits.as_flattened_mut());
        let [id, request_id] = bits;
        Row::new(&Event {
            id,
            request_id,
            what,
            time,
            request: &overdue.request,
            caller: overdue.caller.as_ref(),
            partition: overdue.partition,
            resource: None,
            parameters: &[],
            response: &[],
            changes_nothing: false,
            error: None,
            suppressed: overdue.suppressed,
        })
    }

    /// The oldest rows of the outbox that are not written yet.
    async fn waiting(&mut self) -> Result<Vec<(Bytes, Bytes)>, CommitError> {
        let tx = self.writer.begin().await?;
        let length = tx.outbox_len().await.map_err(CommitError::Failed)?;
        self.writer.stats.set_waiting(length.saturating_sub(self.shipped.len() as u64));
        let rows = tx.list_outbox(None, BATCH + self.shipped.len()).await.map_err(CommitError::Failed)?;
        Ok(rows.into_iter().map(|row| (row.key, row.event)).filter(|(key, _)| !self.shipped.contains(key)).collect())
    }

    /// Writes records; on a thread for blocking work, since a sync takes its time.
    async fn append(&mut self, records: Vec<Record>) -> io::Result<Mark> {
        let Some(mut segments) = self.segments.take() else {
            return Err(io::Error::other("the segments are lost, which is a defect of Bailiwick"));
        };
        if records.is_empty() {
            let mark = segments.mark();
            self.segments = Some(segments);
            return Ok(mark);
        }
        let count = records.len() as u64;
        let done = tokio::task::spawn_blocking(move || {
            let outcome = segments.append(&records);
            (segments, outcome)
        });
        let (segments, outcome) = done.await.map_err(io::Error::other)?;
        self.segments = Some(segments);
        self.writer.stats.add_written(if outcome.is_ok() { count } else { 0 });
        outcome
    }

    /// Takes rows out of the outbox and keeps the mark; what can't be taken away now is so next time.
    async fn forget(&mut self, keys: impl Iterator<Item = Bytes>, mark: Mark) {
        self.shipped.extend(keys);
        let grown = mark.bytes.saturating_sub(self.marked.bytes) > MARK_EVERY || mark.first != self.marked.first;
        if self.shipped.is_empty() && !grown {
            return self.recover();
        }
        match self.commit(&mark).await {
            Ok(()) => {
                self.shipped.clear();
                self.marked = mark;
                self.recover();
            }
            Err(error) => self.complain(&error),
        }
    }

    async fn commit(&self, mark: &Mark) -> Result<(), CommitError> {
        let mut tx = self.writer.begin().await?;
        let keys: Vec<Bytes> = self.shipped.iter().cloned().collect();
        tx.remove_outbox(&keys).await?;
        tx.put_audit_mark(mark.to_bytes());
        tx.commit().await.map(drop)
    }

    /// Says once that writing fails, until it goes on.
    fn complain(&mut self, error: &dyn std::fmt::Debug) {
        if !self.is_failing {
            tracing::error!(?error, "audit records cannot be written; changes are refused once many of them wait");
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

fn answer(waiter: Waiter, written: bool) {
    // Whoever waited may have gone away.
    let _ = waiter.send(written);
}

#[cfg(test)]
mod tests;
