//! Requests that are refused before they become a call: they name no operation, or cannot be read.

use std::sync::Arc;

use bailiwick_audit::{Event, EventKind, Unroutable};
use bailiwick_model::IamError;
use bailiwick_operation::{RequestInfo, uuid};
use http::{HeaderValue, Method};

use crate::Peer;
use crate::call::user_agent;
use crate::call_audit::Ids;
use crate::shared::Shared;

/// A request that is refused before it becomes a call.
pub struct Refused<'a> {
    /// The HTTP method.
    pub method: &'a Method,
    /// The path as received, without the query string, which may contain a signature.
    pub path: &'a str,
    /// The `User-Agent` header.
    pub user_agent: Option<&'a HeaderValue>,
    /// The client.
    pub peer: &'a Peer,
    /// The error that it is answered with.
    pub error: &'a IamError,
}

/// Records and logs a refusal; see [`crate::Service::refused`].
pub(crate) fn record(shared: &Shared, refused: Refused<'_>) -> String {
    let deployment = &shared.parts.deployment;
    let ids = Ids::new(deployment.random.as_ref());
    let request = Arc::new(RequestInfo {
        id: uuid(ids.request),
        source_ip: Some(refused.peer.ip),
        secure_transport: refused.peer.secure,
        user_agent: user_agent(refused.user_agent),
        ..RequestInfo::default()
    });
    let event = Event {
        id: ids.event,
        request_id: ids.request,
        kind: EventKind::Unroutable(Unroutable { method: refused.method.as_str(), path: refused.path }),
        time: deployment.clock.now(),
        request: &request,
        caller: None,
        unsigned: None,
        partition: deployment.partition,
        resource: None,
        parameters: &[],
        response: &[],
        changes_nothing: false,
        error: Some(refused.error),
        decision: None,
        authorization: None,
        documents: &[],
        suppressed: 0,
    };
    let (id, code) = (request.id.as_str(), refused.error.code().wire());
    let source_ip = refused.peer.ip;
    tracing::info!(operation = "UnroutableRequest", %source_ip, code, request_id = id, "refused");
    shared.parts.recorder.enqueue_limited(&event);
    request.id.clone()
}
