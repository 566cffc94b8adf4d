//! The state of one connection.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use bailiwick_model::SourceNetwork;
use bailiwick_service::Standing;
use tokio::sync::Notify;

/// Seconds that a client may take for a PROXY header, a TLS handshake, HTTP/2's preface, and each block of headers.
const HEAD_TIMEOUT: u32 = 10;
/// Seconds that a connection may be idle before its first authenticated request.
const IDLE_TIMEOUT: u32 = 60;
/// Requests that an unauthenticated client may abandon before they are answered.
const MAX_ABANDONED: u32 = 200;
/// HTTP/2 frames outside of requests that a client may send per second between two requests.
const MAX_CONTROL_FRAMES: u32 = 2_000;
/// No deadline.
const NEVER: u32 = u32::MAX;

/// One connection, shared by the task that serves it and the registry that may close it.
///
/// Times are seconds of the server's own clock ([`super::seconds`]).
pub(super) struct Connection {
    closed: Arc<Closed>,
    /// Its number in the order of arrival.
    pub(super) number: u64,
    /// When it was accepted.
    pub(super) opened: u32,
    /// The client's standing, as proven by its requests.
    pub(super) standing: Standing,
    /// The source that it is counted under; unset for a trusted proxy, which has no share.
    source: OnceLock<SourceNetwork>,
    /// Requests whose answers are not completely sent.
    exchanges: AtomicUsize,
    /// Number of requests so far.
    begun: AtomicU32,
    idle_since: AtomicU32,
    /// The time at which the current head began, or [`NEVER`].
    head_since: AtomicU32,
    abandoned: AtomicU32,
    control_frames: AtomicU32,
    close: Notify,
    is_closing: AtomicBool,
    /// Whether its client's certificate is not trusted any more.
    is_distrusted: AtomicBool,
    /// Whether a proxy ended the client's TLS connection, so that the one to the server is the proxy's.
    is_ended_by_proxy: AtomicBool,
    /// Whether the registry counts it as authenticated.
    is_noted: AtomicBool,
}

/// Why the server closes a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
pub(super) enum Reason {
    /// Its source exceeds its share of connections, or the listener its total.
    Connections,
    /// Its source exceeds its share of memory.
    Memory,
    /// A head, handshake or preface did not arrive in time.
    HeadTimeout,
    /// It is idle and has had no authenticated request.
    IdleTimeout,
    /// Its client's certificate is not trusted any more.
    Certificate,
    /// The client does not read an answer.
    AnswerTimeout,
    /// Too many abandoned requests or control frames.
    Abuse,
}

impl Reason {
    const ALL: [(Reason, &str); 7] = [
        (Reason::Connections, "connections"),
        (Reason::Memory, "memory"),
        (Reason::HeadTimeout, "head timeout"),
        (Reason::IdleTimeout, "idle timeout"),
        (Reason::Certificate, "client certificate"),
        (Reason::AnswerTimeout, "answer timeout"),
        (Reason::Abuse, "abuse"),
    ];
}

/// How many connections the server closed, by reason.
#[derive(Default)]
pub(super) struct Closed([AtomicU64; Reason::ALL.len()]);

impl Closed {
    /// Returns the counts, with the names of the reasons.
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
            is_distrusted: AtomicBool::new(false),
            is_ended_by_proxy: AtomicBool::new(false),
            is_noted: AtomicBool::new(false),
        }
    }

    /// Returns whether this is the first call.
    pub(super) fn is_unnoted(&self) -> bool {
        !self.is_noted.load(Ordering::Relaxed) && !self.is_noted.swap(true, Ordering::Relaxed)
    }

    /// Returns the source that it is counted under, if any.
    pub(super) fn source(&self) -> Option<SourceNetwork> {
        self.source.get().copied()
    }

    /// Sets the source, once.
    pub(super) fn set_source(&self, source: SourceNetwork) {
        // A second source would leave it in the lists of the first.
        let _ = self.source.set(source);
    }

    /// Returns whether no request is being received or answered.
    pub(super) fn is_idle(&self) -> bool {
        self.exchanges.load(Ordering::Relaxed) == 0
    }

    /// Records that a request's head arrived.
    pub(super) fn begin(&self) {
        self.exchanges.fetch_add(1, Ordering::Relaxed);
        self.begun.fetch_add(1, Ordering::Relaxed);
        self.control_frames.store(0, Ordering::Relaxed);
    }

    /// Records that a request's answer was sent or abandoned.
    pub(super) fn end(&self, now: u32) {
        self.idle_since.store(now, Ordering::Relaxed);
        self.exchanges.fetch_sub(1, Ordering::Relaxed);
    }

    /// Returns the number of requests so far.
    pub(super) fn begun(&self) -> u32 {
        self.begun.load(Ordering::Relaxed)
    }

    /// Records that the client abandoned a request.
    pub(super) fn abandoned(&self) {
        if self.abandoned.fetch_add(1, Ordering::Relaxed) >= MAX_ABANDONED && !self.standing.is_authenticated() {
            self.close(Reason::Abuse);
        }
    }

    /// Records frames outside of requests.
    pub(super) fn control_frames(&self, count: u32) {
        if count > 0 && self.control_frames.fetch_add(count, Ordering::Relaxed) > MAX_CONTROL_FRAMES {
            self.close(Reason::Abuse);
        }
    }

    /// Records that a head begins to arrive at `now`.
    pub(super) fn head_begins(&self, now: u32) {
        self.head_since.store(now, Ordering::Relaxed);
    }

    /// Records that no head is arriving.
    pub(super) fn head_ends(&self) {
        self.head_since.store(NEVER, Ordering::Relaxed);
    }

    /// Records that the client's certificate is not trusted any more: the connection is closed when it is idle.
    pub(super) fn distrust(&self) {
        self.is_distrusted.store(true, Ordering::Relaxed);
    }

    /// Records that a proxy ended the client's TLS connection.
    pub(super) fn set_ended_by_proxy(&self) {
        self.is_ended_by_proxy.store(true, Ordering::Relaxed);
    }

    /// Returns whether a proxy ended the client's TLS connection.
    pub(super) fn is_ended_by_proxy(&self) -> bool {
        self.is_ended_by_proxy.load(Ordering::Relaxed)
    }

    /// Returns why the connection must be closed now, if it must. Called once a second.
    pub(super) fn overdue(&self, now: u32) -> Option<Reason> {
        self.control_frames.store(0, Ordering::Relaxed);
        let head_since = self.head_since.load(Ordering::Relaxed);
        if head_since != NEVER && now.saturating_sub(head_since) > HEAD_TIMEOUT {
            return Some(Reason::HeadTimeout);
        }
        if self.is_distrusted.load(Ordering::Relaxed) && self.is_idle() {
            return Some(Reason::Certificate);
        }
        let idle = now.saturating_sub(self.idle_since.load(Ordering::Relaxed));
        (idle > IDLE_TIMEOUT && self.is_idle() && !self.standing.is_authenticated()).then_some(Reason::IdleTimeout)
    }

    /// Asks the task that serves it to close it.
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

    /// Waits for a request to close it.
    pub(super) async fn closed(&self) {
        self.close.notified().await;
    }

    /// Returns whether it is being closed.
    #[cfg(test)]
    pub(super) fn is_closing(&self) -> bool {
        self.is_closing.load(Ordering::Relaxed)
    }
}
