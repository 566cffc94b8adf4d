//! What all calls share.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use bailiwick_audit::Recorder;
use bailiwick_authz::Authz;
use bailiwick_directory::Directory;
use bailiwick_model::IamError;
use bailiwick_operation::{Deployment, uuid};
use bailiwick_snapshot::Snapshots;
use bailiwick_storage::Store;
use bailiwick_sts::Sts;
use futures_util::FutureExt as _;

use crate::failures::Failures;
use crate::last_used::LastUsed;
use crate::route::Unimplemented;
use crate::conflict_queue::ConflictQueue;
use crate::{Answer, Incoming, Metrics};

/// The parts that a call passes through.
pub struct Parts {
    /// What is the same for every call.
    pub deployment: Arc<Deployment>,
    /// Where everything is kept.
    pub store: Arc<dyn Store>,
    /// The compiled view that decisions read.
    pub snapshots: Arc<Snapshots>,
    /// Authenticates, decides, and answers `authz.v1`.
    pub authz: Authz,
    /// Answers IAM and `account.v1`.
    pub directory: Directory,
    /// Answers STS and `signin.v1`.
    pub sts: Sts,
    /// Writes the records that are not part of a commit.
    pub recorder: Recorder,
}

/// The one way in, shared by both front ends.
pub struct Service {
    pub(crate) parts: Parts,
    pub(crate) unimplemented: Unimplemented,
    pub(crate) last_used: LastUsed,
    pub(crate) conflict_queue: ConflictQueue,
    pub(crate) failures: Failures,
    metrics: Metrics,
}

impl Service {
    /// Failures to authenticate per second that one source may have, unless it is set otherwise.
    pub const FAILURES_PER_SECOND: u32 = 50;

    /// Puts the parts together.
    pub fn new(parts: Parts) -> Self {
        let metrics = Metrics::new();
        metrics.count_decisions_of(&parts.authz);
        metrics.count_records_of(&parts.recorder);
        let failures = Failures::new(Self::FAILURES_PER_SECOND);
        Service { parts, unimplemented: Unimplemented, last_used: LastUsed::default(), conflict_queue: ConflictQueue::default(), failures, metrics }
    }

    /// Sets how many failures to authenticate one source may have per second, in bursts of ten times as many; one key of
    /// it a fifth of that. Zero is no limit.
    #[must_use]
    pub fn with_failures_per_second(mut self, rate: u32) -> Self {
        self.failures = Failures::new(rate);
        self
    }

    /// Answers one call. A panic on the way is a failure of that call alone.
    pub async fn call(&self, incoming: Incoming<'_>) -> Answer {
        let operation = incoming.route.name;
        match AssertUnwindSafe((incoming.route.run)(self, incoming)).catch_unwind().await {
            Ok(answer) => answer,
            Err(_) => {
                let request_id = self.request_id();
                tracing::error!(operation, request_id, "the call panicked, which is a defect of Bailiwick");
                self.metrics.panicked();
                Answer { request_id, revision: None, result: Err(IamError::internal("a panic")) }
            }
        }
    }

    /// An id for a request that never became a call.
    pub fn request_id(&self) -> String {
        let mut random = [0; 16];
        self.parts.deployment.random.fill(&mut random);
        uuid(random)
    }

    /// What was counted since the start.
    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// The parts that calls pass through.
    pub fn parts(&self) -> &Parts {
        &self.parts
    }

    /// Finishes what is still being recorded; called when no more calls come.
    pub async fn close(&self) {
        if let Err(error) = self.write_last_used().await {
            tracing::warn!(?error, "the last uses of keys could not be written");
        }
        self.parts.recorder.close().await;
    }
}
