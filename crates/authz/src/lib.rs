//! Who signed this, and may they? And if not, why not.
//!
//! [`Authz::authenticate`] proves a caller by a signature or a bearer token, re-reading at every use that he still
//! exists and that nothing was revoked. [`Authz::decide`] decides the checks of Bailiwick's own operations. The
//! handlers of `authz.v1` do both for other services, on the same path: `caller` says who is asked about and how that
//! is proven, `question` how a request becomes one for the evaluator. `registry` and `resources` keep what services call
//! things, and their resources' policies and tags; `validate` checks documents against those names.
//!
//! The crate deliberately does not know front ends, nor how policies are matched: that is `evaluator`'s.
//!
//! Start reading at [`Authz`], then `proof`.

mod authenticate;
mod cache;
mod compiled;
mod decide;
mod explain;
mod registry;
mod simulate;
#[cfg(test)]
mod tests;
mod work_budget;

use std::sync::Arc;

use bailiwick_evaluator::Policy;
use bailiwick_model::{IamError, Region, Result};
use bailiwick_operation::{Caller, Cx, Deployment};
use bailiwick_sigv4::SignatureWindow;
use bailiwick_snapshot::{Snapshot, Snapshots};
use jiff::Timestamp;

use crate::authenticate::credentials::CachedCaller;
use crate::authenticate::signing_keys::SigningKeys;
use crate::cache::Cache;

pub use authenticate::proof::{Proof, SignedRequest};
pub use bailiwick_evaluator::exceptions::of as exception_of;
pub use decide::administrators::Administrators;
pub use decide::counts::{AskedBy, DecisionCount, DecisionCounts};

/// What AWS says of a credential that is none, or none any more.
const INVALID_TOKEN: &str = "The security token included in the request is invalid.";

/// How many callers with tokens are cached.
const MAX_CALLERS: usize = 16 * 1024;
/// How many characters of policies that came with requests are kept compiled. Compiled they take several times as much.
const MAX_COMPILED_BYTES: usize = 2 * 1024 * 1024;

/// Authenticates, decides, and answers `authz.v1`. Shared by all calls; decides on the newest snapshot.
pub struct Authz {
    deployment: Arc<Deployment>,
    snapshots: Arc<Snapshots>,
    signing_keys: SigningKeys,
    /// Callers by the digest of the token or handle that they came with.
    callers: Cache<[u8; 32], Arc<CachedCaller>>,
    /// Policies of resources that came with a question, by their text.
    resource_policies: Cache<Box<str>, Policy>,
    /// Inline session policies, by their text.
    session_policies: Cache<Box<str>, Policy>,
    decisions: Arc<DecisionCounts>,
}

/// A proven caller. Good for the request that proved them; before each decision they are proved again, by
/// [`Authz::prove_again`].
#[derive(Clone, Debug)]
pub struct Authenticated {
    /// Who they are.
    pub caller: Arc<Caller>,
    /// The region that the signature names; none with a bearer token.
    pub region: Option<Region>,
    cached: Arc<CachedCaller>,
    /// The time within which the signature is good; none with a bearer token or handle.
    window: Option<SignatureWindow>,
}

impl Authz {
    /// An authority over one deployment.
    pub fn new(deployment: Arc<Deployment>, snapshots: Arc<Snapshots>) -> Self {
        Authz {
            signing_keys: SigningKeys::new(&deployment),
            deployment,
            snapshots,
            callers: Cache::new(MAX_CALLERS),
            resource_policies: Cache::new(MAX_COMPILED_BYTES),
            session_policies: Cache::new(MAX_COMPILED_BYTES),
            decisions: Arc::default(),
        }
    }

    /// How many decisions ended how, since the start.
    pub fn decisions(&self) -> Arc<DecisionCounts> {
        Arc::clone(&self.decisions)
    }
}

/// The snapshot of this attempt: its caller was proved on it, its checks are decided on it, and it is answered at.
///
/// One for all, since otherwise a caller who is nobody when the asker is checked could be somebody when the question
/// is answered, and the asker would never have been checked for them.
///
/// # Errors
/// A failure of ours when the pipeline did not say on which.
pub(crate) fn snapshot(cx: &Cx) -> Result<Arc<Snapshot>> {
    cx.view().ok_or_else(|| IamError::internal("an attempt without a snapshot"))
}

/// What is wrong with a member of a question.
pub(crate) fn invalid_member(member: &str, message: impl Into<String>) -> IamError {
    let message = message.into();
    IamError::validation(message.clone()).field(member, message)
}

pub(crate) fn date(time: Timestamp) -> prost_types::Timestamp {
    prost_types::Timestamp { seconds: time.as_second(), nanos: time.subsec_nanosecond() }
}
