//! The audit record of a call.
//!
//! The record of a change is part of the change's commit. The record of a denial or of a failed authentication is
//! durable before the call is answered. Records of reads, issued credentials and other refusals are written within a
//! second. Records that a caller without permissions can cause have a rate limit, and are counted beyond it. The proto
//! says how each operation is recorded: decisions for other services only if the request for the decision is denied.

use std::marker::PhantomData;
use std::sync::Arc;

use bailiwick_api::Operation;
use bailiwick_api::options::Audit;
use bailiwick_audit::{Event, EventKind};
use bailiwick_authz::exception_of;
use bailiwick_model::mask::masked;
use bailiwick_model::{ErrorKind, IamError, Result};
use bailiwick_operation::{Caller, Check, Random, RequestInfo, UnsignedCaller};
use bailiwick_storage::Tx;
use bytes::Bytes;
use jiff::Timestamp;
use prost::Message as _;

use crate::log::Line;
use crate::shared::Shared;

/// Collects the audit record of one call.
pub(crate) struct CallAudit<'a, O: Operation> {
    shared: &'a Shared,
    ids: Ids,
    request: Arc<RequestInfo>,
    time: Timestamp,
    caller: Option<Arc<Caller>>,
    unsigned: Option<UnsignedCaller>,
    /// The request message as received; empty until it was decoded.
    message: Bytes,
    resource: Option<String>,
    /// Whether a policy allowed a check of the call, so that only callers with permissions can make it.
    is_permitted: bool,
    operation: PhantomData<O>,
}

/// The random bits of the ids of a call.
#[derive(Clone, Copy)]
pub(crate) struct Ids {
    /// The request id in logs, in the answer and in the record.
    pub(crate) request: [u8; 16],
    /// The id of the record.
    pub(crate) event: [u8; 16],
}

impl Ids {
    /// Makes both ids.
    pub(crate) fn new(random: &dyn Random) -> Self {
        let mut bits = [[0; 16]; 2];
        random.fill(bits.as_flattened_mut());
        let [request, event] = bits;
        Ids { request, event }
    }
}

impl<'a, O: Operation> CallAudit<'a, O> {
    /// Whether the operation decides for another service, which is not recorded like changes and reads.
    const IS_DECISION: bool = matches!(O::AUDIT, Audit::Decision);

    pub(crate) fn new(shared: &'a Shared, ids: Ids, request: Arc<RequestInfo>, time: Timestamp) -> Self {
        CallAudit {
            shared,
            ids,
            request,
            time,
            caller: None,
            unsigned: None,
            message: Bytes::new(),
            resource: None,
            is_permitted: false,
            operation: PhantomData,
        }
    }

    /// Sets the authenticated caller.
    pub(crate) fn set_caller(&mut self, caller: &Arc<Caller>) {
        self.caller = Some(Arc::clone(caller));
    }

    /// Sets the caller of an operation that needs no signature.
    pub(crate) fn set_unsigned(&mut self, caller: &UnsignedCaller) {
        self.unsigned = Some(caller.clone());
    }

    /// Sets the decoded request message.
    pub(crate) fn set_message(&mut self, message: Bytes) {
        self.message = message;
    }

    /// Sets the resource: that of the first check.
    pub(crate) fn set_resource(&mut self, checks: &[Check]) {
        self.resource = checks.first().map(|check| masked(&check.resource).into_owned());
    }

    /// Records that all checks are allowed.
    pub(crate) fn set_permitted(&mut self, checks: &[Check]) {
        self.is_permitted = checks.iter().any(|check| exception_of(check.action).is_none());
    }

    /// Adds the record of a change to its transaction.
    pub(crate) async fn write_into(&self, tx: &mut Tx, response: &O::Response) -> Result<()> {
        let (parameters, response) = (self.parameters(), redacted(response.clone()));
        let event = Event { parameters: &parameters, response: &response, ..self.event() };
        self.shared.parts.recorder.write_into(tx, &event).await
    }

    /// Records the outcome of the call, unless the record is part of a commit.
    pub(crate) async fn end<D>(self, outcome: Result<D>, done: impl Fn(&D) -> (&O::Response, bool)) -> Result<D> {
        let recorder = &self.shared.parts.recorder;
        self.log(outcome.as_ref().err());
        match &outcome {
            Ok(value) => {
                let (response, committed) = done(value);
                if !committed && !Self::IS_DECISION {
                    // Responses of reads are not recorded, since they can be read again; issued credentials are.
                    let issued = if O::READ_ONLY { Vec::new() } else { redacted(response.clone()) };
                    let parameters = self.parameters();
                    let event = Event {
                        parameters: &parameters,
                        response: &issued,
                        changes_nothing: issued.is_empty(),
                        ..self.event()
                    };
                    if !O::READ_ONLY {
                        recorder.enqueue_required(&event).await?;
                    } else if self.is_permitted {
                        recorder.enqueue(&event).await?;
                    } else {
                        // Such an operation, such as GetCallerIdentity, requires no permissions.
                        recorder.enqueue_limited(&event);
                    }
                }
            }
            Err(error) => {
                let parameters = self.parameters();
                let event = Event { parameters: &parameters, error: Some(error), ..self.event() };
                match error.code().kind() {
                    ErrorKind::Unauthenticated | ErrorKind::PermissionDenied => {
                        recorder.write_durable(&event).await?;
                    }
                    _ if Self::IS_DECISION && self.caller.is_some() => {}
                    _ if self.is_permitted => recorder.enqueue(&event).await?,
                    // A caller needs no permissions to get this error.
                    _ => recorder.enqueue_limited(&event),
                }
            }
        }
        outcome
    }

    /// The redacted request message. It is decoded and encoded again, so that a duplicate field is recorded as it was
    /// understood.
    fn parameters(&self) -> Vec<u8> {
        O::Request::decode(self.message.clone()).map(redacted).unwrap_or_default()
    }

    fn event(&self) -> Event<'_> {
        Event {
            id: self.ids.event,
            request_id: self.ids.request,
            kind: EventKind::Operation(O::INFO),
            time: self.time,
            request: &self.request,
            caller: self.caller.as_ref(),
            unsigned: self.unsigned.as_ref(),
            partition: self.shared.parts.deployment.partition,
            resource: self.resource.as_deref(),
            parameters: &[],
            response: &[],
            changes_nothing: false,
            error: None,
            suppressed: 0,
        }
    }

    fn log(&self, error: Option<&IamError>) {
        let deployment = &self.shared.parts.deployment;
        let line = Line {
            operation: O::NAME,
            is_quiet: O::READ_ONLY || Self::IS_DECISION,
            request: &self.request,
            caller: self.caller.as_deref(),
            unsigned: self.unsigned.as_ref(),
            partition: deployment.partition,
            resource: self.resource.as_deref(),
            took: deployment.clock.now().duration_since(self.time).unsigned_abs(),
            error,
        };
        line.write();
    }
}

fn redacted<M: bailiwick_api::Redact + prost::Message>(mut message: M) -> Vec<u8> {
    message.redact();
    message.encode_to_vec()
}
