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

use super::metadata::MetadataTokens;
use super::reply::text;
use super::{Sessions, TokenFile, container, guard, metadata};
use crate::net::Received;
use crate::net::listen::Answer;

/// What the agent knows besides the session.
pub(crate) struct Surroundings {
    /// The region for clients.
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
    sessions: Sessions,
    around: Arc<Surroundings>,
}

impl Agent {
    /// Both protocols over one source of sessions.
    pub(crate) fn new(sessions: Sessions, around: Surroundings) -> Self {
        Agent { sessions, around: Arc::new(around) }
    }

    /// Answers a request by its head. No request of either protocol has a body that matters.
    async fn respond(&self, head: &Parts, peer: &Peer) -> Response<Full<Bytes>> {
        let mut response = match guard::admit(head) {
            Err(refused) => text(refused.status, refused.message),
            Ok(()) if head.uri.path() == container::PATH => {
                container::answer(&self.sessions, &self.around.token, head, peer).await
            }
            Ok(()) => match &self.around.metadata {
                Some(tokens) => {
                    let now = self.around.clock.now();
                    metadata::answer(&self.sessions, tokens, &self.around.region, now, head, peer).await
                }
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

#[cfg(test)]
mod tests;
