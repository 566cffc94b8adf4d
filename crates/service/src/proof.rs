//! The proof of its caller that a call contains.

use bailiwick_authz::{Proof, SignedRequest};
use bailiwick_model::{ErrorCode, IamError, Result};
use bailiwick_sigv4 as sigv4;

use crate::{Door, Incoming};

/// The service that signatures over gRPC are for.
const GRPC_SERVICE: &str = "bailiwick";

/// Returns the unverified proof of a call.
///
/// # Errors
/// `IncompleteSignature` for a gRPC call with a query string. A signature there would be valid for days and would not
/// cover the message, and together with a token it would be a second proof.
pub(crate) fn of<'a>(incoming: &'a Incoming<'_>) -> Result<Proof<'a>> {
    if incoming.door == Door::Grpc {
        if !incoming.query.is_empty() {
            let message = "a gRPC call has no query string: sign it in its metadata";
            return Err(IamError::new(ErrorCode::IncompleteSignature, message));
        }
        if let Some(token) = bearer(incoming) {
            return Ok(Proof::Bearer(token));
        }
    }
    let request = sigv4::Request {
        method: incoming.method,
        path: incoming.path,
        query: incoming.query,
        headers: incoming.headers,
    };
    let service = match incoming.door {
        Door::Grpc => GRPC_SERVICE,
        Door::Query => incoming.route.service,
    };
    // Interceptors cannot read the message in most languages, so gRPC accepts an unsigned one if no third party can change it.
    let unsigned_payload = incoming.door == Door::Grpc && incoming.peer.is_tamper_proof();
    Ok(Proof::Signature(SignedRequest { request, service, body: incoming.body, unsigned_payload }))
}

/// Returns the bearer token, if the request has exactly one authorization header and it contains one. The verifier
/// refuses several.
fn bearer<'a>(incoming: &'a Incoming<'_>) -> Option<&'a str> {
    let value = incoming.header("authorization")?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
}
