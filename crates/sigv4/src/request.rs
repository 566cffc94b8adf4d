//! The parts of a request that signatures cover.

/// The parts of a request that a signature covers, borrowed.
///
/// Everything is as received: path and query still percent-encoded, header names in any case, one entry per header
/// line. A request that came over HTTP/2 names its host in `:authority`; give it as `host`.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    /// `GET`, `POST`, …
    pub method: &'a str,
    /// The path as received, at least `/`; for gRPC the full path of the method.
    pub path: &'a str,
    /// What follows `?`, without it; empty when there is none.
    pub query: &'a str,
    /// Names and values, one entry per line received.
    pub headers: &'a [(&'a str, &'a [u8])],
}

impl<'a> Request<'a> {
    /// All values of a header, in the order received; `name` in lower case.
    pub(crate) fn values(&self, name: &'a str) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        self.headers.iter().filter(move |(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| *v)
    }
}

// INVARIANT: no `Debug`: the headers hold session tokens.
