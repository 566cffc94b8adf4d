//! The input and output of a call.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bailiwick_model::{IamError, Result};
use bytes::Bytes;

use crate::Route;

/// The front end of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Door {
    /// gRPC: signatures are for the service `bailiwick`, bearer tokens are accepted.
    Grpc,
    /// AWS Query: signatures are for the operation's own service.
    Query,
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
    /// Whether a request over the connection was authenticated.
    pub standing: Standing,
}

impl Peer {
    /// The client at the other end of the connection.
    pub fn direct(ip: IpAddr, secure: bool) -> Self {
        Peer { ip, secure, is_forwarded: false, standing: Standing::default() }
    }

    /// Whether no third party can change the request: the connection is encrypted, or does not leave this machine.
    pub(crate) fn is_tamper_proof(&self) -> bool {
        self.secure || (self.ip.is_loopback() && !self.is_forwarded)
    }
}

/// Whether any request over a connection was authenticated. Clones share the state.
#[derive(Clone, Debug, Default)]
pub struct Standing(Arc<AtomicBool>);

impl Standing {
    /// Records that a request was authenticated.
    pub fn set_authenticated(&self) {
        if !self.is_authenticated() {
            self.0.store(true, Ordering::Relaxed);
        }
    }

    /// Whether any request was authenticated.
    pub fn is_authenticated(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// A call as it was received.
pub struct Incoming<'a> {
    /// The operation.
    pub route: &'static Route,
    /// The request message of the operation. An error is returned to authenticated callers only.
    pub message: Result<Bytes>,
    /// The front end.
    pub door: Door,
    /// The HTTP method.
    pub method: &'a str,
    /// The path as received, percent-encoded.
    pub path: &'a str,
    /// The query string as received, without the question mark.
    pub query: &'a str,
    /// One entry per header line, including `host` for every version of HTTP.
    pub headers: &'a [(&'a str, &'a [u8])],
    /// The bytes that the payload hash of a signature covers.
    pub body: &'a [u8],
    /// The client.
    pub peer: Peer,
}

impl Incoming<'_> {
    /// The value of a header that occurs exactly once, as text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut found = self.headers.iter().filter(|(n, _)| n.eq_ignore_ascii_case(name));
        let (_, value) = found.next()?;
        if found.next().is_some() { None } else { std::str::from_utf8(value).ok() }
    }
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
