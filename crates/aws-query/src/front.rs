//! Converts HTTP requests to calls, and results to HTTP responses.

use std::sync::Arc;

use bailiwick_model::{ErrorCode, IamError, Result};
use bailiwick_service::{Answer, BodyError, FrontEnd, Incoming, Peer, Refused, Route, Service};
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Full};

use crate::codec::{self, Encoded};
use crate::unserved::Unserved;
use crate::{federation, form};

/// The largest body: 1 MiB.
const MAX_BODY: usize = 1024 * 1024;
/// The initial capacity for a small body.
const SMALL_BODY: usize = 16 * 1024;
/// How much of a larger body is read and discarded before it is refused: a client that is still sending might not read
/// the response.
const MAX_DRAINED: usize = 8 * 1024 * 1024;

const AMZN_REQUEST_ID: HeaderName = HeaderName::from_static("x-amzn-requestid");
const REQUEST_ID: HeaderName = HeaderName::from_static("x-bailiwick-request-id");
/// The invalid members with the reasons, which AWS's message does not name: clients compare messages as a whole.
const ERROR_DETAIL: HeaderName = HeaderName::from_static("x-bailiwick-error-detail");
/// The longest value of [`ERROR_DETAIL`], in bytes.
const MAX_DETAIL: usize = 1024;
const REVISION: HeaderName = HeaderName::from_static("x-bailiwick-revision");

/// How calls prove their callers: by a signature for the service of the operation, in a header or in the query string.
pub(crate) static FRONT_END: FrontEnd = FrontEnd {
    name: "AWS Query",
    signing_service: None,
    accepts_bearer: false,
    accepts_query: true,
    accepts_unsigned_payload: false,
};

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// The AWS Query front end.
#[derive(Clone)]
pub struct Front {
    pub(crate) service: Arc<Service>,
}

impl Front {
    /// Serves the operations of `service` that AWS's service models have.
    pub fn new(service: Arc<Service>) -> Self {
        Front { service }
    }

    /// Answers one request.
    pub async fn handle<B>(&self, request: Request<B>, peer: Peer) -> Response<Full<Bytes>>
    where
        B: http_body::Body<Data = Bytes> + Send + Unpin + 'static,
        B::Error: Into<BoxError>,
    {
        let (parts, body) = request.into_parts();
        let json = accepts_json(&parts.headers);
        let body = match collect(body).await {
            Ok(body) => body,
            Err(error) => return self.refuse(&parts, &peer, &error),
        };
        if parts.uri.path() == federation::PATH {
            return self.federation(&parts, &body, peer).await;
        }
        let (route, message) = match find_route(&parts, &body) {
            Ok(found) => found,
            Err(error) => return self.refuse(&parts, &peer, &error),
        };
        let incoming = Incoming {
            front_end: &FRONT_END,
            route,
            message,
            method: &parts.method,
            uri: &parts.uri,
            headers: &parts.headers,
            body: &body,
            peer,
        };
        let answer = self.service.call(incoming).await;
        self.render(route, answer, json)
    }

    fn render(&self, route: &'static Route, answer: Answer, json: bool) -> Response<Full<Bytes>> {
        let encoded = match &answer.result {
            Ok(message) => {
                codec::encode_response(route.path, message, &answer.request_id, json && route.service == "sts")
            }
            Err(error) => return respond_error(error, &answer, route),
        };
        match encoded {
            Ok(encoded) => respond(StatusCode::OK, encoded, answer.request_id, answer.revision),
            Err(error) => respond_error(&error, &answer, route),
        }
    }

