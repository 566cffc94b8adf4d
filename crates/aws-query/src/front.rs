//! Converts HTTP requests to calls, and results to HTTP responses.

use std::net::IpAddr;
use std::sync::Arc;

use bailiwick_model::{ErrorCode, IamError, Result};
use bailiwick_service::{Answer, Incoming, Larger, Peer, Refused, Route, Service, WholeBody, read_body};
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode, header};
use http_body_util::Full;

use crate::codec;
use crate::exchange::{FRONT_END, parameters, respond, status_of};
use crate::federation;
use crate::unserved::Unserved;

/// The invalid members with the reasons, which AWS's message does not name: clients compare messages as a whole.
const ERROR_DETAIL: HeaderName = HeaderName::from_static("x-bailiwick-error-detail");
/// The longest value of [`ERROR_DETAIL`], in bytes.
const MAX_DETAIL: usize = 1024;

/// The AWS Query front end.
#[derive(Clone)]
pub struct Front {
    service: Arc<Service>,
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
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let (parts, body) = request.into_parts();
        let json = accepts_json(&parts.headers);
        let read = read_body(body, |begin| self.larger(&parts, begin, peer.ip)).await;
        let WholeBody { bytes: body, place: _place } = match read {
            Ok(read) => read,
            Err(error) => return self.refuse(&parts, &peer, &error),
        };
        if parts.uri.path() == federation::PATH {
            return federation::answer(&self.service, &parts, &body, peer).await;
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

    /// Whether a body that begins so may have more than 1 MiB: only if its operation takes such requests.
    fn larger(&self, parts: &Parts, begin: &[u8], client: IpAddr) -> Larger {
        // Clients send the action first. The last parameter is not complete.
        let end = begin.iter().rposition(|byte| *byte == b'&').unwrap_or(0);
        let route = parameters(parts, &begin[..end])
            .and_then(|pairs| codec::find_operation(&pairs))
            .ok()
            .and_then(|operation| Route::find(operation.path()));
        match route {
            Some(route) if route.takes_large_requests => {
                self.service.large_requests().take(client).map_or(Larger::NoPlace, Larger::Allowed)
            }
            _ => Larger::Refused,
        }
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

fn accepts_json(headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT).and_then(|v| v.to_str().ok()).unwrap_or_default();
    accept.split(',').next().is_some_and(|first| first.trim().starts_with("application/json"))
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
