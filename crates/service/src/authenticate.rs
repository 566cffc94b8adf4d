//! Authentication of a call, with the limit of failures.

use std::time::Duration;

use bailiwick_authz::{Authenticated, Proof};
use bailiwick_model::{ErrorCode, ErrorKind, IamError, Result, SourceNetwork};
use bailiwick_sigv4::{self as sigv4, HttpRequest};
use jiff::Timestamp;

use crate::failures::{Admission, Claim};
use crate::shared::Shared;
use crate::{Incoming, proof};

/// `Retry-After` where the wait depends on other callers.
pub(crate) const RETRY_AFTER: Duration = Duration::from_secs(1);
/// The limit of failures, in the metric of limits.
pub(crate) const FAILED: &str = "failed authentication";

impl Shared {
    /// Authenticates the caller, unless their source or key had too many failures.
    ///
    /// # Errors
    /// As [`bailiwick_authz::Authz::authenticate`], and `Throttling` beyond the limit of failures.
    pub(crate) async fn authenticate(&self, incoming: &Incoming<'_>, now: Timestamp) -> Result<Authenticated> {
        let source = SourceNetwork::of(incoming.peer.ip);
        let request = HttpRequest::new(incoming.method, incoming.uri, incoming.headers);
        let proof = proof::of(incoming, request.as_request());
        let claim = || proof.as_ref().map_or(Claim::Unnamed, |proof| self.claimed(proof));
        let admission = self.failures.admit(source, claim, now);
        if let Admission::Throttled(wait) = admission {
            return Err(self.throttled(FAILED, wait));
        }
        let outcome = match &proof {
            Ok(proof) => self.parts.authz.authenticate(proof, now).await,
            Err(error) => Err(IamError::new(error.code(), error.message())),
        };
        match outcome {
            Ok(caller) => {
                let claim = match &proof {
                    Ok(Proof::Bearer(token) | Proof::Console(token)) => self.failures.token(token),
                    Ok(Proof::Certificate(certificate)) => self.failures.certificate(&certificate.sha256),
                    _ => caller.caller.access_key_id().map_or(Claim::Unnamed, |key| self.failures.key(key.as_str())),
                };
                self.failures.succeeded(source, claim, now);
                incoming.peer.standing.set_authenticated();
                Ok(caller)
            }
            Err(error) if error.code().kind() == ErrorKind::Unauthenticated => {
                self.failures.failed(source, claim(), now);
                Err(if admission == Admission::OnlyIfValid { self.throttled(FAILED, RETRY_AFTER) } else { error })
            }
            Err(error) => Err(error),
        }
    }

    /// The error beyond a limit of calls, which is one of the labels of the metric.
    pub(crate) fn throttled(&self, limit: &'static str, wait: Duration) -> IamError {
        self.metrics.throttled(limit);
        IamError::new(ErrorCode::Throttling, "Rate exceeded").retry_after(wait)
    }

    /// The unverified claim of a proof.
    fn claimed(&self, proof: &Proof<'_>) -> Claim {
        match proof {
            Proof::Bearer(token) | Proof::Console(token) => self.failures.token(token),
            // Only holders of trusted certificates can make this claim, so that it has a limit of its own.
            Proof::Certificate(certificate) => self.failures.certificate(&certificate.sha256),
            Proof::Signature(signed) => match sigv4::parse(&signed.request) {
                Ok(Some(signed)) => self.failures.key(signed.access_key_id()),
                Ok(None) | Err(_) => Claim::Unnamed,
            },
        }
    }
}