    /// Refuses a request before it becomes a call, and records it.
    pub fn refuse(&self, head: &Parts, peer: &Peer, error: &IamError) -> Response<Full<Bytes>> {
        let unserved = Unserved::find(head).map(|unserved| (unserved.error(), unserved.protocol));
        let error = unserved.as_ref().map_or(error, |(error, _)| error);
        let request_id = self.service.refused(Refused {
            method: &head.method,
            path: head.uri.path(),
            user_agent: head.headers.get(header::USER_AGENT),
            peer,
            error,
        });
        let encoded = match &unserved {
            Some((error, protocol)) => protocol.encode(error, &request_id),
            None => codec::encode_error("iam", error, &request_id),
        };
        let mut response = respond(status_of(error), encoded, request_id, None);
        if let Some((name, value)) = unserved.and_then(|(error, protocol)| protocol.header(&error)) {
            response.headers_mut().insert(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        response
    }
}

/// Returns the operation that the parameters name, and its message. An invalid message is reported to authenticated
/// callers only.
fn find_route(parts: &Parts, body: &[u8]) -> Result<(&'static Route, Result<Bytes>)> {
    let pairs = parameters(parts, body)?;
    if parts.uri.path() != "/" {
        return Err(IamError::new(ErrorCode::InvalidAction, "the AWS Query protocol is served at the path `/`"));
    }
    let operation = codec::find_operation(&pairs)?;
    let route = Route::find(operation.path())
        .ok_or_else(|| IamError::internal(format!("no route for {}", operation.path())))?;
    Ok((route, codec::decode_request(operation, &pairs)))
}

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

fn accepts_json(headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT).and_then(|v| v.to_str().ok()).unwrap_or_default();
    accept.split(',').next().is_some_and(|first| first.trim().starts_with("application/json"))
}

/// Reads the whole body. The listener limits its time, and the memory of all bodies.
async fn collect<B>(mut body: B) -> Result<Bytes>
where
    B: http_body::Body<Data = Bytes> + Unpin,
    B::Error: Into<BoxError>,
{
    // Most bodies arrive in one piece, which needs no copy.
    let (mut whole, mut pieces) = (Bytes::new(), Vec::new());
    let (mut size, large) = (0, || IamError::new(ErrorCode::RequestEntityTooLarge, "the body has more than 1 MiB"));
    if body.size_hint().lower() > MAX_DRAINED as u64 {
        return Err(large());
    }
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| BodyError::refusal(error.into()))?;
        let Ok(data) = frame.into_data() else { continue };
        size += data.len();
        if size > MAX_DRAINED {
            return Err(large());
        }
        if size > MAX_BODY {
            (whole, pieces) = (Bytes::new(), Vec::new());
            continue;
        }
        if whole.is_empty() && pieces.is_empty() {
            whole = data;
        } else {
            pieces.extend_from_slice(&std::mem::take(&mut whole));
            // Reserves the announced length, but not much more than has arrived.
            let left = usize::try_from(body.size_hint().lower()).unwrap_or(MAX_BODY);
            if pieces.capacity() - pieces.len() < data.len() {
                pieces.reserve_exact(data.len() + left.min(pieces.len().max(SMALL_BODY)));
            }
            pieces.extend_from_slice(&data);
        }
    }
    if size > MAX_BODY {
        return Err(large());
    }
    Ok(if pieces.is_empty() { whole } else { pieces.into() })
}

fn respond_error(error: &IamError, answer: &Answer, route: &'static Route) -> Response<Full<Bytes>> {
    let encoded = codec::encode_error(route.service, error, &answer.request_id);
    let mut response = respond(status_of(error), encoded, answer.request_id.clone(), answer.revision.clone());
    if let Some(detail) = detail(error) {
        response.headers_mut().insert(ERROR_DETAIL, detail);
    }
    response
}

/// The invalid members with the reasons, as `Member: reason; Member: reason`. Characters beyond printable ASCII are
/// escaped as in Rust.
fn detail(error: &IamError) -> Option<HeaderValue> {
    let fields: Vec<_> = error.fields().iter().map(|(name, reason)| format!("{name}: {reason}")).collect();
    if fields.is_empty() {
        return None;
    }
    let mut detail = String::new();
    for character in fields.join("; ").chars() {
        match character {
            ' '..='~' => detail.push(character),
            other => detail.extend(other.escape_default()),
        }
        if detail.len() > MAX_DETAIL {
            detail.truncate(MAX_DETAIL);
            break;
        }
    }
    HeaderValue::from_maybe_shared(Bytes::from(detail)).ok()
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
