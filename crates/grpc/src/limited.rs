//! Endless streams of responses with a time limit.

use std::future::Future as _;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Frame, SizeHint};

use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Sleep;
use tonic::Status;

use crate::Body;

/// A stream of responses that ends with `UNAVAILABLE` after its time limit, so that clients ask again.
pub(crate) struct Limited {
    inner: Body,
    end: Pin<Box<Sleep>>,
    is_over: bool,
    /// Its place among streams of limited number.
    _place: Option<OwnedSemaphorePermit>,
}

impl Limited {
    pub(crate) fn new(inner: Body, life: Duration) -> Self {
        Limited { inner, end: Box::pin(tokio::time::sleep(life)), is_over: false, _place: None }
    }

    /// Gives back the place when the stream ends.
    pub(crate) fn with_place(self, place: Option<OwnedSemaphorePermit>) -> Self {
        Limited { _place: place, ..self }
    }
}

impl http_body::Body for Limited {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        let this = self.get_mut();
        if this.is_over {
            return Poll::Ready(None);
        }
        if let Poll::Ready(frame) = Pin::new(&mut this.inner).poll_frame(cx) {
            return Poll::Ready(frame);
        }
        std::task::ready!(this.end.as_mut().poll(cx));
        this.is_over = true;
        let mut trailers = HeaderMap::new();
        Status::unavailable("the stream is ended after a time: ask again").add_header(&mut trailers)?;
        Poll::Ready(Some(Ok(Frame::trailers(trailers))))
    }

    fn is_end_stream(&self) -> bool {
        self.is_over || self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
