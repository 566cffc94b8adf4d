//! Proofs of callers of Bailiwick itself.

use std::time::Duration;

use bailiwick_model::{ErrorCode, IamError, Region, Result};
use bailiwick_sigv4::{
    self as sigv4, AbsentPayload, Payload, PayloadHash, SigV4Error, UnverifiedSignature, VerifyOptions,
};
use bailiwick_sts::Tokens;
use jiff::Timestamp;

use super::peer_certificate::PeerCertificate;
use crate::{Authenticated, Authz};

/// The proof of a caller.
pub enum Proof<'a> {
    /// A request that may be signed.
    Signature(SignedRequest<'a>),
    /// A bearer token.
    Bearer(&'a str),
    /// A token of the console.
    Console(&'a str),
    /// The certificate of the client's connection, for a request without another proof.
    Certificate(&'a PeerCertificate),
}

/// A request as it was received, and what its signature must cover.
pub struct SignedRequest<'a> {
    /// The request.
    pub request: sigv4::Request<'a>,
    /// The service that the signature must be for.
    pub service: &'a str,
    /// The body, as the signature sees it.
    pub body: &'a [u8],
    /// Whether the body may be unsigned. A request that declares no payload then has an unsigned body.
    pub unsigned_payload: bool,
    /// The minimum life of a presigned request, which need not have an expiry then; none if it must have one.
    pub presigned_life: Option<Duration>,
}

impl Authz {
    /// Proves the caller.
    ///
    /// # Errors
    /// `MissingAuthenticationToken` without any proof; `InvalidClientTokenId` for a credential that is unknown,
    /// inactive, of a principal that was deleted, or of a suspended account; `ExpiredToken` for one that expired or was
    /// revoked; `SignatureDoesNotMatch` and `IncompleteSignature` for an invalid signature.
    pub async fn authenticate(&self, proof: &Proof<'_>, now: Timestamp) -> Result<Authenticated> {
        match proof {
            Proof::Signature(signed) => self.by_signature(signed, now),
            Proof::Bearer(token) => {
                let digest = PayloadHash::of(token.as_bytes()).0;
                let open = || Tokens::of(&self.deployment).open_bearer(token, now);
                self.by_token(&self.callers, &*self.snapshots.current()?, digest, now, || Ok(open()?))
            }
            Proof::Console(token) => {
                // Callers are cached by the digest: a token of the console must not be found as a bearer token, which is a
                // part of a header and has no zero byte.
                let digest = PayloadHash::of(format!("console\0{token}").as_bytes()).0;
                let open = || Tokens::of(&self.deployment).open_console(token, now);
                self.by_token(&self.callers, &*self.snapshots.current()?, digest, now, || Ok(open()?))
            }
            Proof::Certificate(certificate) => self.by_certificate(certificate, now),
        }
    }

    fn by_signature(&self, proof: &SignedRequest<'_>, now: Timestamp) -> Result<Authenticated> {
        let signed = sigv4::parse(&proof.request).map_err(|error| refused(&error))?.ok_or_else(missing)?;
        signed.expect_service(&[proof.service]).map_err(|error| refused(&error))?;
        let region = self.region(&signed)?;
        let absent_payload = if proof.unsigned_payload { AbsentPayload::Unsigned } else { AbsentPayload::Hash };
        let policy = VerifyOptions {
            unsigned_payload: proof.unsigned_payload,
            absent_payload,
            min_presigned_life: proof.presigned_life.unwrap_or_default(),
            absent_expires: proof.presigned_life,
            ..VerifyOptions::default()
        };
        let payload = signed.payload().map_err(|error| refused(&error))?;
        let is_hashed = !proof.unsigned_payload || matches!(payload, Payload::Hash(_));
        let body = is_hashed.then(|| PayloadHash::of(proof.body));
        let snapshot = self.snapshots.current()?;
        let mut authenticated = self.verify(&snapshot, &signed, &policy, body.as_ref(), now)?;
        authenticated.region = Some(region);
        Ok(authenticated)
    }

    /// Returns the region that a signature names, which must be in the deployment's partition.
    pub(crate) fn region(&self, signed: &UnverifiedSignature<'_>) -> Result<Region> {
        let region = Region::parse(signed.scope().region()).ok();
        region
            .filter(|region| region.partition() == Some(self.deployment.partition))
            .ok_or_else(|| refused(&SigV4Error::WrongRegion))
    }
}

/// Returns AWS's error for a request without proof.
pub(crate) fn missing() -> IamError {
    refused(&SigV4Error::Unsigned)
}

/// Returns AWS's error for an invalid signature.
pub(crate) fn refused(error: &SigV4Error) -> IamError {
    let code = ErrorCode::from_wire(error.code()).unwrap_or(ErrorCode::SignatureDoesNotMatch);
    IamError::new(code, error.to_string())
}
