//! What is recorded of a call, and when.
//!
//! A change carries its record in its own commit. Of everything else a denial, or a failure to authenticate, is
//! durable before its caller hears of it; reads, issued credentials and refusals of other kinds follow within a
//! second. What a caller without any rights can cause is recorded at a bounded rate and counted beyond it. How an
//! operation is recorded is said in the proto: decisions that other services ask for only when the asking is denied.

use std::marker::PhantomData;
use std::sync::Arc;

use bailiwick_api::Operation;
use bailiwick_api::options::Audit;
use bailiwick_audit::{Event, EventKind};
use bailiwick_authz::exception_of;
use bailiwick_model::mask::masked;
use bailiwick_model::{ErrorKind, IamError, Result};
use bailiwick_operation::{Caller, Check, Random, RequestInfo};
use bailiwick_storage::Tx;
use bytes::Bytes;
use jiff::Timestamp;
use prost::Message as _;

use crate::Service;
use crate::log::Line;

/// The record of one call, as it comes about.
pub(crate) struct CallAudit<'a, O: Operation> {
    service: &'a Service,
    ids: Ids,
    request: Arc<RequestInfo>,
    time: Timestamp,
    caller: Option<Arc<Caller>>,
    /// As it was received, once it was read.
    message: Bytes,
    resource: Option<String>,
    /// Whether a policy allowed something of the call, so that only callers with rights can make it.
    is_permitted: bool,
    operation: PhantomData<O>,
}

/// Random bits for what a call is named by.
#[derive(Clone, Copy)]
pub(crate) struct Ids {
    /// In logs, in the answer and in the record.
    pub(crate) request: [u8; 16],
    /// The record's own.
    pub(crate) event: [u8; 16],
}

impl Ids {
    /// Draws both at once.
    pub(crate) fn new(random: &dyn Random) -> Self {
        let mut bits = [[0; 16]; 2];
        random.fill(bits.as_flattened_mut());
        let [request, event] = bits;
        Ids { request, event }
    }
}

impl<'a, O: Operation> CallAudit<'a, O> {
    /// What other services ask is recorded by a setting of its own, not like changes and reads.
    const IS_DECISION: bool = matches!(O::AUDIT, Audit::Decision);

    pub(crate) fn new(service: &'a Service, ids: Ids, request: Arc<RequestInfo>, time: Timestamp) -> Self {
        CallAudit {
            service,
            ids,
            request,
            time,
            caller: None,
            message: Bytes::new(),
            resource: None,
            is_permitted: false,
            operation: PhantomData,
        }
    }

    /// The caller is proven.
    pub(crate) fn set_caller(&mut self, caller: &Arc<Caller>) {
        self.caller = Some(Arc::clone(caller));
    }

    /// The request could be read.
    pub(crate) fn set_message(&mut self, message: Bytes) {
        self.message = message;
    }

    /// What the call is about is known.
    pub(crate) fn set_resource(&mut self, checks: &[Check]) {
        self.resource = checks.first().map(|check| masked(&check.resource).into_owned());
    }

    /// All that was to be decided is allowed.
    pub(crate) fn set_permitted(&mut self, checks: &[Check]) {
        self.is_permitted = checks.iter().any(|check| exception_of(check.action).is_none());
    }

    /// Adds the record of a change to the change.
    pub(crate) async fn write_into(&self, tx: &mut Tx, response: &O::Response) -> Result<()> {
        let (parameters, response) = (self.parameters(), redacted(response.clone()));
        let event = Event { parameters: &parameters, response: &response, ..self.event() };
        self.service.parts.recorder.write_into(tx, &event).await
    }

    /// Records how the call ended, if that isn't part of a commit.
    pub(crate) async fn end<D>(self, outcome: Result<D>, done: impl Fn(&D) -> (&O::Response, bool)) -> Result<D> {
        let recorder = &self.service.parts.recorder;
        self.log(outcome.as_ref().err());
        match &outcome {
            Ok(value) => {
                let (response, committed) = done(value);
                if !committed && !Self::IS_DECISION {
                    // What a read answers can be read again; what was issued cannot.
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
                        recorder.enqueue(&event).await;
                    } else {
                        // It takes no rights to ask for what everyone may know, as with GetCallerIdentity.
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
                    _ if self.is_permitted => recorder.enqueue(&event).await,
                    // It takes no rights to be refused so.
                    _ => recorder.enqueue_limited(&event),
                }
            }
        }
        outcome
    }

    /// The request as it is kept. Decoded and encoded again, so that what is there twice is kept as it was understood.
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
            partition: self.service.parts.deployment.partition,
            resource: self.resource.as_deref(),
            parameters: &[],
            response: &[],
            changes_nothing: false,
            error: None,
            suppressed: 0,
        }
    }

    fn log(&self, error: Option<&IamError>) {
        let deployment = &self.service.parts.deployment;
        let line = Line {
            operation: O::NAME,
            is_quiet: O::READ_ONLY || Self::IS_DECISION,
            request: &self.request,
            caller: self.caller.as_deref(),
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
