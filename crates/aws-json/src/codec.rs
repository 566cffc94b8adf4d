//! The JSON protocols, generic over the descriptors: JSON, paths and query strings to messages, messages to JSON.

mod decode;
mod encode;
mod error;
mod query;

use bailiwick_api::OperationInfo;
use bailiwick_model::{ErrorCode, IamError, Result};
use bytes::Bytes;
use http::request::Parts;
use prost::Message as _;
use prost_reflect::DynamicMessage;

use crate::Protocol;
use crate::target::Target;

pub use error::{encode_error, error_type};

/// A request for an operation.
#[derive(Debug)]
pub struct Decoded {
    /// The operation.
    pub operation: &'static OperationInfo,
    /// The request message in protobuf's wire format. `MalformedInput` for an unknown or duplicate member, for a value of
    /// the wrong type, and for what is not a JSON object.
    pub message: Result<Bytes>,
}

/// Finds the operation of a request and converts its members. An empty body has none.
///
/// # Errors
/// `InvalidAction` if there is no such operation; `MalformedInput` if the request cannot be read in this protocol.
pub fn decode_request(protocol: Protocol, head: &Parts, body: &[u8]) -> Result<Decoded> {
    let Target { operation, path_members } = protocol.target(head)?;
    let message = message(protocol, operation, &path_members, head, body);
    Ok(Decoded { operation, message: message.map(|message| message.encode_to_vec().into()) })
}

fn message(
    protocol: Protocol,
    operation: &OperationInfo,
    path: &[(&str, String)],
    head: &Parts,
    body: &[u8],
) -> Result<DynamicMessage> {
    let kind = operation.request_descriptor().ok_or_else(|| IamError::internal("a request without a type"))?;
    match protocol {
        Protocol::Json11 if body.is_empty() => Ok(DynamicMessage::new(kind)),
        Protocol::Json11 => decode::object(kind, body),
        Protocol::RestJson if body.is_empty() => query::message(kind, path, head.uri.query().unwrap_or_default()),
        Protocol::RestJson => Err(malformed("a GET request has its members in the path and the query string")),
    }
}

/// Converts the response of an operation to JSON.
///
/// # Errors
/// `ServiceFailure` when the message is not one of the operation's.
pub fn encode_response(operation: &OperationInfo, message: &[u8]) -> Result<Vec<u8>> {
    let kind = operation.response_descriptor().ok_or_else(|| IamError::internal("a response without a type"))?;
    encode::message(&DynamicMessage::decode(kind, message).map_err(IamError::internal)?)
}

/// The content type of what a protocol answers.
pub fn content_type(protocol: Protocol) -> &'static str {
    match protocol {
        Protocol::Json11 => "application/x-amz-json-1.1",
        Protocol::RestJson => "application/json",
    }
}

fn malformed(message: impl Into<String>) -> IamError {
    IamError::new(ErrorCode::MalformedInput, message)
}

#[cfg(test)]
mod tests;
