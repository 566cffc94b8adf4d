//! The signals that the server handles.

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

use crate::failure::Failure;

/// SIGHUP, handled from construction on, so that it does not end the process.
pub(crate) struct Hangup(Signal);

/// Ctrl-C and SIGTERM, handled from construction on.
pub(crate) struct Termination {
    interrupt: Signal,
    terminate: Signal,
}

impl Hangup {
    /// Starts listening. Must be called within a tokio runtime.
    pub(crate) fn new() -> Result<Self, Failure> {
        listen(SignalKind::hangup()).map(Hangup)
    }
}

impl Termination {
    /// Starts listening. Must be called within a tokio runtime.
    pub(crate) fn new() -> Result<Self, Failure> {
        Ok(Termination { interrupt: listen(SignalKind::interrupt())?, terminate: listen(SignalKind::terminate())? })
    }

    /// Returns when the server must stop; calls `reload` at each SIGHUP.
    pub(crate) async fn wait(mut self, mut hangup: Hangup, reload: impl Fn()) {
        loop {
            tokio::select! {
                _ = self.interrupt.recv() => return,
                _ = self.terminate.recv() => return,
                _ = hangup.0.recv() => reload(),
            }
        }
    }
}

/// Waits until `stop` is true.
pub(crate) async fn stopped(stop: &mut watch::Receiver<bool>) {
    // Without a sender the value cannot change any more.
    drop(stop.wait_for(|stop| *stop).await);
}

fn listen(kind: SignalKind) -> Result<Signal, Failure> {
    signal(kind).map_err(|e| Failure::new(format!("cannot listen for signals: {e}")))
}
