//! What a request must be before a page sees it: over a private connection, and from a page of the console itself.

use bailiwick_model::{ErrorCode, IamError, Result};
use bailiwick_service::{Peer, is_own_origin, read_secret_body};
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, HeaderName, header};

use crate::form::Form;

/// The largest body of a form, in bytes.
const MAX_BODY: usize = 256 * 1024;
/// The headers by which proxies say that they forward.
const FORWARDED: [HeaderName; 3] =
    [header::FORWARDED, HeaderName::from_static("x-forwarded-for"), HeaderName::from_static("x-forwarded-host")];
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const SEC_FETCH_MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");

/// Whether no third party can read the connection: it is encrypted, or does not leave this machine. A request that a proxy
/// forwarded came from elsewhere, also if the proxy is on this machine and not trusted.
pub(crate) fn is_private(peer: &Peer, headers: &HeaderMap) -> bool {
    let is_forwarded = peer.is_forwarded || FORWARDED.iter().any(|name| headers.contains_key(name));
    peer.secure || (peer.ip.is_loopback() && !is_forwarded)
}

/// Whether the request follows a link of another site: browsers do not send the session's cookie with it.
pub(crate) fn is_link_from_elsewhere(headers: &HeaderMap) -> bool {
    let is = |name: &HeaderName, text: &str| headers.get(name).is_some_and(|value| value == text);
    is(&SEC_FETCH_MODE, "navigate") && (is(&SEC_FETCH_SITE, "cross-site") || is(&SEC_FETCH_SITE, "same-site"))
}

/// Whether a page loads the address as a part of itself, such as an image, and the person does not go there.
pub(crate) fn is_part_of_page(headers: &HeaderMap) -> bool {
    headers.get(SEC_FETCH_MODE).is_some_and(|mode| mode != "navigate")
}

/// Refuses a change that a page of another origin sends. A request that has neither header is not from a browser of this
/// decade, and is refused as well.
///
/// # Errors
/// `AccessDenied`; `MalformedInput` if the request does not have exactly one host.
pub(crate) fn check_origin(head: &Parts, peer: &Peer) -> Result<()> {
    let (sites, origins) = (head.headers.get_all(SEC_FETCH_SITE), head.headers.get_all(header::ORIGIN));
    let has_proof = sites.iter().next().is_some() || origins.iter().next().is_some();
    if has_proof && sites.iter().all(|site| site == "same-origin") && is_own_origin(head, peer)? {
        return Ok(());
    }
    Err(IamError::new(ErrorCode::AccessDenied, "changes are accepted from pages of the console itself only"))
}

/// Reads the form of a request. The listener limits its time, and the memory of all bodies.
///
/// # Errors
/// `MalformedInput` for another media type, `RequestEntityTooLarge` above 256 KiB.
pub(crate) async fn read_form<B>(head: &Parts, body: B) -> Result<Form>
where
    B: http_body::Body<Data = Bytes> + Unpin,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let kind = head.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    let whole = read_secret_body(body, MAX_BODY).await?;
    if !kind.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        let message = "the header `Content-Type` must be application/x-www-form-urlencoded";
        return Err(IamError::new(ErrorCode::MalformedInput, message));
    }
    Form::parse(&whole)
}

/// Whether a form has this token, in a time that does not depend on it.
pub(crate) fn is_token(given: &str, expected: &str) -> bool {
    aws_lc_rs::constant_time::verify_slices_are_equal(given.as_bytes(), expected.as_bytes()).is_ok()
}
