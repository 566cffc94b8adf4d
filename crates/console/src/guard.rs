//! What a request must be before a page sees it: over a private connection, and from a page of the console itself.

use bailiwick_model::{ErrorCode, IamError, Result};
use bailiwick_service::{BodyError, Peer};
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, header};
use http_body_util::BodyExt as _;
use zeroize::Zeroizing;

use crate::form::Form;

/// The largest body of a form, in bytes.
const MAX_BODY: usize = 256 * 1024;
/// How much of a larger body is read and discarded before it is refused: a browser that is still sending might not read
/// the answer.
const MAX_DRAINED: usize = 1024 * 1024;
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const SEC_FETCH_MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");

/// Whether no third party can read the connection: it is encrypted, or does not leave this machine.
pub(crate) fn is_private(peer: &Peer) -> bool {
    peer.secure || (peer.ip.is_loopback() && !peer.is_forwarded)
}

/// Whether the request follows a link of another site: browsers do not send the session's cookie with it.
pub(crate) fn is_link_from_elsewhere(headers: &HeaderMap) -> bool {
    let is = |name: &HeaderName, text: &str| headers.get(name).is_some_and(|value| value == text);
    is(&SEC_FETCH_MODE, "navigate") && (is(&SEC_FETCH_SITE, "cross-site") || is(&SEC_FETCH_SITE, "same-site"))
}

/// Refuses a change that a page of another origin sends. A request that has neither header is not from a browser of this
/// decade, and is refused as well.
///
/// # Errors
/// `AccessDenied`.
pub(crate) fn check_origin(head: &Parts, peer: &Peer) -> Result<()> {
    let scheme = if peer.secure { "https://" } else { "http://" };
    let host = host(head);
    let is_own = |origin: &HeaderValue| {
        let rest = origin.as_bytes().strip_prefix(scheme.as_bytes());
        rest.zip(host).is_some_and(|(rest, host)| rest.eq_ignore_ascii_case(host))
    };
    let (sites, origins) = (head.headers.get_all(SEC_FETCH_SITE), head.headers.get_all(header::ORIGIN));
    let has_proof = sites.iter().next().is_some() || origins.iter().next().is_some();
    if has_proof && sites.iter().all(|site| site == "same-origin") && origins.iter().all(is_own) {
        return Ok(());
    }
    Err(IamError::new(ErrorCode::AccessDenied, "changes are accepted from pages of the console itself only"))
}

fn host(head: &Parts) -> Option<&[u8]> {
    let of_target = head.uri.authority().map(|authority| authority.as_str().as_bytes());
    let mut of_headers = head.headers.get_all(header::HOST).iter().map(HeaderValue::as_bytes);
    match (of_target, of_headers.next(), of_headers.next()) {
        (Some(target), None, None) => Some(target),
        (Some(target), Some(named), None) if target == named => Some(target),
        (None, Some(named), None) => Some(named),
        _ => None,
    }
}

/// Reads the form of a request. The listener limits its time, and the memory of all bodies.
///
/// # Errors
/// `MalformedInput` for another media type, `RequestEntityTooLarge` above 256 KiB.
pub(crate) async fn read_form<B>(head: &Parts, mut body: B) -> Result<Form>
where
    B: http_body::Body<Data = Bytes> + Unpin,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let kind = head.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    // The form may have a password: a vector that grew would leave its content behind.
    let mut whole = Zeroizing::new(Vec::with_capacity(announced.clamp(16 * 1024, MAX_BODY)));
    let mut size = 0_usize;
    while size <= MAX_DRAINED && announced <= MAX_DRAINED {
        let Some(frame) = body.frame().await else { break };
        let frame = frame.map_err(|error| BodyError::refusal(error.into()))?;
        let Ok(data) = frame.into_data() else { continue };
        size = size.saturating_add(data.len());
        if size > MAX_BODY {
            continue;
        }
        if size > whole.capacity() {
            let mut larger = Zeroizing::new(Vec::with_capacity((2 * size).min(MAX_BODY)));
            larger.extend_from_slice(&whole);
            whole = larger;
        }
        whole.extend_from_slice(&data);
    }
    if announced > MAX_DRAINED || size > MAX_BODY {
        return Err(IamError::new(ErrorCode::RequestEntityTooLarge, "the form has more than 256 KiB"));
    }
    if !kind.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        let message = "the header `Content-Type` must be application/x-www-form-urlencoded";
        return Err(IamError::new(ErrorCode::MalformedInput, message));
    }
    Form::parse(&whole)
}
