//! The AWS Query protocol, generic over the descriptors: parameters to message bytes, message bytes to XML or JSON.
//!
//! Both directions use tables that are built once from the descriptors, and read and write protobuf's wire format
//! directly. No operation has code of its own, and no intermediate message is built.

mod decode;
mod error;
mod foreign;
mod json;
mod render;
mod table;
mod wire;
mod xml;

use std::borrow::Cow;

use bailiwick_model::{ErrorCode, IamError, Result};
use bytes::Bytes;

pub use error::encode_error;
pub use foreign::Protocol;
pub use table::QueryOperation;
use table::{SERVICES, Table};

/// A body and its content type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Encoded {
    /// The header `Content-Type`.
    pub content_type: &'static str,
    /// The body.
    pub body: Vec<u8>,
}

/// Returns the operation that `Action` and `Version` name. Without `Version`, the action decides.
///
/// # Errors
/// `MissingAction`, `InvalidAction`, `NoSuchVersion`; `InvalidQueryParameter` when either is duplicated.
pub fn find_operation(pairs: &[(Cow<'_, str>, Cow<'_, str>)]) -> Result<&'static QueryOperation> {
    let action = single(pairs, "Action")?.filter(|a| !a.is_empty());
    let action = action.ok_or_else(|| IamError::new(ErrorCode::MissingAction, "the request has no `Action`"))?;
    let version = single(pairs, "Version")?;
    if let Some(version) = version
        && !SERVICES.iter().any(|s| s.version == version)
    {
        let message = format!("The requested version ( {version} ) is not valid.");
        return Err(IamError::new(ErrorCode::NoSuchVersion, message));
    }
    let found = Table::get().operation(action).filter(|o| version.is_none_or(|v| o.service.version == v));
    found.ok_or_else(|| {
        let version = version.map(|v| format!(" for version {v}")).unwrap_or_default();
        let other_way = if action == LDAP { LDAP_REFUSED } else { "" };
        IamError::new(ErrorCode::InvalidAction, format!("Could not find operation {action}{version}{other_way}"))
    })
}

/// What servers that are like STS call the exchange of a user's LDAP password for credentials.
const LDAP: &str = "AssumeRoleWithLDAPIdentity";
const LDAP_REFUSED: &str = ": Bailiwick never asks for passwords of a directory. Connect the directory to an identity \
                            provider, such as AD FS, Entra ID or Keycloak, and call AssumeRoleWithSAML or \
                            AssumeRoleWithWebIdentity";

fn single<'a>(pairs: &'a [(Cow<'_, str>, Cow<'_, str>)], name: &str) -> Result<Option<&'a str>> {
    let mut values = pairs.iter().filter(|(n, _)| n == name);
    let first = values.next();
    if values.next().is_some() {
        return Err(decode::duplicate(name));
    }
    Ok(first.map(|(_, value)| value.as_ref()))
}

/// Converts parameters to the request message in protobuf's wire format. `Action` and `Version` are not its members.
///
/// # Errors
/// `InvalidQueryParameter` for an unknown or duplicate parameter; `MalformedInput` for one of the wrong type or
/// structure.
pub fn decode_request(operation: &QueryOperation, pairs: &[(Cow<'_, str>, Cow<'_, str>)]) -> Result<Bytes> {
    decode::request(operation, pairs)
}

/// Converts the response of the operation with that gRPC path to XML, or to JSON in the format of STS.
///
/// # Errors
/// `ServiceFailure` when the message is not one of the operation's.
pub fn encode_response(path: &str, message: &[u8], request_id: &str, json: bool) -> Result<Encoded> {
    let operation = Table::get()
        .operation_by_path(path)
        .ok_or_else(|| IamError::internal(format!("{path} is not served by AWS Query")))?;
    let written = if json {
        json::response(operation, message, request_id)
    } else {
        xml::response(operation, message, request_id)
    };
    written.map_err(|error| IamError::internal(format!("response of {path}: {error}")))
}

#[cfg(test)]
mod tests;
