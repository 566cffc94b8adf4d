//! The bodies of a request and its answer, limited in time and counted in memory.

use std::future::Future as _;
use std::io::IoSlice;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bailiwick_grpc::Body;
use bailiwick_service::BodyError;
use bytes::{Buf, Bytes};
use http_body::{Frame, SizeHint};
use hyper::body::Incoming;
use tokio::time::Sleep;

use super::memory::{Hold, NoRoom};

/// The time in which a body must arrive.
const BODY_TIMEOUT: Duration = Duration::from_secs(30);
/// Bytes of a body that are counted. A front end discards the rest, but for the few large requests that it receives at once.
const MAX_COUNTED: usize = 1024 * 1024;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// The body of a request. It must arrive in time and fit in the source's memory.
pub(crate) struct Received {
    inner: Incoming,
    hold: Hold,
    kept: usize,
    /// Created only if the body does not arrive at once.
    deadline: Option<Pin<Box<Sleep>>>,
}

impl Received {
    pub(super) fn new(inner: Incoming, hold: Hold) -> Self {
        Received { inner, hold, kept: 0, deadline: None }
    }

    /// Counts memory that the request needs in addition to its head and body.
    ///
    /// # Errors
    /// When the memory is not available.
    pub(crate) fn hold(&self, bytes: usize) -> Result<(), BodyError> {
        self.hold.take(bytes).map_err(|NoRoom| BodyError::NoRoom)
    }

    fn wait(&mut self, cx: &mut Context<'_>) -> Poll<BodyError> {
        let given_up = self.hold.poll_given_up(cx);
        self.hold.set_receiving(true);
        // The hold may have been revoked in between.
        if given_up.is_ready() || self.hold.is_given_up() {
            return Poll::Ready(BodyError::NoRoom);
        }
        let deadline = self.deadline.get_or_insert_with(|| Box::pin(tokio::time::sleep(BODY_TIMEOUT)));
        deadline.as_mut().poll(cx).map(|()| BodyError::Late(BODY_TIMEOUT.as_secs()))
    }
}

impl http_body::Body for Received {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = self.get_mut();
        let Poll::Ready(frame) = Pin::new(&mut this.inner).poll_frame(cx) else {
            return this.wait(cx).map(|error| Some(Err(error.into())));
        };
        this.hold.set_receiving(false);
        Poll::Ready(frame.map(|frame| {
            let frame = frame?;
            if let Some(data) = frame.data_ref() {
                let counted = data.len().min(MAX_COUNTED - this.kept);
                this.kept += counted;
                this.hold.take(counted).map_err(|NoRoom| BodyError::NoRoom)?;
            }
            Ok(frame)
        }))
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

impl Drop for Received {
    fn drop(&mut self) {
        self.hold.set_receiving(false);
    }
}

/// The body of an answer. Unsent bytes are counted.
pub(super) struct Answered {
    inner: Body,
    hold: Hold,
}

impl Answered {
    pub(super) fn new(inner: Body, hold: Hold) -> Self {
        Answered { inner, hold }
    }
}

impl http_body::Body for Answered {
    type Data = Piece;
    type Error = <Body as http_body::Body>::Error;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Piece>, Self::Error>>> {
        let this = self.get_mut();
        let frame = std::task::ready!(Pin::new(&mut this.inner).poll_frame(cx));
        Poll::Ready(frame.map(|frame| frame.map(|frame| frame.map_data(|data| Piece::new(data, this.hold.clone())))))
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

/// A piece of an answer, which is dropped when its last byte is written.
pub(super) struct Piece {
    bytes: Bytes,
    size: usize,
    hold: Hold,
}

impl Piece {
    fn new(bytes: Bytes, hold: Hold) -> Self {
        let size = bytes.len();
        hold.sending(size);
        Piece { bytes, size, hold }
    }
}

impl Drop for Piece {
    fn drop(&mut self) {
        self.hold.sent(self.size);
    }
}

impl Buf for Piece {
    fn remaining(&self) -> usize {
        self.bytes.remaining()
    }

    fn chunk(&self) -> &[u8] {
        self.bytes.chunk()
    }

    fn chunks_vectored<'a>(&'a self, pieces: &mut [IoSlice<'a>]) -> usize {
        self.bytes.chunks_vectored(pieces)
    }

    fn advance(&mut self, count: usize) {
        self.bytes.advance(count);
    }

    fn copy_to_bytes(&mut self, count: usize) -> Bytes {
        self.bytes.copy_to_bytes(count)
    }
}
