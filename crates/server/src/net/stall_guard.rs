//! A connection's stream that counts arriving bytes, and fails if the peer stops reading.

use std::future::Future as _;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Sleep;

use super::connection::Connection;
use super::frames::Frames;
use super::gate::Gate;
use super::memory::Hold;

/// How long a peer may read nothing of what is sent.
const STALL: Duration = Duration::from_secs(20);
/// The library's initial buffer for HTTP/1.
const USUAL_ROOM: usize = 8 * 1024;

/// The stream.
pub(super) struct StallGuard<S> {
    inner: S,
    head: Head,
    /// The deadline by which the peer must read; none while it reads.
    stalled: Option<Pin<Box<Sleep>>>,
}

/// The bytes that arrived and do not form a request yet.
struct Head {
    gate: Arc<Gate>,
    hold: Hold,
    /// Whether they are counted as those of an authenticated connection.
    is_authenticated: bool,
    held: usize,
    /// Bytes of an HTTP/1 head.
    head: usize,
    frames: Frames,
    /// The number of requests when bytes last arrived.
    begun: u32,
    is_in_headers: bool,
}

impl Head {
    fn new(gate: Arc<Gate>) -> Self {
        let hold = gate.head();
        let frames = Frames::default();
        Head { gate, hold, is_authenticated: false, held: 0, head: 0, frames, begun: 0, is_in_headers: false }
    }

    /// Processes arrived bytes; `room` is the library's free buffer.
    fn pass(&mut self, bytes: &[u8], room: usize) -> io::Result<()> {
        let was_known = self.frames.is_known();
        self.frames.pass(bytes);
        if !was_known && self.frames.is_known() {
            // From here on the library limits the time of HTTP/1 heads.
            self.connection().head_ends();
        }
        let kept = if self.frames.is_http1() { self.http1(bytes.len(), room) } else { self.frames.kept() };
        let control = self.frames.take_control();
        self.connection().control_frames(control);
        self.time_headers();
        self.hold(kept)
    }

    /// Sets the deadline for a block of HTTP/2 headers; each block has its own.
    fn time_headers(&mut self) {
        let was_in_headers = std::mem::replace(&mut self.is_in_headers, self.frames.is_in_headers());
        if !self.is_in_headers {
            if was_in_headers {
                self.connection().head_ends();
            }
            return;
        }
        let begun = self.connection().begun();
        if !was_in_headers || self.begun != begun {
            self.begun = begun;
            self.connection().head_begins(self.hold.now());
        }
    }

    /// HTTP/1 has one request at a time, so bytes outside of a request belong to a head. For a client that sends much
    /// the library also keeps a large buffer.
    fn http1(&mut self, arrived: usize, room: usize) -> usize {
        let begun = self.connection().begun();
        if std::mem::replace(&mut self.begun, begun) != begun || !self.connection().is_idle() {
            self.head = 0;
        }
        if self.connection().is_idle() {
            self.head += arrived;
        }
        self.head + room.saturating_sub(USUAL_ROOM)
    }

    fn hold(&mut self, kept: usize) -> io::Result<()> {
        if !self.is_authenticated && self.connection().standing.is_authenticated() {
            (self.hold, self.held, self.is_authenticated) = (self.gate.head(), 0, true);
        }
        let held = std::mem::replace(&mut self.held, kept);
        if held > kept {
            self.hold.give_back(held - kept);
        } else if kept > held && self.hold.take(kept - held).is_err() {
            return Err(io::ErrorKind::ConnectionAborted.into());
        }
        self.hold.set_receiving(kept > 0);
        Ok(())
    }

    fn connection(&self) -> &Connection {
        self.hold.connection()
    }
}

impl<S> StallGuard<S> {
    /// Wraps a stream; counts arriving bytes at the gate.
    pub(super) fn new(inner: S, gate: Arc<Gate>) -> Self {
        StallGuard { inner, head: Head::new(gate), stalled: None }
    }

    /// Passes the result of a write on, unless the peer has stopped reading for too long.
    fn watch<T>(&mut self, cx: &mut Context<'_>, outcome: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if outcome.is_ready() {
            self.stalled = None;
            return outcome;
        }
        let stalled = self.stalled.get_or_insert_with(|| Box::pin(tokio::time::sleep(STALL)));
        stalled.as_mut().poll(cx).map(|()| Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for StallGuard<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let (before, room) = (buffer.filled().len(), buffer.remaining());
        let outcome = Pin::new(&mut this.inner).poll_read(cx, buffer);
        match buffer.filled().get(before..) {
            Some(arrived) if !arrived.is_empty() => this.head.pass(arrived, room)?,
            _ => {}
        }
        outcome
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for StallGuard<S> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let outcome = Pin::new(&mut this.inner).poll_write(cx, bytes);
        this.watch(cx, outcome)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let outcome = Pin::new(&mut this.inner).poll_flush(cx);
        this.watch(cx, outcome)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        let outcome = Pin::new(&mut this.inner).poll_shutdown(cx);
        this.watch(cx, outcome)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let outcome = Pin::new(&mut this.inner).poll_write_vectored(cx, pieces);
        this.watch(cx, outcome)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }
}
