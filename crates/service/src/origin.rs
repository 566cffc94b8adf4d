//! Which origin a request of a browser is for, and from which page it comes.

use bailiwick_model::{ErrorCode, IamError, Result};
use http::request::Parts;
use http::{HeaderValue, Version, header};

use crate::Peer;

/// Returns whether no `Origin` header names another origin than the one that the request is for.
///
/// # Errors
/// `MalformedInput` if the request does not have exactly one host.
pub fn is_own_origin(head: &Parts, peer: &Peer) -> Result<bool> {
    let host = host(head)?;
    let scheme = if peer.secure { "https://" } else { "http://" };
    let is_own = |origin: &HeaderValue| {
        let rest = origin.as_bytes().strip_prefix(scheme.as_bytes());
        rest.is_some_and(|rest| rest.eq_ignore_ascii_case(host))
    };
    Ok(head.headers.get_all(header::ORIGIN).iter().all(is_own))
}

/// The one host that the request is for. HTTP/2 has it in the target, HTTP/1 in a header.
fn host(head: &Parts) -> Result<&[u8]> {
    let of_target = head.uri.authority().map(|authority| authority.as_str().as_bytes());
    let mut of_headers = head.headers.get_all(header::HOST).iter().map(HeaderValue::as_bytes);
    let host = match (of_target, of_headers.next(), of_headers.next()) {
        (Some(target), None, None) if head.version == Version::HTTP_2 => Some(target),
        (Some(target), Some(header), None) if head.version == Version::HTTP_2 && target == header => Some(target),
        (None, Some(header), None) => Some(header),
        _ => None,
    };
    let message = "the request must have one Host header and a path as its target";
    host.filter(|host| !host.is_empty()).ok_or_else(|| IamError::new(ErrorCode::MalformedInput, message))
}
