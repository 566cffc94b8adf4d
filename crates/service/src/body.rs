//! The body of a request: read as a whole, or why it did not arrive, which the listener reports and the front end
//! converts to an answer.

use std::error::Error;
use std::time::Duration;

use bailiwick_model::{ErrorCode, IamError, Result};
use bytes::Bytes;
use http_body_util::BodyExt as _;
use zeroize::Zeroizing;

use crate::{LargePlace, LargeRequests};

/// The largest body: 1 MiB.
const MAX_BODY: usize = 1024 * 1024;
/// The initial capacity for a small body.
const SMALL_BODY: usize = 16 * 1024;
/// How much of a larger body is read and discarded before it is refused: a client that is still sending might not read
/// the response.
const MAX_DRAINED: usize = 8 * 1024 * 1024;

/// The error with which a listener ends a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    /// It did not arrive within this number of seconds.
    #[error("the body did not arrive within {0} seconds")]
    Late(u64),
    /// Its source has used its share of memory.
    #[error("too many requests are being received from this address")]
    NoRoom,
}

impl BodyError {
    /// Converts an error of reading a body. An error that is not from the listener is the client's fault.
    pub fn refusal(error: Box<dyn Error + Send + Sync>) -> IamError {
        match error.downcast::<BodyError>() {
            Ok(error) => IamError::from(*error),
            Err(other) => IamError::new(ErrorCode::MalformedInput, "the body could not be read").caused_by(other),
        }
    }
}

impl From<BodyError> for IamError {
    fn from(error: BodyError) -> Self {
        match error {
            BodyError::Late(_) => IamError::new(ErrorCode::MalformedInput, error.to_string()),
            BodyError::NoRoom => {
                IamError::new(ErrorCode::ServiceUnavailable, error.to_string()).retry_after(Duration::from_secs(1))
            }
        }
    }
}

/// What a front end says of a body of more than 1 MiB, by its beginning.
pub enum Larger {
    /// It may have up to [`LargeRequests::LARGEST`] bytes.
    Allowed(LargePlace),
    /// No request of its operation is so large.
    Refused,
    /// All places are taken.
    NoPlace,
}

/// A whole body.
pub struct WholeBody {
    /// Its bytes.
    pub bytes: Bytes,
    /// Its place, if it is large. It is kept until the request is answered.
    pub place: Option<LargePlace>,
}

/// Reads the whole body of a request in a protocol of AWS, of at most 1 MiB, or larger if the front end allows it. The
/// listener limits its time, and the memory of all bodies.
///
/// # Errors
/// `RequestEntityTooLarge`; `MalformedInput` or `ServiceUnavailable` if it did not arrive, or other large requests are
/// being received.
pub async fn read_body<B>(mut body: B, larger: impl FnOnce(&[u8]) -> Larger) -> Result<WholeBody>
where
    B: http_body::Body<Data = Bytes> + Unpin,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    // Most bodies arrive in one piece, which needs no copy.
    let (mut whole, mut pieces) = (Bytes::new(), Vec::new());
    let (mut size, mut largest, mut place, mut larger) = (0, MAX_BODY, None, Some(larger));
    let mut refusal = IamError::new(ErrorCode::RequestEntityTooLarge, "the body has more than 1 MiB");
    if body.size_hint().lower() > LargeRequests::LARGEST as u64 {
        return Err(refusal);
    }
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| BodyError::refusal(error.into()))?;
        let Ok(data) = frame.into_data() else { continue };
        size += data.len();
        if size > MAX_BODY
            && let Some(larger) = larger.take()
        {
            let begin = [&pieces[..], &whole, &data].into_iter().find(|bytes| !bytes.is_empty());
            match larger(begin.unwrap_or_default()) {
                Larger::Allowed(taken) => (largest, place) = (LargeRequests::LARGEST, Some(taken)),
                Larger::Refused => {}
                Larger::NoPlace => refusal = BodyError::NoRoom.into(),
            }
        }
        if size > largest.max(MAX_DRAINED) {
            return Err(refusal);
        }
        if size > largest {
            (whole, pieces) = (Bytes::new(), Vec::new());
            continue;
        }
        if whole.is_empty() && pieces.is_empty() {
            whole = data;
        } else {
            pieces.extend_from_slice(&std::mem::take(&mut whole));
            // Reserves the announced length, but not much more than has arrived.
            let left = usize::try_from(body.size_hint().lower()).unwrap_or(largest);
            if pieces.capacity() - pieces.len() < data.len() {
                pieces.reserve_exact(data.len() + left.min(pieces.len().max(SMALL_BODY)));
            }
            pieces.extend_from_slice(&data);
        }
    }
    if size > largest {
        return Err(refusal);
    }
    Ok(WholeBody { bytes: if pieces.is_empty() { whole } else { pieces.into() }, place })
}

/// How much of a larger body with secrets is read and discarded before it is refused.
const MAX_SECRET_DRAINED: usize = 1024 * 1024;

/// Reads the whole body of a request that may contain a password, of at most this many bytes. The result is overwritten
/// when it is dropped. The listener limits the time of the body, and the memory of all bodies.
///
/// # Errors
/// `RequestEntityTooLarge`; `MalformedInput` or `ServiceUnavailable` if it did not arrive.
pub async fn read_secret_body<B>(mut body: B, largest: usize) -> Result<Zeroizing<Vec<u8>>>
where
    B: http_body::Body<Data = Bytes> + Unpin,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    let mut whole = Zeroizing::new(Vec::with_capacity(announced.min(largest)));
    let mut size = 0_usize;
    while size <= MAX_SECRET_DRAINED && announced <= MAX_SECRET_DRAINED {
        let Some(frame) = body.frame().await else { break };
        let frame = frame.map_err(|error| BodyError::refusal(error.into()))?;
        let Ok(data) = frame.into_data() else { continue };
        size = size.saturating_add(data.len());
        if size > largest {
            continue;
        }
        if size > whole.capacity() {
            // A vector that grows by itself leaves its content behind.
            let mut larger = Zeroizing::new(Vec::with_capacity((2 * size).min(largest)));
            larger.extend_from_slice(&whole);
            whole = larger;
        }
        whole.extend_from_slice(&data);
    }
    if announced > MAX_SECRET_DRAINED || size > largest {
        let message = format!("the body has more than {} KiB", largest / 1024);
        return Err(IamError::new(ErrorCode::RequestEntityTooLarge, message));
    }
    Ok(whole)
}
