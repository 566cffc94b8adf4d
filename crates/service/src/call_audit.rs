//! The audit record of a call.
//!
//! The record of a change is part of the change's commit. The record of a denial or of a failed authentication is
//! durable before the call is answered. Records of reads, issued credentials and other refusals are written within a
//! second. Records that a caller without permissions can cause have a rate limit, and are counted beyond it. The proto
//! says how each operation is recorded: decisions for other services only if the request for the decision is denied.

use std::sync::Arc;

use bailiwick_audit::{Admitted, Event, EventKind, PolicyDocument, authorization};
use bailiwick_authz::{DecidedBy, ExplainedDenial, exception_of};
use bailiwick_model::mask::masked;
use bailiwick_model::{ErrorKind, IamError, Result};
use bailiwick_operation::{Caller, Check, Random, RequestInfo, UnsignedCaller, uuid};
use bailiwick_snapshot::Snapshot;
use bailiwick_storage::Tx;
use bytes::Bytes;
use jiff::Timestamp;

use crate::log::Line;
use crate::shared::Shared;
use crate::steps::{Facts, Handled};

/// Collects the audit record of one call.
pub(crate) struct CallAudit<'a> {
    shared: &'a Shared,
    facts: &'static Facts,
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
    /// What decided, in the last attempt.
    decided: DecidedBy,
    /// Of a call that was denied.
    denied: Option<Denied>,
}

/// The record of a denied call.
#[derive(Default)]
struct Denied {
    /// None if there will be none, because there are too many.
    admitted: Option<Admitted>,
    /// The details, as JSON.
    details: Option<String>,
    /// The documents of the policies.
    documents: Vec<PolicyDocument>,
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

impl<'a> CallAudit<'a> {
    pub(crate) fn new(
        shared: &'a Shared,
        facts: &'static Facts,
        ids: Ids,
        request: Arc<RequestInfo>,
        time: Timestamp,
    ) -> Self {
        CallAudit {
            shared,
            facts,
            ids,
            request,
            time,
            caller: None,
            unsigned: None,
            message: Bytes::new(),
            resource: None,
            is_permitted: false,
            decided: DecidedBy::new(facts.is_decision()),
            denied: None,
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

    /// Begins the decision of an attempt. What decided is noted in the result.
    pub(crate) fn begin_decision(&mut self) -> &mut DecidedBy {
        self.decided = DecidedBy::new(self.facts.is_decision());
        &mut self.decided
    }

    /// Returns whether a check was denied, and no statement denies it.
    pub(crate) fn is_implicit_denial(&self) -> bool {
        self.decided.is_implicit_denial()
    }

    /// Admits the record of a call of which one of these checks was denied. Returns the checks to explain: up to the denied
    /// one; none beyond the rate limit of records.
    pub(crate) fn admit_denial<'c>(&mut self, checks: &'c [Check], error: &IamError) -> Option<&'c [Check]> {
        let checks = checks.get(..=self.decided.denied()?)?;
        let event = Event { error: Some(error), ..self.event() };
        let admitted = self.shared.parts.recorder.admit(&event);
        let denied = self.denied.insert(Denied { admitted, ..Denied::default() });
        denied.admitted.is_some().then_some(checks)
    }

    /// Sets the details of a denial on this snapshot.
    pub(crate) async fn set_explained(&mut self, snapshot: &Snapshot, explained: Result<ExplainedDenial>) {
        let Some(denied) = &mut self.denied else { return };
        match explained {
            Ok(mut explained) => {
                let parts = &self.shared.parts;
                let texts = parts.authz.denial_documents(&parts.store, snapshot, &explained).await;
                denied.documents = PolicyDocument::of(&mut explained.details, texts);
                denied.details = authorization::to_json(explained.details);
            }
            Err(error) => tracing::debug!(?error, request_id = self.request.id, "a denial cannot be explained"),
        }
    }

    /// Records that all checks are allowed.
    pub(crate) fn set_permitted(&mut self, checks: &[Check]) {
        self.is_permitted = checks.iter().any(|check| exception_of(check.action).is_none());
    }

    /// Adds the record of a change to its transaction.
    pub(crate) async fn write_into(&self, tx: &mut Tx, response: &Bytes) -> Result<()> {
        let (parameters, response) = (self.parameters(), (self.facts.redacted_response)(response));
        let event = Event { parameters: &parameters, response: &response, ..self.event() };
        self.shared.parts.recorder.write_into(tx, &event).await
    }

    /// Records the outcome of the call, unless the record is part of a commit.
    pub(crate) async fn end(&mut self, outcome: Result<Handled>) -> Result<Handled> {
        let recorder = &self.shared.parts.recorder;
        let denied = self.denied.take().filter(|_| outcome.is_err());
        let outcome = outcome.map_err(|error| match &denied {
            Some(Denied { details: Some(_), .. }) => {
                error.with_authorization_id(authorization::authorization_id(&uuid(self.ids.event)))
            }
            _ => error,
        });
        self.log(&outcome);
        match &outcome {
            Ok(done) => {
                if !done.committed && !self.facts.is_decision() {
                    // Responses of reads are not recorded, since they can be read again; issued credentials are.
                    let is_read = self.facts.info.read_only;
                    let issued = if is_read { Vec::new() } else { (self.facts.redacted_response)(&done.response) };
                    let parameters = self.parameters();
                    let event = Event {
                        parameters: &parameters,
                        response: &issued,
                        changes_nothing: issued.is_empty(),
                        ..self.event()
                    };
                    if !is_read {
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
                if let Some(Denied { admitted, details, documents }) = denied {
                    if let Some(admitted) = admitted {
                        let authorization = details.as_deref();
                        let event = Event { authorization, documents: &documents, ..event };
                        recorder.write_admitted(admitted, &event).await?;
                    }
                    return outcome;
                }
                match error.code().kind() {
                    ErrorKind::Unauthenticated | ErrorKind::PermissionDenied => {
                        recorder.write_durable(&event).await?;
                    }
                    _ if self.facts.is_decision() && self.caller.is_some() => {}
                    _ if self.is_permitted => recorder.enqueue(&event).await?,
                    // A caller needs no permissions to get this error.
                    _ => recorder.enqueue_limited(&event),
                }
            }
        }
        outcome
    }

    /// The request message without secrets.
    fn parameters(&self) -> Vec<u8> {
        (self.facts.redacted_request)(&self.message)
    }

    fn event(&self) -> Event<'_> {
        Event {
            id: self.ids.event,
            request_id: self.ids.request,
            kind: EventKind::Operation(self.facts.info),
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
            decision: self.decided.record(),
            authorization: None,
            documents: &[],
            suppressed: 0,
        }
    }

    fn log(&self, outcome: &Result<Handled>) {
        let deployment = &self.shared.parts.deployment;
        let line = Line {
            operation: self.facts.info.name,
            has_changed: outcome.as_ref().is_ok_and(|done| done.committed),
            request: &self.request,
            caller: self.caller.as_deref(),
            unsigned: self.unsigned.as_ref(),
            partition: deployment.partition,
            resource: self.resource.as_deref(),
            took: deployment.clock.now().duration_since(self.time).unsigned_abs(),
            error: outcome.as_ref().err(),
        };
        line.write();
    }
}
