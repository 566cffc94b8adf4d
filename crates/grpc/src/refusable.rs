//! Request bodies whose errors become statuses.

use std::pin::Pin;
use std::task::{Context, Poll};

use bailiwick_model::IamError;
use bailiwick_service::BodyError;
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tonic::Status;

use crate::BoxError;
use crate::status;

/// A body from the listener. An error that ends it early becomes a status.
pub(crate) struct Refusable<B> {
    inner: B,
}

impl<B> Refusable<B> {
    pub(crate) fn new(inner: B) -> Self {
        Refusable { inner }
    }
}

impl<B> Body for Refusable<B>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<BoxError>,
{
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = self.get_mut();
        let frame = std::task::ready!(Pin::new(&mut this.inner).poll_frame(cx));
        Poll::Ready(frame.map(|frame| {
            frame.map_err(|error| match error.into().downcast::<BodyError>().map(|error| *error) {
                Ok(late @ BodyError::Late(_)) => Status::deadline_exceeded(late.to_string()).into(),
                Ok(error) => status::of_error(&IamError::from(error), None, "").into(),
                Err(other) => other,
            })
        }))
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
