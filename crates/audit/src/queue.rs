//! The queue between calls and the writer, for records that are not part of a commit.
//!
//! The writer empties the queue periodically, or at once if a call waits for its record, so that the record of a read
//! wakes no thread. Memory is bounded: when the queue is full, calls wait, unless writing fails. Then reads continue,
//! and the records without room are counted.

use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, oneshot};

use crate::Event;
use crate::documents::PolicyDocument;
use crate::row::{Messages, Row};

/// The maximum number of queued rows, 32 KiB each.
const MAX_ROWS: usize = 128;
/// The maximum number of queued documents; further ones are not kept.
const MAX_DOCUMENTS: usize = 256;
/// The number of queued rows that wakes the writer.
const WAKE_ROWS: usize = 16;

/// Receives whether the record is durable.
pub(crate) type Waiter = oneshot::Sender<bool>;

#[derive(Default)]
pub(crate) struct Queue {
    state: Mutex<State>,
    /// Calls the writer.
    wake: Notify,
    /// Notifies calls that the queue has room.
    room: Notify,
}

#[derive(Default)]
struct State {
    /// The last of them takes further records.
    rows: Vec<Row>,
    /// The documents that the records name, each once.
    documents: Vec<PolicyDocument>,
    waiters: Vec<Waiter>,
    /// Records that found no room.
    lost: u64,
    is_failing: bool,
    is_closed: bool,
}

/// What became of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum Put {
    /// It will be written.
    Queued,
    /// There was no room, so it was counted as lost.
    Lost,
    /// The queue is closed: it is neither written nor counted.
    Closed,
}

/// The content of the queue.
#[derive(Default)]
pub(crate) struct Drained {
    pub(crate) rows: Vec<Row>,
    pub(crate) documents: Vec<PolicyDocument>,
    pub(crate) waiters: Vec<Waiter>,
    pub(crate) lost: u64,
    pub(crate) is_closed: bool,
}

impl Queue {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a record. Drops the waiter if the record is not queued.
    pub(crate) async fn put(&self, event: &Event<'_>, waiter: Option<Waiter>) -> Put {
        // Redaction takes time, and other calls wait for the lock.
        let messages = event.messages();
        loop {
            let room = self.room.notified();
            {
                let mut state = self.state();
                if state.is_closed {
                    return Put::Closed;
                }
                if state.rows.len() < MAX_ROWS {
                    if state.put(event, &messages, waiter) {
                        self.wake.notify_one();
                    }
                    return Put::Queued;
                }
                if state.is_failing {
                    state.lost += 1 + event.suppressed;
                    return Put::Lost;
                }
            }
            room.await;
        }
    }

    /// Adds a record without waiting for room, or counts it as lost.
    pub(crate) fn put_now(&self, event: &Event<'_>) -> Put {
        let messages = event.messages();
        let mut state = self.state();
        if state.is_closed {
            return Put::Closed;
        }
        if state.rows.len() >= MAX_ROWS {
            state.lost += 1 + event.suppressed;
            return Put::Lost;
        }
        if state.put(event, &messages, None) {
            self.wake.notify_one();
        }
        Put::Queued
    }

    /// Adds a record if at most half of the queue is used, or counts it as lost. After [`Self::close`] it is neither.
    pub(crate) fn put_if_half_empty(&self, event: &Event<'_>) -> Put {
        let messages = event.messages();
        let mut state = self.state();
        if state.is_closed {
            return Put::Closed;
        }
        if state.rows.len() > MAX_ROWS / 2 {
            state.lost += 1;
            return Put::Lost;
        }
        if state.put(event, &messages, None) {
            self.wake.notify_one();
        }
        Put::Queued
    }

    /// Waits until the records that are queued now are written. Returns whether there were any, and they are.
    pub(crate) async fn flush(&self) -> bool {
        let (waiter, written) = oneshot::channel();
        {
            let mut state = self.state();
            if state.is_closed || state.rows.is_empty() {
                return false;
            }
            state.waiters.push(waiter);
        }
        self.wake.notify_one();
        written.await == Ok(true)
    }

    /// How many rows wait.
    pub(crate) fn rows(&self) -> usize {
        self.state().rows.len()
    }

    /// Waits until the writer is called.
    pub(crate) async fn woken(&self) {
        self.wake.notified().await;
    }

    /// Removes and returns the content.
    pub(crate) fn take(&self) -> Drained {
        let mut state = self.state();
        let taken = Drained {
            rows: std::mem::take(&mut state.rows),
            documents: std::mem::take(&mut state.documents),
            waiters: std::mem::take(&mut state.waiters),
            lost: std::mem::take(&mut state.lost),
            is_closed: state.is_closed,
        };
        drop(state);
        self.room.notify_waiters();
        taken
    }

    /// Puts rows that could not be written back in front of newer ones, as far as there is room.
    pub(crate) fn put_back(&self, mut rows: Vec<Row>) {
        let mut state = self.state();
        let room = MAX_ROWS.saturating_sub(state.rows.len()).min(rows.len());
        let dropped: u64 = rows.drain(room..).map(|row| row.count()).sum();
        rows.append(&mut state.rows);
        state.rows = rows;
        state.lost += dropped;
        state.is_failing = true;
        drop(state);
        self.room.notify_waiters();
    }

    /// The writer can write.
    pub(crate) fn recovered(&self) {
        self.state().is_failing = false;
    }

    /// Takes no more records, and calls the writer for the last time.
    pub(crate) fn close(&self) {
        self.state().is_closed = true;
        self.wake.notify_one();
    }
}

impl State {
    /// Puts a record in; true when the writer should come.
    fn put(&mut self, event: &Event<'_>, messages: &Messages, waiter: Option<Waiter>) -> bool {
        for document in event.documents {
            if self.documents.len() < MAX_DOCUMENTS && !self.documents.contains(document) {
                self.documents.push(document.clone());
            }
        }
        let begun = !self.rows.last_mut().is_some_and(|row| row.push(event, messages));
        if begun {
            self.rows.push(Row::with(event, messages));
        }
        let waited_for = waiter.is_some();
        self.waiters.extend(waiter);
        waited_for || begun && self.rows.len() == WAKE_ROWS + 1
    }
}
