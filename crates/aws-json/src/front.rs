//! Converts HTTP requests to calls, and results to HTTP responses.

use std::sync::Arc;

use bailiwick_model::IamError;
use bailiwick_service::{Answer, FrontEnd, Incoming, Larger, Peer, Refused, Route, Service, read_body};
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode, Uri, header};
use http_body_util::Full;

use crate::codec::Decoded;
use crate::{Protocol, codec};

const AMZN_REQUEST_ID: HeaderName = HeaderName::from_static("x-amzn-requestid");
const REQUEST_ID: HeaderName = HeaderName::from_static("x-bailiwick-request-id");
const REVISION: HeaderName = HeaderName::from_static("x-bailiwick-revision");
const ERROR_TYPE: HeaderName = HeaderName::from_static("x-amzn-errortype");

/// How calls prove their callers in AWS JSON 1.1: by a signature for the service of the operation, in a header.
static JSON: FrontEnd = FrontEnd {
    name: "AWS JSON",
    signing_service: None,
    accepts_certificate: false,
    accepts_bearer: false,
    accepts_console: false,
    accepts_query: false,
    accepts_unsigned_payload: false,
};

/// The same in REST-JSON, which has members in the query string, and where a URL may be presigned.
static REST: FrontEnd = FrontEnd {
    name: "REST-JSON",
    signing_service: None,
    accepts_certificate: false,
    accepts_bearer: false,
    accepts_console: false,
    accepts_query: true,
    accepts_unsigned_payload: false,
};

/// The front end of AWS's JSON protocols.
#[derive(Clone)]
pub struct Front {
    service: Arc<Service>,
}

impl Front {
    /// Serves the operations of `service` that have an option for one of the protocols.
    pub fn new(service: Arc<Service>) -> Self {
        Front { service }
    }

    /// Returns whether a request that is not gRPC belongs to this front end: by `X-Amz-Target`, or by the first segment
    /// of its path.
    pub fn takes(uri: &Uri, headers: &HeaderMap) -> bool {
        Protocol::of(uri, headers).is_some()
    }

    /// Answers one request.
    pub async fn handle<B>(&self, request: Request<B>, peer: Peer) -> Response<Full<Bytes>>
    where
        B: http_body::Body<Data = Bytes> + Send + Unpin + 'static,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let (head, body) = request.into_parts();
        let protocol = Protocol::of(&head.uri, &head.headers).unwrap_or(Protocol::Json11);
        let body = match read_body(body, |_| Larger::Refused).await {
            Ok(body) => body.bytes,
            Err(error) => return self.refuse(&head, &peer, &error),
        };
        let Decoded { operation, message } = match codec::decode_request(protocol, &head, &body) {
            Ok(decoded) => decoded,
            Err(error) => return self.refuse(&head, &peer, &error),
        };
        let Some(route) = Route::find(operation.path) else {
            return self.refuse(&head, &peer, &IamError::internal(format!("no route for {}", operation.path)));
        };
        let incoming = Incoming {
            front_end: if protocol == Protocol::Json11 { &JSON } else { &REST },
            route,
            // An invalid message is reported to authenticated callers only.
            message,
            method: &head.method,
            uri: &head.uri,
            headers: &head.headers,
            body: &body,
            peer,
        };
        let Answer { request_id, revision, result } = self.service.call(incoming).await;
        let written = result.and_then(|message| codec::encode_response(operation, &message));
        match written {
            Ok(body) => respond(protocol, StatusCode::OK, body, request_id, revision),
            Err(error) => of_error(protocol, &error, request_id, revision),
        }
    }

    /// Refuses a request before it becomes a call, and records it.
    pub fn refuse(&self, head: &Parts, peer: &Peer, error: &IamError) -> Response<Full<Bytes>> {
        let (method, path) = (&head.method, head.uri.path());
        let user_agent = head.headers.get(header::USER_AGENT);
        let request_id = self.service.refused(Refused { method, path, user_agent, peer, error });
        of_error(Protocol::of(&head.uri, &head.headers).unwrap_or(Protocol::Json11), error, request_id, None)
    }
}

fn of_error(
    protocol: Protocol,
    error: &IamError,
    request_id: String,
    revision: Option<String>,
) -> Response<Full<Bytes>> {
    let (status, body) = codec::encode_error(protocol, error);
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = respond(protocol, status, body, request_id, revision);
    let name = HeaderValue::from_static(codec::error_type(protocol, error));
    response.headers_mut().insert(ERROR_TYPE, name);
    response
}

fn respond(
    protocol: Protocol,
    status: StatusCode,
    body: Vec<u8>,
    request_id: String,
    revision: Option<String>,
) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(codec::content_type(protocol)));
    if let Ok(id) = HeaderValue::from_maybe_shared(Bytes::from(request_id)) {
        headers.insert(AMZN_REQUEST_ID, id.clone());
        headers.insert(REQUEST_ID, id);
    }
    if let Some(revision) = revision.and_then(|revision| HeaderValue::from_maybe_shared(Bytes::from(revision)).ok()) {
        headers.insert(REVISION, revision);
    }
    response
}
