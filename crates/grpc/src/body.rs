//! Request bodies: bounded in time and, all together, in memory.

use std::future::Future as _;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bailiwick_service::Share;
use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::time::Sleep;
use tonic::Status;

use crate::front::BoxError;

/// Time to send a message.
const TIMEOUT: Duration = Duration::from_secs(30);

/// A body that must arrive in time and find room.
pub(crate) struct Guarded<B> {
    inner: B,
    share: Share,
    /// Made when the body does not come at once, which is seldom.
    deadline: Option<Pin<Box<Sleep>>>,
}

impl<B> Guarded<B> {
    pub(crate) fn new(inner: B, share: Share) -> Self {
        Guarded { inner, share, deadline: None }
    }
}

impl<B> Body for Guarded<B>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<BoxError>,
{
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = self.get_mut();
        let frame = match Pin::new(&mut this.inner).poll_frame(cx) {
            Poll::Ready(frame) => frame,
            Poll::Pending => {
                let deadline = this.deadline.get_or_insert_with(|| Box::pin(tokio::time::sleep(TIMEOUT)));
                ready!(deadline.as_mut().poll(cx));
                let late = Status::deadline_exceeded("the message did not arrive within 30 seconds");
                return Poll::Ready(Some(Err(late.into())));
            }
        };
        Poll::Ready(frame.map(|frame| {
            let frame = frame.map_err(Into::into)?;
            match frame.data_ref() {
                Some(data) if !this.share.take(data.len()) => {
                    Err(Status::resource_exhausted("too many requests are being received").into())
                }
                _ => Ok(frame),
            }
        }))
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
