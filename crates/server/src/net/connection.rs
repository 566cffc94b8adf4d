//! What the server knows of one connection.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use bailiwick_model::SourceNetwork;
use bailiwick_service::Standing;
use tokio::sync::Notify;

/// Seconds that a client may take to begin: for a PROXY header, a TLS handshake, HTTP/2's preface; and for each block
/// of headers.
const HEAD_TIMEOUT: u32 = 10;
/// Seconds that a connection may be idle which no authenticated request ever came over.
const IDLE_TIMEOUT: u32 = 60;
/// Requests that a client may abandon before they are answered while it is not authenticated.
const MAX_ABANDONED: u32 = 200;
/// Frames of HTTP/2 that neither begin nor are part of a request: how many may come between two requests in one second.
const MAX_CONTROL_FRAMES: u32 = 2_000;
/// Nothing is waited for.
const NEVER: u32 = u32::MAX;

/// One connection, shared by those who serve it and those who may have to close it.
///
/// Times are seconds of the server's own clock, which the maintenance task advances.
pub(super) struct Connection {
    closed: Arc<Closed>,
    /// Its number in the order of arrival.
    pub(super) number: u64,
    /// When it was accepted.
    pub(super) opened: u32,
    /// What its client proved.
    pub(super) standing: Standing,
    /// What it is counted by; unset for a trusted proxy, whose share is everybody's.
    source: OnceLock<SourceNetwork>,
    /// Requests whose answers are not entirely sent.
    exchanges: AtomicUsize,
    /// Requests that ever began.
    begun: AtomicU32,
    idle_since: AtomicU32,
    /// Since when a head is being received, or [`NEVER`].
    head_since: AtomicU32,
    abandoned: AtomicU32,
    control_frames: AtomicU32,
    close: Notify,
    is_closing: AtomicBool,
    /// Whether the registry knows that an authenticated request came over it.
    is_noted: AtomicBool,
}

/// Why a connection is closed by the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
pub(super) enum Reason {
    /// Its source has more connections than its share, or all places are taken.
    Connections,
    /// Its source holds more memory than its share.
    Memory,
    /// A head, handshake or preface did not arrive in time.
    HeadTimeout,
    /// No authenticated request came over it, and nothing happens on it.
    IdleTimeout,
    /// An answer is not taken.
    AnswerTimeout,
    /// More requests were abandoned, or more control frames sent, than a client has reason to.
    Abuse,
}

impl Reason {
    const ALL: [(Reason, &str); 6] = [
        (Reason::Connections, "connections"),
        (Reason::Memory, "memory"),
        (Reason::HeadTimeout, "head timeout"),
        (Reason::IdleTimeout, "idle timeout"),
        (Reason::AnswerTimeout, "answer timeout"),
        (Reason::Abuse, "abuse"),
    ];
}

/// How many connections the server closed, by reason.
#[derive(Default)]
pub(super) struct Closed([AtomicU64; Reason::ALL.len()]);

impl Closed {
    /// The counts, with their reasons' names.
    pub(super) fn read(&self) -> impl Iterator<Item = (&'static str, u64)> {
        Reason::ALL.iter().map(|(reason, name)| (*name, self.0[*reason as usize].load(Ordering::Relaxed)))
    }
}

impl Connection {
    pub(super) fn new(number: u64, now: u32, closed: Arc<Closed>) -> Self {
        Connection {
            closed,
            number,
            opened: now,
            standing: Standing::default(),
            source: OnceLock::new(),
            exchanges: AtomicUsize::new(0),
            begun: AtomicU32::new(0),
            idle_since: AtomicU32::new(now),
            head_since: AtomicU32::new(now),
            abandoned: AtomicU32::new(0),
            control_frames: AtomicU32::new(0),
            close: Notify::new(),
            is_closing: AtomicBool::new(false),
            is_noted: AtomicBool::new(false),
        }
    }

    /// Whether nobody asked this before.
    pub(super) fn is_unnoted(&self) -> bool {
        !self.is_noted.load(Ordering::Relaxed) && !self.is_noted.swap(true, Ordering::Relaxed)
    }

    /// What it is counted by, if it is.
    pub(super) fn source(&self) -> Option<SourceNetwork> {
        self.source.get().copied()
    }

    /// Says what it is counted by, once.
    pub(super) fn set_source(&self, source: SourceNetwork) {
        // A second source would leave it in the lists of the first.
        let _ = self.source.set(source);
    }

    /// Whether no request is being received or answered.
    pub(super) fn is_idle(&self) -> bool {
        self.exchanges.load(Ordering::Relaxed) == 0
    }

    /// A request's head arrived.
    pub(super) fn begin(&self) {
        self.exchanges.fetch_add(1, Ordering::Relaxed);
        self.begun.fetch_add(1, Ordering::Relaxed);
        self.control_frames.store(0, Ordering::Relaxed);
    }

    /// A request's answer is sent, or given up.
    pub(super) fn end(&self, now: u32) {
        self.idle_since.store(now, Ordering::Relaxed);
        self.exchanges.fetch_sub(1, Ordering::Relaxed);
    }

    /// Requests that ever began, to notice that one did.
    pub(super) fn begun(&self) -> u32 {
        self.begun.load(Ordering::Relaxed)
    }

    /// The client gave up a request before it was answered.
    pub(super) fn abandoned(&self) {
        if self.abandoned.fetch_add(1, Ordering::Relaxed) >= MAX_ABANDONED && !self.standing.is_authenticated() {
            self.close(Reason::Abuse);
        }
    }

    /// Frames arrived that do nothing for a request.
    pub(super) fn control_frames(&self, count: u32) {
        if count > 0 && self.control_frames.fetch_add(count, Ordering::Relaxed) > MAX_CONTROL_FRAMES {
            self.close(Reason::Abuse);
        }
    }

    /// A head begins to arrive, at that time.
    pub(super) fn head_begins(&self, now: u32) {
        self.head_since.store(now, Ordering::Relaxed);
    }

    /// No head is arriving.
    pub(super) fn head_ends(&self) {
        self.head_since.store(NEVER, Ordering::Relaxed);
    }

    /// Why it should be closed at this time, if it should; called once a second.
    pub(super) fn overdue(&self, now: u32) -> Option<Reason> {
        self.control_frames.store(0, Ordering::Relaxed);
        let head_since = self.head_since.load(Ordering::Relaxed);
        if head_since != NEVER && now.saturating_sub(head_since) > HEAD_TIMEOUT {
            return Some(Reason::HeadTimeout);
        }
        let idle = now.saturating_sub(self.idle_since.load(Ordering::Relaxed));
        (idle > IDLE_TIMEOUT && self.is_idle() && !self.standing.is_authenticated()).then_some(Reason::IdleTimeout)
    }

    /// Asks whoever serves it to close it.
    pub(super) fn close(&self, reason: Reason) {
        if !self.is_closing.swap(true, Ordering::Relaxed) {
            tracing::debug!(
                connection = self.number,
                source = self.source().map(tracing::field::display),
                ?reason,
                "closing a connection"
            );
            self.closed.0[reason as usize].fetch_add(1, Ordering::Relaxed);
            self.close.notify_one();
        }
    }

    /// Waits until somebody asks to close it.
    pub(super) async fn closed(&self) {
        self.close.notified().await;
    }

    /// Whether somebody asked to close it.
    #[cfg(test)]
    pub(super) fn is_closing(&self) -> bool {
        self.is_closing.load(Ordering::Relaxed)
    }
}
