//! gRPC statuses of refusals.

use std::collections::HashMap;

use bailiwick_api::OperationInfo;
use bailiwick_model::{ErrorCode, ErrorKind, IamError};
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

/// The domain of the reasons in `ErrorInfo`.
const DOMAIN: &str = "bailiwick";

/// The maximum length of a message on the wire in bytes. By default clients accept 8 KiB of trailers and drop a longer
/// response. The message occurs twice: as text and within the details.
const MESSAGE: usize = 1600;
/// The maximum length of fields and their descriptions in bytes.
const VIOLATIONS: usize = 2000;

/// Returns a status with AWS's message as its text and AWS's code in its `ErrorInfo`, shortened to the limit of
/// trailers. `BadRequest` names members of the request as the proto does. Explanations that are of no member are in the
/// metadata of `ErrorInfo` under `detail`, as `Name: reason; Name: reason`. The metadata have `subject: caller` if the
/// error is of the caller that a service asks about, and `authorizationId` if the details of a denial are on record.
pub(crate) fn of_error(error: &IamError, operation: Option<&OperationInfo>, request_id: &str) -> Status {
    let mut details = ErrorDetails::new();
    let mut metadata = HashMap::from([("request_id".to_owned(), request_id.to_owned())]);
    if error.is_about_given_caller() {
        metadata.insert("subject".to_owned(), "caller".to_owned());
    }
    if let Some(id) = error.authorization_id() {
        metadata.insert("authorizationId".to_owned(), id.to_owned());
    }
    let mut room = VIOLATIONS;
    let mut others = Vec::new();
    for (name, description) in error.fields() {
        let Some(field) = operation.and_then(|operation| operation.field_path(name)) else {
            others.push(format!("{name}: {description}"));
            continue;
        };
        let description = cut(description, room.saturating_sub(field.len()));
        room = room.saturating_sub(field.len() + description.len());
        if room == 0 {
            break;
        }
        details.add_bad_request_violation(field, description);
    }
    if !others.is_empty() && room > 0 {
        metadata.insert("detail".to_owned(), cut(&others.join("; "), room));
    }
    details.set_error_info(error.code().wire(), DOMAIN, metadata);
    if let Some(delay) = error.retry_delay() {
        details.set_retry_info(Some(delay));
    }
    Status::with_error_details(code(error.code().kind()), cut(error.message(), MESSAGE), details)
}

/// Converts a status of tonic, or of an incomplete body, to AWS's code.
pub(crate) fn unread(status: &Status) -> IamError {
    let reason = status.get_details_error_info().and_then(|info| ErrorCode::from_wire(&info.reason));
    let code = reason.unwrap_or(match status.code() {
        Code::OutOfRange | Code::ResourceExhausted => ErrorCode::RequestEntityTooLarge,
        _ => ErrorCode::MalformedInput,
    });
    IamError::new(code, status.message())
}

/// Returns a status of an unreadable request with AWS's code and a request id in its details. tonic reports malformed
/// frames and gRPC-Web encodings as internal errors, but they are the client's.
pub(crate) fn with_reason(status: &Status, error: &IamError, request_id: &str) -> Status {
    let mut details = status.get_error_details();
    let metadata = HashMap::from([("request_id".to_owned(), request_id.to_owned())]);
    details.set_error_info(error.code().wire(), DOMAIN, metadata);
    let code = if status.code() == Code::Internal { Code::InvalidArgument } else { status.code() };
    Status::with_error_details(code, cut(error.message(), MESSAGE), details)
}

/// Truncates a text to a length that it has when percent-encoded, as on the wire.
fn cut(text: &str, room: usize) -> String {
    const ELLIPSIS: &str = "...";
    let cost = |c: char| if matches!(c, ' '..='~') && c != '%' { 1 } else { 3 * c.len_utf8() };
    if text.chars().map(cost).sum::<usize>() <= room {
        return text.to_owned();
    }
    let mut left = room.saturating_sub(ELLIPSIS.len());
    let fits = |c: &char| left.checked_sub(cost(*c)).map(|rest| left = rest).is_some();
    text.chars().take_while(fits).chain(ELLIPSIS.chars()).collect()
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
        let operation = bailiwick_api::find_operation("GetUser");
        let status = of_error(&error, operation, "r-1");
        assert_eq!((status.code(), status.message()), (Code::NotFound, "The user with name x cannot be found."));
        let info = status.get_details_error_info().unwrap();
        assert_eq!((info.reason.as_str(), info.domain.as_str()), ("NoSuchEntity", "bailiwick"));
        assert_eq!(info.metadata["request_id"], "r-1");
        assert!(!info.metadata.contains_key("subject"));
        let status = of_error(&error.about_given_caller(), operation, "r-1");
        assert_eq!(status.get_details_error_info().unwrap().metadata["subject"], "caller");
        assert_eq!(status.get_details_bad_request().unwrap().field_violations[0].field, "user_name");
    }

    #[test]
    fn what_is_of_no_member_is_in_the_metadata() {
        let operation = bailiwick_api::find_operation("GetUser");
        let error = IamError::validation("no").field("UserName", "x").field("X-Header", "missing").field("Other", "y");
        let status = of_error(&error, operation, "r-1");
        assert_eq!(status.get_details_error_info().unwrap().metadata["detail"], "X-Header: missing; Other: y");
        assert_eq!(status.get_details_bad_request().unwrap().field_violations.len(), 1);
        let status = of_error(&IamError::validation("no").field("UserName", "x"), operation, "r-1");
        assert!(!status.get_details_error_info().unwrap().metadata.contains_key("detail"));
    }

    #[test]
    fn a_status_fits_into_the_trailers_that_clients_take() {
        for text in ["x".repeat(20_000), "\u{fffe}%\n".repeat(2_000), "\u{1f4a3}".repeat(3_000)] {
            let mut error = IamError::new(ErrorCode::ValidationError, text.clone());
            for number in 0..100 {
                error = error.field(format!("tags.{number}.member.key"), text.clone()).field("Other", text.clone());
            }
            let operation = bailiwick_api::find_operation("TagUser");
            let status = of_error(&error, operation, "r-1");
            let encoded: usize = status.message().bytes().map(|b| if b.is_ascii_graphic() { 1 } else { 3 }).sum();
            assert!(encoded + status.details().len() * 4 / 3 < 7_000, "{encoded} and {}", status.details().len());
            assert!(status.message().ends_with("..."));
            assert_eq!(status.get_details_error_info().unwrap().reason, "ValidationError");
        }
        assert_eq!((cut("as it is", 8), cut("as it is", 7)), ("as it is".into(), "as i...".into()));
    }
}
