//! The parts of the service, and the state that all calls share.

use std::sync::Arc;

use bailiwick_audit::Recorder;
use bailiwick_authz::Authz;
use bailiwick_directory::Directory;
use bailiwick_operation::Deployment;
use bailiwick_signin::SignIn;
use bailiwick_snapshot::Snapshots;
use bailiwick_storage::Store;
use bailiwick_sts::Sts;

use crate::call_rates::CallRates;
use crate::conflict_queue::ConflictQueue;
use crate::failures::Failures;
use crate::{LargeRequests, Metrics};
use bailiwick_operation::FairQueue;

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
    /// Handles STS and bearer tokens.
    pub sts: Sts,
    /// Handles signing in.
    pub sign_in: SignIn,
    /// Writes the records that are not part of a commit.
    pub recorder: Recorder,
}

/// The parts of the service, and the state that all calls share.
pub(crate) struct Shared {
    pub(crate) parts: Parts,
    pub(crate) conflict_queue: ConflictQueue,
    pub(crate) failures: Failures,
    pub(crate) call_rates: CallRates,
    /// The queue of calls that are not decisions.
    pub(crate) fair_queue: FairQueue,
    pub(crate) metrics: Metrics,
    pub(crate) large_requests: Arc<LargeRequests>,
}
