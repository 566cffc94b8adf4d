//! Progress of long commands, shown on a terminal.

use std::io::IsTerminal as _;
use std::time::{Duration, Instant};

/// Shows the progress of a command that takes longer than a second, on standard error if that is a terminal.
pub(crate) struct Progress {
    is_terminal: bool,
    begun: Instant,
    shown: std::cell::Cell<bool>,
}

impl Progress {
    /// Starts at zero.
    pub(crate) fn new() -> Self {
        let is_terminal = std::io::stderr().is_terminal();
        Progress { is_terminal, begun: Instant::now(), shown: std::cell::Cell::new(false) }
    }

    /// Reports that `done` of `all` items are done.
    pub(crate) fn at(&self, done: usize, all: usize, what: &str) {
        if self.is_terminal && self.begun.elapsed() > Duration::from_secs(1) {
            self.shown.set(true);
            eprint!("\r{done} of {all} {what}");
        }
    }

    /// Reports that so many items are done, of a number that is not known.
    pub(crate) fn so_far(&self, done: i64, what: &str) {
        if self.is_terminal && self.begun.elapsed() > Duration::from_secs(1) {
            self.shown.set(true);
            eprint!("\r{done} {what}");
        }
    }

    /// Ends the line of the progress.
    pub(crate) fn end(&self) {
        if self.shown.replace(false) {
            eprintln!();
        }
    }
}
