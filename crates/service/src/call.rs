//! The input and output of a call.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bailiwick_authz::PeerCertificate;
use bailiwick_model::{IamError, Result};
use bytes::Bytes;
use http::header::USER_AGENT;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};

use crate::Route;

/// The maximum number of characters of a user agent.
const MAX_USER_AGENT: usize = 512;

/// The rules of a front end for proofs of callers.
#[derive(Debug)]
pub struct FrontEnd {
    /// Its name in error messages.
    pub name: &'static str,
    /// The service that signatures must be for; none for the service of the operation.
    pub signing_service: Option<&'static str>,
    /// Whether the certificate of the connection proves the caller of a request that has no other proof.
    pub accepts_certificate: bool,
    /// Whether it accepts bearer tokens.
    pub accepts_bearer: bool,
    /// Whether it accepts tokens of the console. Only the console does, which keeps them to itself.
    pub accepts_console: bool,
    /// Whether a request may have a query string, which may contain the signature.
    pub accepts_query: bool,
    /// Whether a signature need not cover the body, if no third party can change the request.
    pub accepts_unsigned_payload: bool,
}

/// The client of a request.
#[derive(Clone, Debug)]
pub struct Peer {
    /// The client's address: that of the connection, or the one that a trusted proxy names.
    pub ip: IpAddr,
    /// Whether the client's connection is encrypted.
    pub secure: bool,
    /// Whether a trusted proxy named the address, so that the connection is the proxy's.
    pub is_forwarded: bool,
    /// The verified certificate of the client's own TLS connection; none if a proxy ended the client's connection.
    pub certificate: Option<Arc<PeerCertificate>>,
    /// Whether a request over the connection was authenticated; behind a proxy, whether this request was.
    pub standing: Standing,
}

impl Peer {
    /// The client at the other end of the connection.
    pub fn direct(ip: IpAddr, secure: bool) -> Self {
        Peer { ip, secure, is_forwarded: false, certificate: None, standing: Standing::default() }
    }

    /// Whether no third party can change the request: the connection is encrypted, or does not leave this machine.
    pub(crate) fn is_tamper_proof(&self) -> bool {
        self.secure || (self.ip.is_loopback() && !self.is_forwarded)
    }
}

/// Whether any request over a connection was authenticated. Clones share the state.
#[derive(Clone, Debug, Default)]
pub struct Standing {
    is_authenticated: Arc<AtomicBool>,
    /// The standing of the connection, if this is that of one request.
    connection: Option<Arc<AtomicBool>>,
}

impl Standing {
    /// The standing of one request over this connection. Its authentication counts for the connection, but not the other
    /// way round.
    #[must_use]
    pub fn of_one_request(&self) -> Self {
        Standing { is_authenticated: Arc::default(), connection: Some(Arc::clone(&self.is_authenticated)) }
    }

    /// Records that a request was authenticated.
    pub fn set_authenticated(&self) {
        for state in [Some(&self.is_authenticated), self.connection.as_ref()].into_iter().flatten() {
            if !state.load(Ordering::Relaxed) {
                state.store(true, Ordering::Relaxed);
            }
        }
    }

    /// Whether any request was authenticated.
    pub fn is_authenticated(&self) -> bool {
        self.is_authenticated.load(Ordering::Relaxed)
    }
}

/// A call as it was received.
pub struct Incoming<'a> {
    /// The front end.
    pub front_end: &'static FrontEnd,
    /// The operation.
    pub route: &'static Route,
    /// The request message of the operation. An error is returned to authenticated callers only.
    pub message: Result<Bytes>,
    /// The HTTP method.
    pub method: &'a Method,
    /// The URI as received.
    pub uri: &'a Uri,
    /// The headers as received.
    pub headers: &'a HeaderMap,
    /// The bytes that the payload hash of a signature covers.
    pub body: &'a [u8],
    /// The client.
    pub peer: Peer,
}

impl Incoming<'_> {
    /// The value of a header that occurs exactly once, as text.
    pub(crate) fn header(&self, name: &HeaderName) -> Option<&str> {
        self.single(name).and_then(|value| std::str::from_utf8(value.as_bytes()).ok())
    }

    /// The `User-Agent` header, as [`user_agent`] limits it.
    pub(crate) fn user_agent(&self) -> Option<String> {
        user_agent(self.single(&USER_AGENT))
    }

    fn single(&self, name: &HeaderName) -> Option<&HeaderValue> {
        let mut values = self.headers.get_all(name).iter();
        values.next().filter(|_| values.next().is_none())
    }
}

/// Limits the length of a `User-Agent` header, which stays in memory with counted requests, and replaces its control
/// characters. None if it is not UTF-8.
pub(crate) fn user_agent(value: Option<&HeaderValue>) -> Option<String> {
    let bytes = value?.as_bytes();
    let text = std::str::from_utf8(bytes).ok()?;
    if bytes.len() <= MAX_USER_AGENT && bytes.iter().all(|byte| matches!(byte, b' '..=b'~')) {
        return Some(text.to_owned());
    }
    Some(text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).take(MAX_USER_AGENT).collect())
}

/// The result of a call.
pub struct Answer {
    /// The id of the request, which is also in logs and audit records.
    pub request_id: String,
    /// The revision that the answer was made at; for a change, that of its commit.
    pub revision: Option<String>,
    /// The response message, or the error.
    pub result: Result<Bytes, IamError>,
}
