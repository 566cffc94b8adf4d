//! What is recorded of a call, and when.
//!
//! A change carries its record in its own commit. Of everything else a denial, or a failure to authenticate, is
//! durable before its caller hears of it; reads, issued credentials and refusals of other kinds follow within a
//! second. Decisions that other services ask for are not recorded unless they are denied the asking.

use std::marker::PhantomData;
use std::sync::Arc;

use bailiwick_api::Operation;
use bailiwick_api::options::Audit;
use bailiwick_audit::Event;
use bailiwick_model::{ErrorKind, IamError, Result};
use bailiwick_operation::{Caller, Check, Random, RequestInfo};
use bailiwick_storage::Tx;
use jiff::Timestamp;

use crate::Service;
use crate::log::Line;

/// The record of one call, as it comes about.
pub(crate) struct Trail<'a, O: Operation> {
    service: &'a Service,
    ids: Ids,
    request: Arc<RequestInfo>,
    time: Timestamp,
    caller: Option<Arc<Caller>>,
    message: Vec<u8>,
    resource: Option<String>,
    operation: PhantomData<O>,
}

/// Random bits for what a call is named by.
#[derive(Clone, Copy)]
pub(crate) struct Ids {
    /// In logs, in the answer and in the record.
    pub(crate) request: [u8; 16],
    /// The record's own.
    event: [u8; 16],
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

impl<'a, O: Operation> Trail<'a, O> {
    /// What other services ask is recorded by a setting of its own, not like changes and reads.
    const IS_DECISION: bool = matches!(O::AUDIT, Audit::Decision);

    pub(crate) fn new(service: &'a Service, ids: Ids, request: Arc<RequestInfo>, time: Timestamp) -> Self {
        Trail { service, ids, request, time, caller: None, message: Vec::new(), resource: None, operation: PhantomData }
    }

    /// The caller is proven.
    pub(crate) fn called_by(&mut self, caller: &Arc<Caller>) {
        self.caller = Some(Arc::clone(caller));
    }

    /// The request could be read.
    pub(crate) fn asked(&mut self, request: &O::Request) {
        if !Self::IS_DECISION {
            self.message = redacted(request);
        }
    }

    /// What the call is about is known.
    pub(crate) fn acts_on(&mut self, checks: &[Check]) {
        self.resource = checks.first().map(|check| check.resource.clone());
    }

    /// Adds the record of a change to the change.
    pub(crate) async fn write_into(&self, tx: &mut Tx, response: &O::Response) -> Result<()> {
        let event = Event { response: &redacted(response), ..self.event() };
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
                    let issued = if O::READ_ONLY { Vec::new() } else { redacted(response) };
                    recorder.soon(&Event { response: &issued, ..self.event() }).await;
                }
            }
            Err(error) => {
                let event = Event { error: Some(error), ..self.event() };
                match error.code().kind() {
                    ErrorKind::Unauthenticated => recorder.before_answer_bounded(&event).await?,
                    // Strangers must not fill the store, whatever they are refused with.
                    _ if self.caller.is_none() => recorder.before_answer_bounded(&event).await?,
                    ErrorKind::PermissionDenied => recorder.before_answer(&event).await?,
                    _ if Self::IS_DECISION => {}
                    _ => recorder.soon(&event).await,
                }
            }
        }
        outcome
    }

    fn event(&self) -> Event<'_> {
        Event {
            id: self.ids.event,
            request_id: self.ids.request,
            service: O::SERVICE,
            operation: O::NAME,
            read_only: O::READ_ONLY,
            time: self.time,
            request: &self.request,
            caller: self.caller.as_ref(),
            partition: self.service.parts.deployment.partition,
            parameters: &self.message,
            response: &[],
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

fn redacted<M: bailiwick_api::Redact + prost::Message + Clone>(message: &M) -> Vec<u8> {
    let mut message = message.clone();
    message.redact();
    message.encode_to_vec()
}
