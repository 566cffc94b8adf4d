//! Why the body of a request did not arrive: reported by the listener, converted to an answer by the front end.

use std::error::Error;
use std::time::Duration;

use bailiwick_model::{ErrorCode, IamError};

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
