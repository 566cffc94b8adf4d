//! Why the body of a request did not arrive, as listeners tell it and front ends pass it on.

use std::error::Error;
use std::time::Duration;

use bailiwick_model::{ErrorCode, IamError};

/// What a listener ends a body with before its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    /// It did not arrive within so many seconds.
    #[error("the body did not arrive within {0} seconds")]
    Late(u64),
    /// Its source holds more memory than its share.
    #[error("too many requests are being received from this address")]
    NoRoom,
}

impl BodyError {
    /// The refusal for an error that reading a body ended with; whatever is not of the listener is the client's.
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
