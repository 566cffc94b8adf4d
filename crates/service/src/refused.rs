//! Requests that never became a call: they named no operation, or could not be read.

use std::sync::Arc;

use bailiwick_audit::{Event, EventKind, Unroutable};
use bailiwick_model::IamError;
use bailiwick_operation::{RequestInfo, uuid};

use crate::pipeline::user_agent;
use crate::call_audit::Ids;
use crate::{Peer, Service};

/// What is known of a request that is refused before it is a call.
pub struct Refused<'a> {
    /// The HTTP method.
    pub method: &'a str,
    /// The path as received, without the query string, which may hold a signature.
    pub path: &'a str,
    /// What the client says it is.
    pub user_agent: Option<&'a str>,
    /// Where it came from.
    pub peer: &'a Peer,
    /// What it is answered.
    pub error: &'a IamError,
}

impl Service {
    /// Records and logs a refusal, and returns the id of the request for its answer. No caller is known, so that what is
    /// recorded is bounded by where requests come from.
    pub fn refused(&self, refused: Refused<'_>) -> String {
        let deployment = &self.parts.deployment;
        let ids = Ids::new(deployment.random.as_ref());
        let request = Arc::new(RequestInfo {
            id: uuid(ids.request),
            source_ip: Some(refused.peer.ip),
            secure_transport: refused.peer.secure,
            user_agent: refused.user_agent.map(user_agent),
            ..RequestInfo::default()
        });
        let event = Event {
            id: ids.event,
            request_id: ids.request,
            kind: EventKind::Unroutable(Unroutable { method: refused.method, path: refused.path }),
            time: deployment.clock.now(),
            request: &request,
            caller: None,
            partition: deployment.partition,
            resource: None,
            parameters: &[],
            response: &[],
            changes_nothing: false,
            error: Some(refused.error),
            suppressed: 0,
        };
        let (id, code) = (request.id.as_str(), refused.error.code().wire());
        let source_ip = refused.peer.ip;
        tracing::info!(operation = "UnroutableRequest", %source_ip, code, request_id = id, "refused");
        self.parts.recorder.enqueue_limited(&event);
        request.id.clone()
    }
}
