//! The proof of its caller that a call contains.

use std::time::Duration;

use bailiwick_api::{Operation, op};
use bailiwick_authz::{Proof, SignedRequest};
use bailiwick_model::{ErrorCode, IamError, Result};
use bailiwick_sigv4 as sigv4;
use http::header::AUTHORIZATION;

use crate::Incoming;

/// How long a presigned GetCallerIdentity is valid, even if it asks for less or does not say. Clients that use it as a
/// proof of identity ask for a minute or leave the expiry out, and AWS's STS accepts it for 15 minutes. Every other
/// presigned request must have an expiry, which is enforced.
const CALLER_IDENTITY_LIFE: Duration = Duration::from_secs(15 * 60);

/// Returns the unverified proof of a call. `request` is the call as the verifier of signatures reads it.
///
/// # Errors
/// `IncompleteSignature` for a query string if the front end accepts none. A signature there would be valid for days and
/// would not cover the message, and together with a token it would be a second proof.
pub(crate) fn of<'a>(incoming: &'a Incoming<'_>, request: sigv4::Request<'a>) -> Result<Proof<'a>> {
    let front_end = incoming.front_end;
    if !front_end.accepts_query && incoming.uri.query().is_some_and(|query| !query.is_empty()) {
        let message = format!("a {} call has no query string: sign it in its metadata", front_end.name);
        return Err(IamError::new(ErrorCode::IncompleteSignature, message));
    }
    if front_end.accepts_bearer
        && let Some(token) = token(incoming, "bearer")
    {
        return Ok(Proof::Bearer(token));
    }
    if front_end.accepts_console
        && let Some(token) = token(incoming, "console")
    {
        return Ok(Proof::Console(token));
    }
    // What a request itself says about its caller is never replaced by the connection, even if it is invalid.
    if front_end.accepts_certificate
        && !incoming.headers.contains_key(AUTHORIZATION)
        && let Some(certificate) = &incoming.peer.certificate
    {
        return Ok(Proof::Certificate(certificate));
    }
    Ok(Proof::Signature(SignedRequest {
        request,
        service: front_end.signing_service.unwrap_or(incoming.route.service),
        body: incoming.body,
        // Interceptors cannot read the message in most languages, so gRPC accepts an unsigned one if no third party can
        // change it.
        unsigned_payload: front_end.accepts_unsigned_payload && incoming.peer.is_tamper_proof(),
        presigned_life: (incoming.route.path == op::GetCallerIdentity::PATH).then_some(CALLER_IDENTITY_LIFE),
    }))
}

/// Returns the token, if the request has exactly one authorization header and it contains one of this scheme. The
/// verifier refuses several.
fn token<'a>(incoming: &'a Incoming<'_>, wanted: &str) -> Option<&'a str> {
    let value = incoming.header(&AUTHORIZATION)?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case(wanted).then_some(token.trim())
}
