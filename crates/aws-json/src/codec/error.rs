//! Errors in the JSON protocols: the names and statuses that AWS's services of these protocols have for common errors.

use bailiwick_model::{ErrorCode, ErrorKind, IamError};

use crate::Protocol;

/// The errors of every operation that have another name than in AWS Query.
const COMMON: &[(ErrorCode, &str)] = &[
    (ErrorCode::AccessDenied, "AccessDeniedException"),
    (ErrorCode::MissingAuthenticationToken, "MissingAuthenticationTokenException"),
    (ErrorCode::InvalidClientTokenId, "UnrecognizedClientException"),
    (ErrorCode::SignatureDoesNotMatch, "InvalidSignatureException"),
    (ErrorCode::IncompleteSignature, "IncompleteSignatureException"),
    (ErrorCode::ExpiredToken, "ExpiredTokenException"),
    (ErrorCode::Throttling, "ThrottlingException"),
    (ErrorCode::ValidationError, "ValidationException"),
    (ErrorCode::MalformedInput, "SerializationException"),
    (ErrorCode::MalformedQueryString, "SerializationException"),
    (ErrorCode::InvalidAction, "UnknownOperationException"),
    (ErrorCode::RequestEntityTooLarge, "RequestEntityTooLargeException"),
    (ErrorCode::ServiceUnavailable, "ServiceUnavailableException"),
];

/// The name of an error: `x-amzn-ErrorType`.
pub fn error_type(protocol: Protocol, error: &IamError) -> &'static str {
    let code = error.code();
    let common = COMMON.iter().find(|(common, _)| *common == code);
    match (common, protocol) {
        (Some((_, name)), _) => name,
        (None, Protocol::Json11) if code.kind() == ErrorKind::Internal => "InternalFailure",
        (None, Protocol::RestJson) if code.kind() == ErrorKind::Internal => "InternalServerException",
        (None, _) => code.wire(),
    }
}

/// The HTTP status and the body of an error. AWS JSON 1.1 has 400 for nearly all errors of the client.
pub fn encode_error(protocol: Protocol, error: &IamError) -> (u16, Vec<u8>) {
    let (code, message) = (error.code(), error.message());
    let (status, body) = match protocol {
        Protocol::Json11 => {
            let keeps_status = code.http_status() >= 500 || code == ErrorCode::RequestEntityTooLarge;
            let status = if keeps_status { code.http_status() } else { 400 };
            (status, serde_json::json!({ "__type": error_type(protocol, error), "message": message }))
        }
        Protocol::RestJson => {
            let status = match code {
                ErrorCode::Throttling => 429,
                ErrorCode::MalformedQueryString => 400,
                ErrorCode::InvalidAction => 404,
                _ if code.kind() == ErrorKind::Unauthenticated => 403,
                _ => code.http_status(),
            };
            (status, serde_json::json!({ "message": message }))
        }
    };
    (status, body.to_string().into_bytes())
}
