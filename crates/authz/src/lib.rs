//! The decision service: authenticates requests, decides them, and explains the decisions.
//!
//! - `authenticate` proves callers by signatures, bearer tokens and handles, of Bailiwick itself and of other services.
//!   Each use checks again that the principal exists and that nothing was revoked.
//! - `decide` decides the checks of Bailiwick's own operations, and the questions of other services (`authz.v1`).
//! - `explain` explains decisions; `simulate` has AWS's policy simulation.
//! - `replay` decides recorded calls again, with a proposed change of policies.
//! - `review` lists who may perform an action, and what a principal may do.
//! - `registry` has the registered services, the policies and tags of their resources, and the validation of policies.
//!
//! All decisions are built by [`DecisionInput`](bailiwick_decision::DecisionInput).
//!
//! The crate deliberately does not know front ends, nor how policies are matched: `evaluator` does.
//!
//! Start reading at [`Authz`], then `authenticate::proof` and `decide::checks`.

mod authenticate;
mod bare_principal;
mod cache;
mod compiled;
mod decide;
mod explain;
mod explained_denial;
mod registry;
mod replay;
mod review;
mod simulate;
#[cfg(test)]
mod tests;
mod work_budget;

use std::sync::Arc;

use bailiwick_audit::LookUp;
use bailiwick_evaluator::Policy;
use bailiwick_model::{IamError, Region, Result};
use bailiwick_operation::{Caller, Cx, DecisionLog, Deployment};
use bailiwick_sigv4::SignatureWindow;
use bailiwick_snapshot::{Snapshot, Snapshots};
use bailiwick_storage::Store;
use jiff::Timestamp;

use crate::authenticate::credentials::CachedCaller;
use crate::authenticate::signing_keys::SigningKeys;
use crate::cache::Cache;

pub use authenticate::peer_certificate::PeerCertificate;
pub use authenticate::proof::{Proof, SignedRequest};
pub use bailiwick_evaluator::exceptions::of as exception_of;
pub use decide::administrators::Administrators;
pub use decide::counts::{AskedBy, DecisionCount, DecisionCounts};
pub use decide::noted::DecidedBy;
pub use explained_denial::{DocumentPlace, ExplainedDenial};

/// AWS's message for an unknown or revoked credential.
const INVALID_TOKEN: &str = "The security token included in the request is invalid.";

/// The number of callers with tokens that are cached.
const MAX_CALLERS: usize = 16 * 1024;
/// The size of the policy texts in a cache of compiled policies. Compiled policies take several times as much memory.
const MAX_COMPILED_BYTES: usize = 2 * 1024 * 1024;

/// Authenticates requests, decides them, and handles `authz.v1`. One is shared by all calls.
pub struct Authz {
    deployment: Arc<Deployment>,
    snapshots: Arc<Snapshots>,
    signing_keys: SigningKeys,
    /// Callers by the digest of their token or handle.
    callers: Cache<[u8; 32], Arc<CachedCaller>>,
    /// Callers by the digest of their certificate and its mapping.
    certified_callers: Cache<[u8; 32], Arc<CachedCaller>>,
    /// Resource policies that questions contain, by their text.
    resource_policies: Cache<Box<str>, Policy>,
    /// Inline session policies, by their text.
    session_policies: Cache<Box<str>, Policy>,
    decisions: Arc<DecisionCounts>,
    /// Where decisions for other services are recorded, and the store that their policies' documents are read from.
    decision_log: Option<(Arc<dyn DecisionLog>, Arc<dyn Store>)>,
    /// The audit trail, whose decisions are replayed.
    trail: Option<LookUp>,
}

/// A proven caller, valid for one request. Before each decision, [`Authz::prove_again`] proves the caller again.
#[derive(Clone, Debug)]
pub struct Authenticated {
    /// The caller.
    pub caller: Arc<Caller>,
    /// The region that the signature names; none with a bearer token.
    pub region: Option<Region>,
    cached: Arc<CachedCaller>,
    /// The time in which the signature is valid; none with a bearer token or handle.
    window: Option<SignatureWindow>,
}

impl Authz {
    /// Returns the decision service of a deployment.
    pub fn new(deployment: Arc<Deployment>, snapshots: Arc<Snapshots>) -> Self {
        Authz {
            signing_keys: SigningKeys::new(&deployment),
            deployment,
            snapshots,
            callers: Cache::new(MAX_CALLERS),
            certified_callers: Cache::new(MAX_CALLERS),
            resource_policies: Cache::new(MAX_COMPILED_BYTES),
            session_policies: Cache::new(MAX_COMPILED_BYTES),
            decisions: Arc::default(),
            decision_log: None,
            trail: None,
        }
    }

    /// Sets where decisions for other services are recorded, and the store that the documents of policies are read from for
    /// the records of denials.
    #[must_use]
    pub fn with_decision_log(self, log: Arc<dyn DecisionLog>, store: Arc<dyn Store>) -> Self {
        Authz { decision_log: Some((log, store)), ..self }
    }

    /// Sets the audit trail whose decisions are replayed.
    #[must_use]
    pub fn with_trail(self, trail: LookUp) -> Self {
        Authz { trail: Some(trail), ..self }
    }

    /// The counters of decisions since the start.
    pub fn decisions(&self) -> Arc<DecisionCounts> {
        Arc::clone(&self.decisions)
    }
}

/// Returns the snapshot of this attempt: the caller is proved on it, the checks are decided on it, and the response is made
/// from it.
///
/// One snapshot serves all, because the checks depend on the caller of a question. On another snapshot, a caller that did
/// not exist during the checks could exist, and the asking service would not have been checked for it.
///
/// # Errors
/// `ServiceFailure` if the pipeline did not set one.
pub(crate) fn snapshot(cx: &Cx) -> Result<Arc<Snapshot>> {
    cx.view().ok_or_else(|| IamError::internal("an attempt without a snapshot"))
}

/// Returns a `ValidationError` about a member of the request.
pub(crate) fn invalid_member(member: &str, message: impl Into<String>) -> IamError {
    let message = message.into();
    IamError::validation(message.clone()).field(member, message)
}

pub(crate) fn date(time: Timestamp) -> prost_types::Timestamp {
    prost_types::Timestamp { seconds: time.as_second(), nanos: time.subsec_nanosecond() }
}
