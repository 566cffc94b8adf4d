//! What front ends hand in, and what they get back.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bailiwick_model::{IamError, Result};
use bytes::Bytes;

use crate::Route;

/// Which front end a call came through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Door {
    /// gRPC: signatures are for the service `bailiwick`, bearer tokens are taken.
    Grpc,
    /// AWS Query: signatures are for the operation's own service.
    Query,
}

/// What is known of the client.
#[derive(Clone, Debug)]
pub struct Peer {
    /// The client's address: that of the connection, or what a trusted proxy says it is.
    pub ip: IpAddr,
    /// Whether the client's connection is encrypted.
    pub secure: bool,
    /// Whether a trusted proxy says so, and the connection is the proxy's.
    pub is_forwarded: bool,
    /// What was proven over the connection.
    pub standing: Standing,
}

impl Peer {
    /// A client who is at the other end of the connection.
    pub fn direct(ip: IpAddr, secure: bool) -> Self {
        Peer { ip, secure, is_forwarded: false, standing: Standing::default() }
    }

    /// Whether nobody on the way can alter what is sent: it is encrypted, or does not leave this machine.
    pub(crate) fn is_tamper_proof(&self) -> bool {
        self.secure || (self.ip.is_loopback() && !self.is_forwarded)
    }
}

/// Whether an authenticated request ever came over a connection; shared by all who look at the connection.
#[derive(Clone, Debug, Default)]
pub struct Standing(Arc<AtomicBool>);

impl Standing {
    /// An authenticated request came over it.
    pub fn set_authenticated(&self) {
        if !self.is_authenticated() {
            self.0.store(true, Ordering::Relaxed);
        }
    }

    /// Whether one ever did.
    pub fn is_authenticated(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// One call, as it was received.
pub struct Incoming<'a> {
    /// The operation that was asked for.
    pub route: &'static Route,
    /// The operation's request message; a refusal of it is told only to who is authenticated.
    pub message: Result<Bytes>,
    /// Which front end it came through.
    pub door: Door,
    /// The HTTP method.
    pub method: &'a str,
    /// The path as received, percent-encoded.
    pub path: &'a str,
    /// The query string as received, without the question mark.
    pub query: &'a str,
    /// One entry per header line; `host` is among them whatever the version of HTTP.
    pub headers: &'a [(&'a str, &'a [u8])],
    /// The bytes that a signature's payload hash is about.
    pub body: &'a [u8],
    /// Where it came from.
    pub peer: Peer,
}

impl Incoming<'_> {
    /// The value of a header that is there once, as text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut found = self.headers.iter().filter(|(n, _)| n.eq_ignore_ascii_case(name));
        let (_, value) = found.next()?;
        if found.next().is_some() { None } else { std::str::from_utf8(value).ok() }
    }
}

/// What came of a call.
pub struct Answer {
    /// The request's id, in logs and the audit trail as well.
    pub request_id: String,
    /// The revision that the answer was made at: of a change, the one it was committed with.
    pub revision: Option<String>,
    /// The response message, or the refusal.
    pub result: Result<Bytes, IamError>,
}
