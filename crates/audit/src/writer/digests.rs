//! When the writer makes digests, and the key that signs them.

use std::sync::Arc;
use std::time::Duration;

use bailiwick_storage::CommitError;
use jiff::Timestamp;

use super::OpenWriter;
use crate::checkpoint::{Checkpoint, DigestEnd};
use crate::digest::key::SigningKey;
use crate::digest::log::{DigestLog, Statement};
use crate::digest::stored::StoredKeys;
use crate::digest::{Reason, Removed};
use crate::segments::Segments;

/// The pause after a digest that could not be made.
const PAUSE: Duration = Duration::from_secs(10);

/// The digests, and what the next one is about.
pub(super) struct DigestState {
    /// Not there while a thread for blocking work has it.
    log: Option<DigestLog>,
    end: DigestEnd,
    key: Option<Arc<SigningKey>>,
    pending: Pending,
    /// Not before this time, after a failure.
    retry: Option<Timestamp>,
}

/// Records that no digest covers.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Pending {
    None,
    /// They were there when the server started.
    Found,
    /// The oldest one is of this hour since 1970.
    Since(i64),
}

impl DigestState {
    pub(super) fn new(log: DigestLog, segments: &Segments) -> Self {
        let end = log.end().clone();
        let pending = if segments.checkpoint().sequence > end.sequence { Pending::Found } else { Pending::None };
        DigestState { log: Some(log), end, key: None, pending, retry: None }
    }

    /// Records were appended.
    pub(super) fn appended(&mut self, now: Timestamp) {
        if self.pending == Pending::None {
            self.pending = Pending::Since(hour(now));
        }
    }

    /// The number of the last record that digests cover, if no digest is being made.
    pub(super) fn covered(&self) -> u64 {
        self.end.sequence
    }

    /// The last digest, as the checkpoint has it.
    pub(super) fn end(&self) -> Option<DigestEnd> {
        (self.end.number > 0).then(|| self.end.clone())
    }
}

impl OpenWriter {
    /// Why a digest is to be made now, if one is.
    pub(super) fn due_digest(&self) -> Option<Reason> {
        let now = self.writer.clock.now();
        if self.is_failing || self.digests.retry.is_some_and(|retry| now < retry) {
            return None;
        }
        match self.digests.pending {
            Pending::None => None,
            Pending::Found => Some(Reason::Start),
            Pending::Since(_) if self.segments.as_ref().is_some_and(Segments::is_full) => Some(Reason::Rotation),
            Pending::Since(begun) => (hour(now) > begun).then_some(Reason::Hour),
        }
    }

    /// Makes a digest of all records that were written. A failure is logged, and the next attempt covers the same records.
    pub(super) async fn add_digest(&mut self, reason: Reason) {
        match self.try_to_add_digest(reason, Vec::new()).await {
            Ok(()) => self.digests.retry = None,
            Err(error) => {
                if self.digests.retry.is_none() {
                    tracing::error!(error, "no digest of the audit trail can be made; it is tried again");
                }
                self.digests.retry = self.writer.clock.now().checked_add(PAUSE).ok();
            }
        }
    }

    pub(super) async fn try_to_add_digest(&mut self, reason: Reason, removed: Vec<Removed>) -> Result<(), String> {
        let key = self.signing_key().await?;
        let time = self.writer.clock.now();
        let defect = "the segments are not available, which is a defect of Bailiwick";
        let (mut segments, mut log) = self.segments.take().zip(self.digests.log.take()).ok_or(defect)?;
        let done = tokio::task::spawn_blocking(move || {
            let checkpoint = segments.checkpoint();
            let outcome = segments.spans(log.end().sequence).and_then(|spans| {
                let last = (checkpoint.sequence, checkpoint.hash.clone());
                log.append(&key, Statement { time, reason, last, segments: spans, removed })
            });
            (segments, log, outcome.map(|()| checkpoint))
        });
        let (segments, log, outcome) = done.await.map_err(|e| e.to_string())?;
        self.digests.end = log.end().clone();
        (self.segments, self.digests.log) = (Some(segments), Some(log));
        let checkpoint = outcome.map_err(|e| e.to_string())?;
        self.digests.pending = Pending::None;
        // Not while rows of the outbox are written whose removal is not known yet.
        let is_closed = reason == Reason::Stop;
        self.commit(Checkpoint { is_closed, ..checkpoint }).await.map_err(|e| format!("the store: {e}"))
    }

    /// The key that signs, which is made if there is none.
    async fn signing_key(&mut self) -> Result<Arc<SigningKey>, String> {
        if let Some(key) = &self.digests.key {
            return Ok(Arc::clone(key));
        }
        let failed = |error: CommitError| format!("the store: {error}");
        let mut tx = self.writer.begin().await.map_err(failed)?;
        let stored = tx.audit_keys().await.map_err(|e| failed(CommitError::Failed(e)))?;
        let mut keys = stored.as_ref().map(StoredKeys::read).transpose()?.unwrap_or_default();
        let key = match keys.signer(&self.writer.sealer)? {
            Some(key) => key,
            None => {
                let key = SigningKey::generate().map_err(|e| e.to_string())?;
                keys.add(&key, &self.writer.sealer, self.writer.clock.now().as_second())?;
                tx.put_audit_keys(keys.to_bytes());
                tx.commit().await.map_err(failed)?;
                tracing::info!(key_id = key.public().id(), "a key that signs digests of the audit trail was made");
                key
            }
        };
        Ok(Arc::clone(self.digests.key.insert(Arc::new(key))))
    }

    /// Makes the last digest and stores that nothing follows.
    pub(crate) async fn end(&mut self) {
        self.stop_housekeeping().await;
        if self.is_failing {
            return;
        }
        if self.digests.pending != Pending::None {
            return self.add_digest(Reason::Stop).await;
        }
        let Some(segments) = &self.segments else { return };
        let checkpoint = Checkpoint { is_closed: true, ..segments.checkpoint() };
        if let Err(error) = self.commit(checkpoint).await {
            tracing::error!(%error, "the end of the audit trail cannot be stored");
        }
    }

    /// Stores that records follow the end of the last run, before the first of them is written.
    pub(super) async fn reopen(&mut self) {
        // With rows to remove, the next checkpoint is that of their removal.
        if !self.checkpoint.is_closed || !self.shipped.is_empty() {
            return;
        }
        let checkpoint = Checkpoint { is_closed: false, ..self.checkpoint.clone() };
        if let Err(error) = self.commit(checkpoint).await {
            self.report_failure(&error);
        }
    }
}

/// Hours since 1970.
pub(super) fn hour(time: Timestamp) -> i64 {
    time.as_second().div_euclid(3_600)
}
