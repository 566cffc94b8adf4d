//! The agent's listener: from a request to the protocol that answers it.

use std::sync::Arc;

use bailiwick_grpc::Body;
use bailiwick_model::IamError;
use bailiwick_operation::Clock;
use bailiwick_service::Peer;
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderValue, Request, Response, StatusCode, header};
use http_body_util::Full;
use serde::Serialize;

use super::metadata::MetadataTokens;
use super::{Sessions, TokenFile, container, guard, metadata};
use crate::net::Received;
use crate::net::listen::Answer;

/// What the agent knows besides the session.
pub(crate) struct Surroundings {
    /// The region that clients are told.
    pub(crate) region: String,
    /// The authorization token of the container endpoint.
    pub(crate) token: TokenFile,
    /// The tokens of the instance metadata service, if it is on.
    pub(crate) metadata: Option<MetadataTokens>,
    /// The clock.
    pub(crate) clock: Arc<dyn Clock>,
}

/// Answers the requests of the agent's listener.
#[derive(Clone)]
pub(crate) struct Agent {
    pub(super) sessions: Sessions,
    pub(super) around: Arc<Surroundings>,
}

impl Agent {
    /// Both protocols over one source of sessions.
    pub(crate) fn new(sessions: Sessions, around: Surroundings) -> Self {
        Agent { sessions, around: Arc::new(around) }
    }

    /// Answers a request by its head. No request of either protocol has a body that matters.
    pub(super) async fn respond(&self, head: &Parts, peer: &Peer) -> Response<Full<Bytes>> {
        let mut response = match guard::admit(head) {
            Err(refused) => text(refused.status, refused.message),
            Ok(()) if head.uri.path() == container::PATH => container::answer(self, head, peer).await,
            Ok(()) => match &self.around.metadata {
                Some(tokens) => metadata::answer(self, tokens, head, peer).await,
                None => text(StatusCode::NOT_FOUND, "nothing is here"),
            },
        };
        let headers = response.headers_mut();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        response
    }
}

impl Answer for Agent {
    async fn answer(&self, request: Request<Received>, peer: Peer) -> Response<Body> {
        let (head, _) = request.into_parts();
        self.respond(&head, &peer).await.map(Body::new)
    }

    fn refuse(&self, _: &Parts, _: &Peer, error: &IamError) -> Response<Body> {
        let status = StatusCode::from_u16(error.code().http_status()).unwrap_or(StatusCode::SERVICE_UNAVAILABLE);
        text(status, &error.to_string()).map(Body::new)
    }
}

/// An answer as plain text.
pub(super) fn text(status: StatusCode, body: &str) -> Response<Full<Bytes>> {
    response(status, "text/plain; charset=utf-8", Bytes::copy_from_slice(body.as_bytes()))
}

/// An answer as JSON.
pub(super) fn json(status: StatusCode, body: &impl Serialize) -> Response<Full<Bytes>> {
    match serde_json::to_vec(body) {
        Ok(body) => response(status, "application/json", body.into()),
        Err(_) => text(StatusCode::INTERNAL_SERVER_ERROR, "the answer cannot be written"),
    }
}

fn response(status: StatusCode, kind: &'static str, body: Bytes) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

/// A method that the path does not have.
pub(super) fn wrong_method(allowed: &'static str) -> Response<Full<Bytes>> {
    let mut response = text(StatusCode::METHOD_NOT_ALLOWED, "the path does not have that method");
    response.headers_mut().insert(header::ALLOW, HeaderValue::from_static(allowed));
    response
}

#[cfg(test)]
mod tests;
