//! Refusals as gRPC has them.

use std::collections::HashMap;

use bailiwick_model::{ErrorKind, IamError};
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

/// What `ErrorInfo` names as the place that its reasons belong to.
const DOMAIN: &str = "bailiwick";

/// A status with AWS's message as its text and AWS's code as its `ErrorInfo`.
pub(crate) fn of_error(error: &IamError, request_id: &str) -> Status {
    let mut details = ErrorDetails::new();
    let metadata = HashMap::from([("request_id".to_owned(), request_id.to_owned())]);
    details.set_error_info(error.code().wire(), DOMAIN, metadata);
    for (field, description) in error.fields() {
        details.add_bad_request_violation(field, description);
    }
    if let Some(delay) = error.retry_delay() {
        details.set_retry_info(Some(delay));
    }
    Status::with_error_details(code(error.code().kind()), error.message(), details)
}

fn code(kind: ErrorKind) -> Code {
    match kind {
        ErrorKind::InvalidArgument => Code::InvalidArgument,
        ErrorKind::Unauthenticated => Code::Unauthenticated,
        ErrorKind::PermissionDenied => Code::PermissionDenied,
        ErrorKind::NotFound => Code::NotFound,
        ErrorKind::AlreadyExists => Code::AlreadyExists,
        ErrorKind::FailedPrecondition => Code::FailedPrecondition,
        ErrorKind::Aborted => Code::Aborted,
        ErrorKind::ResourceExhausted => Code::ResourceExhausted,
        ErrorKind::Unimplemented => Code::Unimplemented,
        ErrorKind::Unavailable => Code::Unavailable,
        ErrorKind::Internal => Code::Internal,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bailiwick_model::ErrorCode;

    #[test]
    fn a_status_carries_code_message_fields_and_request_id() {
        let error =
            IamError::new(ErrorCode::NoSuchEntity, "The user with name x cannot be found.").field("UserName", "x");
        let status = of_error(&error, "r-1");
        assert_eq!((status.code(), status.message()), (Code::NotFound, "The user with name x cannot be found."));
        let info = status.get_details_error_info().unwrap();
        assert_eq!((info.reason.as_str(), info.domain.as_str()), ("NoSuchEntity", "bailiwick"));
        assert_eq!(info.metadata["request_id"], "r-1");
        assert_eq!(status.get_details_bad_request().unwrap().field_violations[0].field, "UserName");
    }
}
