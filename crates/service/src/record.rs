//! What is recorded of a call, and when.
//!
//! A change carries its record in its own commit. Of everything else a denial, or a failure to authenticate, is
//! durable before its caller hears of it; reads, issued credentials and refusals of other kinds follow within a
//! second. Decisions that other services ask for are not recorded unless they are denied the asking.

use std::marker::PhantomData;
use std::sync::Arc;

use bailiwick_api::{Operation, Redact as _};
use bailiwick_audit::{Record, Subject};
use bailiwick_model::{ErrorKind, Fault, IamError, Result};
use bailiwick_operation::{Caller, RequestInfo, uuid};
use bailiwick_storage::Tx;
use bytes::Bytes;
use jiff::Timestamp;
use prost::Message as _;

use crate::Service;

/// The record of one call, as it comes about.
pub(crate) struct Trail<'a, O: Operation> {
    service: &'a Service,
    request: Arc<RequestInfo>,
    time: Timestamp,
    caller: Option<Arc<Caller>>,
    message: Bytes,
    operation: PhantomData<O>,
}

impl<'a, O: Operation> Trail<'a, O> {
    /// What other services ask is recorded by a setting of its own, not like changes and reads.
    const IS_DECISION: bool = is_decision(O::PATH);

    pub(crate) fn new(service: &'a Service, request: Arc<RequestInfo>, time: Timestamp) -> Self {
        Trail { service, request, time, caller: None, message: Bytes::new(), operation: PhantomData }
    }

    /// The caller is proven.
    pub(crate) fn called_by(&mut self, caller: &Arc<Caller>) {
        self.caller = Some(Arc::clone(caller));
    }

    /// The request could be read.
    pub(crate) fn asked(&mut self, request: &O::Request) {
        if !Self::IS_DECISION {
            let mut request = request.clone();
            request.redact();
            self.message = request.encode_to_vec().into();
        }
    }

    /// Adds the record of a change to the change.
    pub(crate) async fn write_into(&self, tx: &mut Tx, response: &O::Response) -> Result<()> {
        let record = self.record().response(redacted(response));
        self.service.parts.recorder.write_into(tx, &record).await
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
                    let record = self.record();
                    let record = if O::READ_ONLY { record } else { record.response(redacted(response)) };
                    recorder.soon(record).await;
                }
            }
            Err(error) => match error.code().kind() {
                ErrorKind::Unauthenticated => {
                    let record = self.record().failed(error);
                    recorder.before_answer_bounded(record, self.request.source_ip, self.time).await?;
                }
                ErrorKind::PermissionDenied => recorder.before_answer(self.record().failed(error)).await?,
                _ if Self::IS_DECISION => {}
                _ => recorder.soon(self.record().failed(error)).await,
            },
        }
        outcome
    }

    fn record(&self) -> Record {
        let deployment = &self.service.parts.deployment;
        let mut random = [0; 16];
        deployment.random.fill(&mut random);
        let subject = Subject {
            service: O::SERVICE,
            operation: O::NAME,
            read_only: O::READ_ONLY,
            request: &self.request,
            time: self.time,
        };
        let record = Record::new(uuid(random), subject).request(self.message.clone());
        match &self.caller {
            Some(caller) => record.by(caller, deployment.partition),
            None => record,
        }
    }

    /// One line per call, with what joins it to the client's view and to the trail: the request id.
    fn log(&self, error: Option<&IamError>) {
        let partition = self.service.parts.deployment.partition;
        let caller = || self.caller.as_ref().map(|c| c.principal.arn(partition).to_string()).unwrap_or_default();
        let (id, ip) = (self.request.id.as_str(), self.request.source_ip);
        match error {
            None if O::READ_ONLY || Self::IS_DECISION => {
                tracing::debug!(operation = O::NAME, request_id = id, ?ip, "answered");
            }
            None => tracing::info!(operation = O::NAME, request_id = id, ?ip, caller = caller(), "done"),
            Some(error) if error.code().fault() == Fault::Receiver => {
                tracing::error!(operation = O::NAME, request_id = id, ?ip, caller = caller(), ?error, "failed");
            }
            Some(error) => {
                let code = error.code().wire();
                tracing::info!(operation = O::NAME, request_id = id, ?ip, caller = caller(), code, "refused");
            }
        }
    }
}

fn redacted<M: bailiwick_api::Redact + prost::Message + Clone>(message: &M) -> Bytes {
    let mut message = message.clone();
    message.redact();
    message.encode_to_vec().into()
}

const fn is_decision(path: &str) -> bool {
    let (path, prefix) = (path.as_bytes(), b"/bailiwick.authz.v1.");
    let mut i = 0;
    while i < prefix.len() {
        if i >= path.len() || path[i] != prefix[i] {
            return false;
        }
        i += 1;
    }
    true
}
