//! HTTP requests and responses of this front end: bodies, parameters, and what every response has.

use bailiwick_model::{ErrorCode, IamError, Result};
use bailiwick_service::FrontEnd;
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode, header};
use http_body_util::Full;

use crate::codec::Encoded;
use crate::form;

const AMZN_REQUEST_ID: HeaderName = HeaderName::from_static("x-amzn-requestid");
const REQUEST_ID: HeaderName = HeaderName::from_static("x-bailiwick-request-id");
const REVISION: HeaderName = HeaderName::from_static("x-bailiwick-revision");

/// How calls prove their callers: by a signature for the service of the operation, in a header or in the query string.
pub(crate) static FRONT_END: FrontEnd = FrontEnd {
    name: "AWS Query",
    signing_service: None,
    accepts_certificate: false,
    accepts_bearer: false,
    accepts_console: false,
    accepts_query: true,
    accepts_unsigned_payload: false,
};

/// Returns the parameters, which are in the query string or in the body.
pub(crate) fn parameters<'r>(parts: &'r Parts, body: &'r [u8]) -> Result<Vec<form::Pair<'r>>> {
    let in_query = parts.uri.query().unwrap_or_default();
    let from_query = form::parse_query(in_query)?;
    match parts.method {
        Method::GET if body.is_empty() => Ok(from_query),
        Method::GET => {
            Err(IamError::new(ErrorCode::MalformedInput, "a GET request has its parameters in the query string"))
        }
        Method::POST if body.is_empty() => Ok(from_query),
        Method::POST if !from_query.is_empty() => Err(IamError::new(
            ErrorCode::InvalidQueryParameter,
            "parameters come in the query string or in the body, not in both",
        )),
        Method::POST => {
            expect_form(&parts.headers)?;
            form::parse(body)
        }
        _ => Err(IamError::new(ErrorCode::MethodNotAllowed, "use POST, or GET with a query string")),
    }
}

fn expect_form(headers: &HeaderMap) -> Result<()> {
    let given = headers.get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let media = given.split(';').next().unwrap_or_default().trim();
    // Some clients omit it; none sends another value.
    if media.is_empty() || media.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        return Ok(());
    }
    Err(IamError::new(ErrorCode::MalformedInput, "the body must be application/x-www-form-urlencoded"))
}

pub(crate) fn status_of(error: &IamError) -> StatusCode {
    StatusCode::from_u16(error.code().http_status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

pub(crate) fn respond(
    status: StatusCode,
    encoded: Encoded,
    request_id: String,
    revision: Option<String>,
) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(encoded.body.into()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.reserve(4);
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(encoded.content_type));
    if let Ok(id) = HeaderValue::from_maybe_shared(Bytes::from(request_id)) {
        headers.insert(AMZN_REQUEST_ID, id.clone());
        headers.insert(REQUEST_ID, id);
    }
    if let Some(revision) = revision.and_then(|r| HeaderValue::from_maybe_shared(Bytes::from(r)).ok()) {
        headers.insert(REVISION, revision);
    }
    response
}
