//! How the caller of a call proves himself.

use bailiwick_authz::{Proof, SignedRequest};
use bailiwick_sigv4 as sigv4;

use crate::{Door, Incoming};

/// The service that signatures over gRPC are for.
const GRPC_SERVICE: &str = "bailiwick";

/// The proof that a call brings, unverified.
pub(crate) fn of<'a>(incoming: &'a Incoming<'_>) -> Proof<'a> {
    if incoming.door == Door::Grpc
        && let Some(token) = bearer(incoming)
    {
        return Proof::Bearer(token);
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
    // Interceptors can't see the message in most languages, so gRPC takes an unsigned one where nobody can alter it.
    let safe_channel = incoming.peer.secure || incoming.peer.ip.is_loopback();
    let unsigned_payload = incoming.door == Door::Grpc && safe_channel;
    Proof::Signature(SignedRequest { request, service, body: incoming.body, unsigned_payload })
}

/// The token, when there is one authorization header and it holds one. Two of them are for the verifier to refuse.
fn bearer<'a>(incoming: &'a Incoming<'_>) -> Option<&'a str> {
    let value = incoming.header("authorization")?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
}
