//! Follows the trail and delivers.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use bailiwick_operation::{Clock, Deployment, Random};
use tokio::sync::watch;
use tokio::time::Instant;

use super::batch::{Batch, Deliver, DeliveryError, Message};
use super::encode::{self, Missing};
use super::position::{SinkFailure, SinkFile};
use super::reader::{self, Limits, Line, Place};
use super::sign_ins::FailedSignIns;
use super::status::SinkStatus;
use super::{DEADLINE, FIRST_PAUSE, LINGER, LONGEST_PAUSE, STORE_INTERVAL, SinkSettings, SinkStart};
use crate::checkpoint::Checkpoint;
use crate::{LookUp, Recorder};

/// A sink of a trail that is written.
pub struct Sink {
    settings: SinkSettings,
    folder: PathBuf,
    end: watch::Receiver<Checkpoint>,
    deployment: String,
    clock: Arc<dyn Clock>,
    random: Arc<dyn Random>,
    deliver: Box<dyn Deliver>,
    status: Arc<SinkStatus>,
    /// After the last record that was delivered, or that is not for this sink.
    place: Place,
    /// What is stored of it.
    stored: Place,
    stored_at: Instant,
    failing: Option<SinkFailure>,
    sign_ins: FailedSignIns,
}

impl Recorder {
    /// Prepares a sink of the trail that this recorder writes; [`Sink::run`] starts it. Stores where a new one begins. Blocks
    /// for a few reads.
    ///
    /// # Errors
    /// When the trail or the file of the sink can't be read or written.
    pub fn sink(&self, deployment: &Deployment, settings: SinkSettings, deliver: Box<dyn Deliver>) -> io::Result<Sink> {
        Sink::open(self.look_up(), deployment, settings, deliver)
    }
}

impl Sink {
    pub(super) fn open(
        trail: &LookUp,
        deployment: &Deployment,
        settings: SinkSettings,
        deliver: Box<dyn Deliver>,
    ) -> io::Result<Self> {
        let (folder, end) = trail.trail();
        let now = end.borrow().clone();
        let id = &deployment.cluster_id;
        let stored = match SinkFile::read(&folder, &settings.name) {
            Err(error) if error.kind() == io::ErrorKind::InvalidData => {
                tracing::error!(sink = settings.name, %error, "the file of a sink of the audit trail is damaged: all records that the trail has are delivered again");
                Some(None)
            }
            Err(error) => return Err(error),
            Ok(None) => None,
            Ok(Some(file)) if file.place.is_of(&folder, &now, file.deployment == *id)? => Some(Some(file.place)),
            Ok(Some(file)) => {
                tracing::error!(
                    sink = settings.name,
                    sequence = file.place.sequence,
                    deployment = file.deployment,
                    "a sink of the audit trail has delivered from another trail: all records that this one has are delivered"
                );
                Some(None)
            }
        };
        let place = match stored {
            Some(Some(place)) => place,
            Some(None) => Place::at_start(&folder)?,
            None if settings.start == SinkStart::Start => Place::at_start(&folder)?,
            None => Place::at_end(&now),
        };
        let status = Arc::new(SinkStatus::new(settings.name.clone(), end.clone(), place.sequence));
        let mut sink = Sink {
            sign_ins: FailedSignIns::new(settings.sign_ins),
            settings,
            folder,
            end,
            deployment: id.clone(),
            clock: Arc::clone(&deployment.clock),
            random: Arc::clone(&deployment.random),
            deliver,
            status,
            stored: place.clone(),
            place,
            stored_at: Instant::now(),
            failing: None,
        };
        sink.file().write(&sink.folder)?;
        sink.stored = sink.place.clone();
        Ok(sink)
    }

    /// The counters of this sink.
    pub fn status(&self) -> Arc<SinkStatus> {
        Arc::clone(&self.status)
    }

    /// Delivers until `stop` is set; then delivers what is left, until that fails.
    pub async fn run(mut self, mut stop: watch::Receiver<bool>) {
        let mut attempts = 0;
        loop {
            let is_stopping = *stop.borrow_and_update();
            let end = self.end.borrow_and_update().clone();
            let (lines, place) = match self.read(end).await {
                Ok(read) => read,
                Err(error) => {
                    self.report(&DeliveryError::new(format!("the trail cannot be read: {error}"))).await;
                    attempts += 1;
                    if is_stopping || !self.pause(attempts, None, &mut stop).await {
                        return self.store(true).await;
                    }
                    continue;
                }
            };
            attempts = 0;
            if lines.is_empty() {
                self.status.set_waiting(None);
                if is_stopping {
                    return self.store(true).await;
                }
                self.store(false).await;
                self.wait(&mut stop).await;
                continue;
            }
            let Some(batch) = self.batch(&lines) else {
                self.come_to(place);
                self.store(false).await;
                continue;
            };
            if !self.deliver(&batch, &mut stop).await {
                return self.store(true).await;
            }
            self.status.add_delivered(batch.messages.len() as u64, lines.iter().map(|line| line.missing).sum());
            self.come_to(place);
            self.store(true).await;
        }
    }

    /// Waits for records, and a moment longer for those that come at the same time.
    async fn wait(&mut self, stop: &mut watch::Receiver<bool>) {
        let waited = async {
            if self.end.changed().await.is_err() {
                // The writer has ended: nothing will come.
                std::future::pending::<()>().await;
            }
            tokio::time::sleep(LINGER).await;
        };
        tokio::select! {
            () = waited => {}
            () = stopped(stop) => {}
        }
    }

