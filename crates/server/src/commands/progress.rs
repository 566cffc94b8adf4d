//! How far a command is, for whoever waits at a terminal.

use std::io::IsTerminal as _;
use std::time::{Duration, Instant};

/// Shows how far a command is that takes longer than a second: on a terminal alone, on standard error.
pub(super) struct Progress {
    is_terminal: bool,
    begun: Instant,
    shown: std::cell::Cell<bool>,
}

impl Progress {
    /// Nothing done yet.
    pub(super) fn new() -> Self {
        let is_terminal = std::io::stderr().is_terminal();
        Progress { is_terminal, begun: Instant::now(), shown: std::cell::Cell::new(false) }
    }

    /// So many of so many are done.
    pub(super) fn at(&self, done: usize, all: usize, what: &str) {
        if self.is_terminal && self.begun.elapsed() > Duration::from_secs(1) {
            self.shown.set(true);
            eprint!("\r{done} of {all} {what}");
        }
    }

    /// What follows stands on a line of its own.
    pub(super) fn end(&self) {
        if self.shown.replace(false) {
            eprintln!();
        }
    }
}
