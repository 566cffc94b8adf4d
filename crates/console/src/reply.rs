//! Answers to browsers, with the headers that all of them have.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};
use http_body_util::Full;

use crate::assets::Asset;

/// An answer to a browser.
pub(crate) type Reply = Response<Full<Bytes>>;

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
                      form-action 'self'; frame-ancestors 'none'; base-uri 'none'; require-trusted-types-for 'script'";

/// The headers of every answer.
const HEADERS: [(HeaderName, &str); 7] = [
    (header::CONTENT_SECURITY_POLICY, POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    // With `no-referrer`, browsers send the origin of their forms as `null`.
    (header::REFERRER_POLICY, "same-origin"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (
        HeaderName::from_static("permissions-policy"),
        "camera=(), geolocation=(), microphone=(), publickey-credentials-create=(self), publickey-credentials-get=(self)",
    ),
];

/// A page.
pub(crate) fn html(status: StatusCode, html: String) -> Reply {
    respond(status, "text/html; charset=utf-8", html.into())
}

/// An answer to the script.
pub(crate) fn json(status: StatusCode, json: String) -> Reply {
    respond(status, "application/json", json.into())
}

/// Plain text.
pub(crate) fn text(status: StatusCode, text: &'static str) -> Reply {
    respond(status, "text/plain; charset=utf-8", Bytes::from_static(text.as_bytes()))
}

/// Leads to another page of the console.
pub(crate) fn redirect(to: &str) -> Reply {
    let mut reply = text(StatusCode::SEE_OTHER, "");
    let to = HeaderValue::try_from(to).unwrap_or(HeaderValue::from_static("/console"));
    reply.headers_mut().insert(header::LOCATION, to);
    reply
}

/// A file to save.
pub(crate) fn download(name: &str, kind: &'static str, content: Vec<u8>) -> Reply {
    let mut reply = respond(StatusCode::OK, kind, content.into());
    if let Ok(value) = HeaderValue::try_from(format!("attachment; filename=\"{name}\"")) {
        reply.headers_mut().insert(header::CONTENT_DISPOSITION, value);
    }
    reply
}

/// The stylesheet, the script or the icon.
pub(crate) fn asset(asset: &'static Asset) -> Reply {
    let mut reply = respond(StatusCode::OK, asset.kind, Bytes::from_static(asset.content.as_bytes()));
    let forever = HeaderValue::from_static("public, max-age=31536000, immutable");
    reply.headers_mut().insert(header::CACHE_CONTROL, forever);
    reply
}

/// Adds the headers that every answer has.
pub(crate) fn secure(headers: &mut HeaderMap, is_encrypted: bool) {
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    if is_encrypted {
        let value = HeaderValue::from_static("max-age=31536000");
        headers.insert(header::STRICT_TRANSPORT_SECURITY, value);
    }
}

fn respond(status: StatusCode, kind: &'static str, content: Bytes) -> Reply {
    let mut reply = Response::new(Full::new(content));
    *reply.status_mut() = status;
    reply.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    reply
}