    async fn read(&self, end: Checkpoint) -> io::Result<(Vec<Line>, Place)> {
        let (folder, place) = (self.folder.clone(), self.place.clone());
        let limits = Limits { records: self.settings.max_records.max(1), bytes: self.settings.max_bytes };
        let read = move || reader::read(&folder, &place, &end, limits);
        tokio::task::spawn_blocking(read).await.map_err(io::Error::other)?
    }

    fn come_to(&mut self, place: Place) {
        self.status.set_sequence(place.sequence);
        self.place = place;
    }

    /// The messages of lines; none if they are not for this sink.
    fn batch(&mut self, lines: &[Line]) -> Option<Batch> {
        let (first, last) = (lines.first()?, lines.last()?);
        let mut messages = Vec::with_capacity(lines.len());
        for line in lines {
            if line.missing > 0 {
                messages.extend(self.missing(line));
            }
            messages.extend(encode::record(line, &self.settings, &self.deployment, &mut self.sign_ins));
        }
        let id = format!("{}-{}-{}-{}", self.deployment, self.settings.name, first.sequence, last.sequence);
        self.status.set_waiting((!messages.is_empty()).then_some(first.time));
        (!messages.is_empty()).then_some(Batch { id, messages })
    }

    /// Delivers a batch until it is acknowledged. Returns false if the server stops before.
    async fn deliver(&mut self, batch: &Batch, stop: &mut watch::Receiver<bool>) -> bool {
        let mut attempts = 0;
        loop {
            let attempt = tokio::time::timeout(DEADLINE, self.deliver.deliver(batch)).await;
            let attempt = attempt.unwrap_or_else(|_| {
                Err(DeliveryError::new(format!("no acknowledgement within {} seconds", DEADLINE.as_secs())))
            });
            let Err(error) = attempt else { break };
            self.report(&error).await;
            attempts += 1;
            if *stop.borrow() || !self.pause(attempts, error.retry_after, stop).await {
                return false;
            }
        }
        if self.failing.take().is_some() {
            tracing::info!(sink = self.settings.name, "records are delivered again");
        }
        true
    }

    fn missing(&self, line: &Line) -> Option<Message> {
        let (first, last) = (line.sequence - line.missing, line.sequence - 1);
        let (deployment, sink, now) = (self.deployment.as_str(), self.settings.name.as_str(), self.clock.now());
        tracing::error!(sink, first, last, "audit records were removed or damaged before they were delivered");
        encode::missing(Missing { deployment, first, last, now }, &self.settings)
    }

    /// Counts a failure; logs and stores the first one.
    async fn report(&mut self, error: &DeliveryError) {
        self.status.add_failure();
        let sink = &self.settings.name;
        if self.failing.is_none() {
            tracing::warn!(
                sink,
                error = error.message,
                "records cannot be delivered; it is tried again until they can"
            );
            let (since, message) = (self.clock.now().to_string(), error.message.clone());
            self.failing = Some(SinkFailure { since, message });
            self.store(true).await;
        }
    }

    /// Waits before the next attempt. Returns whether there is one: none when the server stops.
    async fn pause(&self, attempts: u32, asked: Option<Duration>, stop: &mut watch::Receiver<bool>) -> bool {
        let longest = pause_after(attempts);
        let mut bits = [0; 4];
        self.random.fill(&mut bits);
        // Between a half and the whole, so that sinks of several servers do not come at the same time.
        let part = f64::from(u32::from_be_bytes(bits)) / f64::from(u32::MAX);
        let pause = longest.mul_f64(0.5 + part / 2.0).max(asked.unwrap_or_default().min(LONGEST_PAUSE));
        tokio::select! {
            () = tokio::time::sleep(pause) => true,
            () = stopped(stop) => false,
        }
    }

    /// Stores the place; if it is not urgent, only now and then.
    async fn store(&mut self, is_urgent: bool) {
        if !is_urgent && (self.place == self.stored || self.stored_at.elapsed() < STORE_INTERVAL) {
            return;
        }
        let (file, folder) = (self.file(), self.folder.clone());
        let written = tokio::task::spawn_blocking(move || file.write(&folder)).await.map_err(io::Error::other);
        match written.and_then(|written| written) {
            Ok(()) => (self.stored, self.stored_at) = (self.place.clone(), Instant::now()),
            // What was delivered since the last time is delivered again after a restart.
            Err(error) => {
                tracing::warn!(sink = self.settings.name, %error, "how far a sink has delivered cannot be stored");
            }
        }
    }

    fn file(&self) -> SinkFile {
        SinkFile {
            sink: self.settings.name.clone(),
            deployment: self.deployment.clone(),
            place: self.place.clone(),
            time: self.clock.now().to_string(),
            configured: true,
            failing: self.failing.clone(),
        }
    }
}

/// The longest pause after so many failures.
fn pause_after(attempts: u32) -> Duration {
    FIRST_PAUSE.saturating_mul(1 << attempts.saturating_sub(1).min(10)).min(LONGEST_PAUSE)
}

/// Returns once `stop` is set.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    if stop.wait_for(|stop| *stop).await.is_err() {
        // No sender is left to stop anything.
        std::future::pending::<()>().await;
    }
}
