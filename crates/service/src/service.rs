//! The service: its parts, and the state that all calls share.

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

use crate::conflict_queue::ConflictQueue;
use crate::failures::Failures;
use crate::last_used::LastUsed;
use crate::route::Unimplemented;
use crate::{Answer, Incoming, Metrics};

/// The parts of the service.
pub struct Parts {
    /// The settings of the deployment.
    pub deployment: Arc<Deployment>,
    /// The store.
    pub store: Arc<dyn Store>,
    /// Publishes the compiled view that decisions read.
    pub snapshots: Arc<Snapshots>,
    /// Authenticates, decides, and handles `authz.v1`.
    pub authz: Authz,
    /// Handles IAM, `account.v1` and `admin.v1`.
    pub directory: Directory,
    /// Handles STS and `signin.v1`.
    pub sts: Sts,
    /// Writes the records that are not part of a commit.
    pub recorder: Recorder,
}

/// Answers calls. Shared by all front ends.
pub struct Service {
    pub(crate) parts: Parts,
    pub(crate) unimplemented: Unimplemented,
    pub(crate) last_used: LastUsed,
    pub(crate) conflict_queue: ConflictQueue,
    pub(crate) failures: Failures,
    metrics: Metrics,
}

impl Service {
    /// The default limit of failures to authenticate, per second and source.
    pub const FAILURES_PER_SECOND: u32 = 50;

    /// Makes a service of its parts.
    pub fn new(parts: Parts) -> Self {
        let metrics = Metrics::new();
        metrics.count_decisions_of(&parts.authz);
        metrics.count_records_of(&parts.recorder);
        let failures = Failures::new(Self::FAILURES_PER_SECOND);
        Service {
            parts,
            unimplemented: Unimplemented,
            last_used: LastUsed::default(),
            conflict_queue: ConflictQueue::default(),
            failures,
            metrics,
        }
    }

    /// Sets the limit of failures to authenticate per second and source, with bursts of ten times as many. One access key
    /// of a source may have a fifth of that. Zero means unlimited.
    #[must_use]
    pub fn with_failures_per_second(mut self, rate: u32) -> Self {
        self.failures = Failures::new(rate);
        self
    }

    /// Answers one call. A panic fails that call only.
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

    /// Makes the id of a request that does not become a call.
    pub fn request_id(&self) -> String {
        let mut random = [0; 16];
        self.parts.deployment.random.fill(&mut random);
        uuid(random)
    }

    /// The metrics.
    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// The parts of the service.
    pub fn parts(&self) -> &Parts {
        &self.parts
    }

    /// Writes what is still queued: last uses and audit records. Call it when no call is in progress.
    pub async fn close(&self) {
        if let Err(error) = self.write_last_used().await {
            tracing::warn!(?error, "the last uses of keys could not be written");
        }
        self.parts.recorder.close().await;
    }
}
