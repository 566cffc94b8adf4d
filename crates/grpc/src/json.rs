//! Sign-in and passkeys as plain JSON over HTTP: `POST /bailiwick.signin.v1.SignInService/SignIn`, as the Connect protocol
//! has it.
//!
//! The paths and messages are those of gRPC, and so is the service behind them. Errors have AWS's code and status. Pages
//! of other origins are refused, and no answer lets them read it.

mod read;

pub(crate) use read::message as read_message;

use bailiwick_api::{OperationInfo, find_operation, pool};
use bailiwick_model::{ErrorCode, IamError, Result};
use bailiwick_service::{Answer, FrontEnd, Incoming, Peer, Refused, Route, is_own_origin, read_secret_body};
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use prost_reflect::{DynamicMessage, MessageDescriptor, SerializeOptions};

use crate::front::Front;
use crate::{Body, BoxError};

/// The services whose methods are served: those that browsers call.
const SERVICES: [&str; 2] = ["/bailiwick.signin.v1.SignInService/", "/bailiwick.signin.v1.PasskeyService/"];
/// The largest body, in bytes.
const MAX_BODY: usize = 64 * 1024;
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const REQUEST_ID: HeaderName = HeaderName::from_static("x-bailiwick-request-id");
const REVISION: HeaderName = HeaderName::from_static("x-bailiwick-revision");

/// How calls prove their callers: as over gRPC, but a signature covers the body.
static FRONT_END: FrontEnd = FrontEnd {
    name: "JSON",
    signing_service: Some("bailiwick"),
    accepts_certificate: false,
    accepts_bearer: true,
    accepts_console: false,
    accepts_query: false,
    accepts_unsigned_payload: false,
};

impl Front {
    /// Returns whether a request that is not gRPC belongs to sign-in in JSON, by its path.
    pub fn takes_json(path: &str) -> bool {
        SERVICES.iter().any(|service| path.starts_with(service))
    }

    /// Answers a request in JSON.
    pub async fn handle_json<B>(&self, request: Request<B>, peer: Peer) -> Response<Body>
    where
        B: http_body::Body<Data = Bytes> + Send + Unpin + 'static,
        B::Error: Into<BoxError> + Send,
    {
        let (head, body) = request.into_parts();
        let body = read_secret_body(body, MAX_BODY).await;
        let checked = body.and_then(|body| check(&head, &peer).map(|method| (body, method)));
        let (body, method) = match checked {
            Ok(checked) => checked,
            Err(error) => return self.refuse_json(&head, &peer, &error),
        };
        // The body may contain a password. The copies of front end and reader are overwritten when the call ends.
        let incoming = Incoming {
            front_end: &FRONT_END,
            route: method.route,
            message: read::message(method.request, &body),
            method: &head.method,
            uri: &head.uri,
            headers: &head.headers,
            body: &body,
            peer,
        };
        let Answer { request_id, revision, result } = self.service().call(incoming).await;
        let mut response = match result.and_then(|message| written(method.response, message)) {
            Ok(json) => respond(StatusCode::OK, json),
            Err(error) => of_error(&error, &request_id),
        };
        mark(response.headers_mut(), &request_id, revision);
        response
    }

    /// Refuses a request before it becomes a call, and records it.
    pub fn refuse_json(&self, head: &Parts, peer: &Peer, error: &IamError) -> Response<Body> {
        let (method, path) = (&head.method, head.uri.path());
        let user_agent = head.headers.get(header::USER_AGENT);
        let request_id = self.service().refused(Refused { method, path, user_agent, peer, error });
        let mut response = of_error(error, &request_id);
        mark(response.headers_mut(), &request_id, None);
        response
    }
}

/// A method, with the types of its messages.
struct Served {
    route: &'static Route,
    request: MessageDescriptor,
    response: MessageDescriptor,
}

/// Checks everything but the body, and finds the method.
fn check(head: &Parts, peer: &Peer) -> Result<Served> {
    check_origin(head, peer)?;
    if head.method != Method::POST {
        return Err(IamError::new(ErrorCode::MethodNotAllowed, "use POST with a body in JSON"));
    }
    if head.uri.query().is_some() {
        let message = "members are in the body: a query string would be in the logs of proxies";
        return Err(IamError::new(ErrorCode::InvalidQueryParameter, message));
    }
    let malformed = |message| Err(IamError::new(ErrorCode::MalformedInput, message));
    if !is_json(&head.headers) {
        return malformed("the header `Content-Type` must be application/json");
    }
    if head.headers.get_all(header::CONTENT_ENCODING).iter().any(|value| value != "identity") {
        return malformed("the body must not be compressed: leave out `Content-Encoding`");
    }
    let path = head.uri.path();
    let missing = || IamError::new(ErrorCode::InvalidAction, format!("there is no method {path}"));
    let route = Route::find(path).ok_or_else(missing)?;
    let operation: &OperationInfo = find_operation(route.name).ok_or_else(missing)?;
    let named = |name| pool().get_message_by_name(name).ok_or_else(|| IamError::internal("a message without a type"));
    Ok(Served { route, request: named(operation.request)?, response: named(operation.response)? })
}

/// Refuses what a page of another origin sends.
fn check_origin(head: &Parts, peer: &Peer) -> Result<()> {
    let mut sites = head.headers.get_all(SEC_FETCH_SITE).iter();
    if is_own_origin(head, peer)? && sites.all(|site| site == "same-origin" || site == "none") {
        return Ok(());
    }
    Err(IamError::new(ErrorCode::AccessDenied, "requests from pages of another origin are refused"))
}

/// Whether the body is JSON by its media type, in UTF-8.
fn is_json(headers: &HeaderMap) -> bool {
    let mut values = headers.get_all(header::CONTENT_TYPE).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return false };
    let Ok(value) = value.to_str() else { return false };
    let (media, parameter) = value.split_once(';').unwrap_or((value, "charset=utf-8"));
    media.trim().eq_ignore_ascii_case("application/json") && parameter.trim().eq_ignore_ascii_case("charset=utf-8")
}

/// Writes a message as JSON, with the members that are false or zero.
fn written(kind: MessageDescriptor, message: Bytes) -> Result<Vec<u8>> {
    let message = DynamicMessage::decode(kind, message).map_err(IamError::internal)?;
    let mut json = Vec::new();
    let options = SerializeOptions::new().skip_default_fields(false);
    let written = message.serialize_with_options(&mut serde_json::Serializer::new(&mut json), &options);
    written.map_err(IamError::internal)?;
    Ok(json)
}

fn of_error(error: &IamError, request_id: &str) -> Response<Body> {
    let status = StatusCode::from_u16(error.code().http_status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let json = serde_json::json!({ "code": error.code().wire(), "message": error.message(), "requestId": request_id });
    let mut response = respond(status, json.to_string().into_bytes());
    if let Some(delay) = error.retry_delay() {
        response.headers_mut().insert(header::RETRY_AFTER, delay.as_secs().max(1).into());
    }
    if status == StatusCode::METHOD_NOT_ALLOWED {
        response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("POST"));
    }
    response
}

fn respond(status: StatusCode, json: Vec<u8>) -> Response<Body> {
    let mut response = Response::new(Body::new(Full::new(Bytes::from(json))));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

fn mark(headers: &mut HeaderMap, request_id: &str, revision: Option<String>) {
    for (name, value) in [(REQUEST_ID, Some(request_id.to_owned())), (REVISION, revision)] {
        if let Some(value) = value.and_then(|value| HeaderValue::from_maybe_shared(Bytes::from(value)).ok()) {
            headers.insert(name, value);
        }
    }
}
