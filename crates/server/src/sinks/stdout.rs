//! Records on standard output, one a line.

use std::io::{self, Write as _};
use std::sync::mpsc;
use std::thread;

use async_trait::async_trait;
use bailiwick_audit::{Batch, Deliver, DeliveryError};
use tokio::sync::oneshot;

/// Text to write, and who waits for it.
type Job = (Vec<u8>, oneshot::Sender<io::Result<()>>);

/// Standard output. A thread of its own writes, so that a reader that has stopped does not keep the process from ending.
pub(super) struct StdoutSink {
    jobs: mpsc::SyncSender<Job>,
}

impl StdoutSink {
    /// Starts the thread.
    pub(super) fn new() -> Result<Self, String> {
        let (jobs, waiting) = mpsc::sync_channel::<Job>(1);
        let write = move || {
            for (text, done) in waiting {
                let mut output = io::stdout().lock();
                let written = output.write_all(&text).and_then(|()| output.flush());
                // The delivery may have been given up.
                let _ = done.send(written);
            }
        };
        let started = thread::Builder::new().name("stdout sink".to_owned()).spawn(write);
        started.map_err(|error| format!("cannot start a thread: {error}"))?;
        Ok(StdoutSink { jobs })
    }
}

#[async_trait]
impl Deliver for StdoutSink {
    async fn deliver(&mut self, batch: &Batch) -> Result<(), DeliveryError> {
        let (done, written) = oneshot::channel();
        let sent = self.jobs.try_send((super::file::lines(batch), done));
        sent.map_err(|_| DeliveryError::new("the reader of standard output does not read"))?;
        match written.await {
            Ok(written) => written.map_err(|error| DeliveryError::new(format!("standard output: {error}"))),
            Err(_) => Err(DeliveryError::new("the thread that writes to standard output has ended")),
        }
    }
}
