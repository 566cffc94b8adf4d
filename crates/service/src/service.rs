//! The service: answers calls, and records requests that do not become calls.

use std::num::NonZero;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use bailiwick_model::{IamError, Result};
use bailiwick_operation::uuid;
use futures_util::FutureExt as _;

use crate::call_limits;
use crate::call_rates::CallRates;
use crate::conflict_queue::ConflictQueue;
use crate::failures::Failures;
use crate::last_used;
use crate::shared::Shared;
use crate::{Answer, Incoming, LargeRequests, Metrics, Parts, Refused, credential_rules, dispatch, refused};
use bailiwick_operation::FairQueue;

/// Answers calls. Shared by all front ends.
pub struct Service(Shared);

impl Service {
    /// The places for requests of more than 1 MiB.
    pub fn large_requests(&self) -> &Arc<LargeRequests> {
        &self.0.large_requests
    }

    /// The default limit of failures to authenticate, per second and source.
    pub const FAILURES_PER_SECOND: u32 = 50;

    /// Makes a service of its parts.
    pub fn new(parts: Parts) -> Self {
        let metrics = Metrics::new();
        metrics.count_decisions_of(&parts.authz);
        metrics.count_records_of(&parts.recorder);
        let processors = std::thread::available_parallelism().map_or(1, NonZero::get);
        let fair_queue = FairQueue::new(call_limits::queue(processors, parts.store.server().is_some()));
        metrics.show_waiting(fair_queue.clone());
        Service(Shared {
            parts,
            conflict_queue: ConflictQueue::default(),
            failures: Failures::new(Self::FAILURES_PER_SECOND),
            call_rates: CallRates::new(0, 0),
            fair_queue,
            metrics,
            large_requests: Arc::default(),
        })
    }

    /// Sets the limit of failures to authenticate per second and source, with bursts of ten times as many. One access key
    /// of a source may have a fifth of that. Zero means unlimited.
    #[must_use]
    pub fn with_failures_per_second(mut self, rate: u32) -> Self {
        self.0.failures = Failures::new(rate);
        self
    }

    /// Limits the calls per second of one principal and of one source, with bursts of ten times as many. Decisions for other
    /// services are not limited. Zero means unlimited, as is the default.
    #[must_use]
    pub fn with_calls_per_second(mut self, of_principal: u32, of_source: u32) -> Self {
        self.0.call_rates = CallRates::new(of_principal, of_source);
        self
    }

    /// Answers one call. A panic fails that call only.
    pub async fn call(&self, incoming: Incoming<'_>) -> Answer {
        let operation = incoming.route.name;
        match AssertUnwindSafe(dispatch::run(&self.0, incoming)).catch_unwind().await {
            Ok(answer) => answer,
            Err(_) => {
                let request_id = self.request_id();
                tracing::error!(operation, request_id, "the call panicked, which is a defect of Bailiwick");
                self.metrics().panicked();
                Answer { request_id, revision: None, result: Err(IamError::internal("a panic")) }
            }
        }
    }

    /// Records and logs a request that is refused before it becomes a call. Returns the id of the request for its answer.
    /// The caller is not known, so the rate of records is limited by source.
    pub fn refused(&self, refused: Refused<'_>) -> String {
        refused::record(&self.0, refused)
    }

    /// Makes the id of a request that does not become a call.
    pub fn request_id(&self) -> String {
        let mut random = [0; 16];
        self.parts().deployment.random.fill(&mut random);
        uuid(random)
    }

    #[cfg(test)]
    pub(crate) fn shared(&self) -> &Shared {
        &self.0
    }

    /// The metrics.
    pub fn metrics(&self) -> &Metrics {
        &self.0.metrics
    }

    /// The parts of the service.
    pub fn parts(&self) -> &Parts {
        &self.0.parts
    }

    /// Writes the last uses of access keys and roles. The server calls it twice a second.
    ///
    /// # Errors
    /// `ServiceFailure` if the store fails.
    pub async fn write_last_used(&self) -> Result<()> {
        let Parts { store, deployment, .. } = self.parts();
        last_used::write(store, deployment).await
    }

    /// Writes the credential reports that are requested. The server calls it several times in a second.
    ///
    /// # Errors
    /// `ServiceFailure` if the store fails.
    pub async fn write_reports(&self) -> Result<()> {
        let Parts { store, deployment, .. } = self.parts();
        bailiwick_directory::write_requested_reports(store, deployment).await
    }

    /// Warns of the end of credentials, and disables those whose end has come, by the credential rules of their accounts. The
    /// server calls it every minute.
    ///
    /// # Errors
    /// `ServiceFailure` if the store fails; what is left is done the next time.
    pub async fn apply_credential_rules(&self) -> Result<()> {
        credential_rules::apply(self.parts()).await
    }

    /// Writes what is still queued: last uses and audit records. Call it when no call is in progress.
    pub async fn close(&self) {
        if let Err(error) = self.write_last_used().await {
            tracing::warn!(?error, "the last uses of keys could not be written");
        }
        self.parts().recorder.close().await;
    }
}
