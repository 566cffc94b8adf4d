//! When the writer has segments compressed and removed.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bailiwick_operation::background::{self, Share};
use tokio::task::JoinHandle;

use super::OpenWriter;
use super::digests::hour;
use crate::Settings;
use crate::digest::{Reason, Removed};
use crate::housekeeping::{Task, remove};
use crate::settings::Retention;

/// The work on complete segments, which is done beside the writing.
pub(super) struct Housekeeping {
    folder: PathBuf,
    retention: Retention,
    task: Option<JoinHandle<std::io::Result<Vec<Removed>>>>,
    stop: Arc<AtomicBool>,
    /// The hour and the open segment of the last task.
    last: Option<(i64, u64)>,
}

impl Housekeeping {
    pub(super) fn new(settings: &Settings) -> Self {
        let (folder, retention) = (settings.folder.clone(), settings.retention);
        Housekeeping { folder, retention, task: None, stop: Arc::default(), last: None }
    }
}

impl Housekeeping {
    /// Which records are kept.
    pub(super) fn retention(&self) -> Retention {
        self.retention
    }
}

impl OpenWriter {
    /// Starts a task each hour and after each full segment, and removes what the last one found.
    pub(super) async fn keep_house(&mut self) {
        if self.is_failing {
            return;
        }
        if self.housekeeping.task.as_ref().is_some_and(JoinHandle::is_finished) {
            self.finish_housekeeping().await;
        }
        let open = self.segments.as_ref().map_or(0, |segments| segments.checkpoint().first);
        let now = self.writer.clock.now();
        let due = Some((hour(now), open));
        if open == 0 || self.housekeeping.task.is_some() || self.housekeeping.last == due {
            return;
        }
        self.housekeeping.last = due;
        let stop = Arc::clone(&self.housekeeping.stop);
        let (folder, retention) = (self.housekeeping.folder.clone(), self.housekeeping.retention);
        let task = Task { folder, open, covered: self.digests.covered(), retention, now };
        self.housekeeping.task = Some(tokio::spawn(async move {
            // No call waits for it.
            let done = background::spawn("audit", Share::Tenth, move || task.run(&stop))?;
            done.await.map_err(std::io::Error::other)?
        }));
    }

    /// Waits for the task, and removes the segments that it found.
    pub(super) async fn finish_housekeeping(&mut self) {
        let Some(task) = self.housekeeping.task.take() else { return };
        let outcome = match task.await {
            Ok(Ok(outdated)) if outdated.is_empty() => return,
            Ok(Ok(outdated)) => self.remove_segments(outdated).await,
            Ok(Err(error)) => Err(error.to_string()),
            Err(error) => Err(error.to_string()),
        };
        if let Err(error) = outcome {
            tracing::error!(
                error,
                "segments of the audit trail cannot be compressed or removed; it is tried again in an hour"
            );
        }
    }

    /// Removes segments, after a digest that says so.
    async fn remove_segments(&mut self, outdated: Vec<Removed>) -> Result<(), String> {
        self.try_to_add_digest(Reason::Removal, outdated.clone()).await?;
        self.own.push(self.removal(&outdated));
        let folder = self.housekeeping.folder.clone();
        let records = (outdated.first().map(|of| of.first_sequence), outdated.last().map(|of| of.last_sequence));
        let segments = outdated.len();
        let done = tokio::task::spawn_blocking(move || remove(&folder, &outdated)).await;
        done.map_err(|e| e.to_string())?.map_err(|e| e.to_string())?;
        tracing::info!(segments, from = records.0, until = records.1, "old segments of the audit trail were removed");
        Ok(())
    }

    /// Ends the task early.
    pub(super) async fn stop_housekeeping(&mut self) {
        self.housekeeping.stop.store(true, Ordering::Relaxed);
        if let Some(task) = self.housekeeping.task.take() {
            // What it did stays, and the next start continues.
            let _ = task.await;
        }
    }
}
