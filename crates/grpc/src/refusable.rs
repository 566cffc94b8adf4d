//! Request bodies whose errors become statuses.

use std::pin::Pin;
use std::sync::{Arc, OnceLock};
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
    failure: BodyFailure,
}

/// The status of the error that ended a body. `tonic-web` converts errors of the bodies that it decodes to text, so the
/// body under it stores the status here, and the body above it reads it.
#[derive(Clone, Default)]
pub(crate) struct BodyFailure(Arc<OnceLock<Status>>);

impl<B> Refusable<B> {
    pub(crate) fn new(inner: B, failure: BodyFailure) -> Self {
        Refusable { inner, failure }
    }

    fn status(&self, error: BoxError) -> BoxError {
        let status = match error.downcast::<BodyError>().map(|error| *error) {
            Ok(late @ BodyError::Late(_)) => Status::deadline_exceeded(late.to_string()),
            Ok(error) => status::of_error(&IamError::from(error), None, ""),
            Err(other) => match self.failure.0.get() {
                Some(status) => status.clone(),
                None => return other,
            },
        };
        self.failure.0.get_or_init(|| status.clone());
        status.into()
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
        Poll::Ready(frame.map(|frame| frame.map_err(|error| this.status(error.into()))))
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
