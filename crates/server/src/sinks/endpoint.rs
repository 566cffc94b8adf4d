//! Where a sink sends records over HTTP.

use std::fmt;
use std::path::PathBuf;

use http::Uri;
use http::uri::Authority;

use crate::aws::is_loopback;

/// A URL and what belongs to it.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Endpoint {
    /// With scheme, host and path.
    pub(super) uri: Uri,
    /// Certificate authorities that are trusted besides those of the public Internet.
    pub(super) ca_file: Option<PathBuf>,
    /// A file with headers that each request has.
    pub(super) headers_file: Option<PathBuf>,
}

/// The URL may hold a token.
impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Endpoint").field(&self.authority().map(Authority::as_str)).finish()
    }
}

impl Endpoint {
    /// Takes `https://host/path`, and `http` for this machine.
    ///
    /// # Errors
    /// A message that says what is wrong and what was expected.
    pub(crate) fn new(url: &str, ca_file: Option<PathBuf>, headers_file: Option<PathBuf>) -> Result<Self, String> {
        let expected = || "the URL is not one: expected https://host/path".to_owned();
        let uri: Uri = url.parse().map_err(|_| expected())?;
        let authority = uri.authority().filter(|authority| !authority.host().is_empty()).ok_or_else(expected)?;
        if authority.as_str().contains('@') {
            return Err(
                "the URL has a user name or password, which other processes could read: use headers-file".to_owned()
            );
        }
        if authority.port().is_none() && authority.as_str() != authority.host() {
            return Err("the URL has an invalid port: expected a number up to 65535".to_owned());
        }
        match uri.scheme_str() {
            Some("https") => {}
            Some("http") if is_loopback(authority) => {}
            Some("http") => {
                return Err(format!(
                    "http://{authority} would send records in clear text: expected https, or an address of this machine"
                ));
            }
            _ => return Err(expected()),
        }
        Ok(Endpoint { uri, ca_file, headers_file })
    }

    /// Refuses a path: methods of gRPC have paths of their own.
    ///
    /// # Errors
    /// A message that says what was expected.
    pub(crate) fn expect_no_path(&self) -> Result<(), String> {
        if self.target() == "/" {
            Ok(())
        } else {
            Err("the URL for gRPC has no path: expected https://host:4317".to_owned())
        }
    }

    /// Whether connections use TLS.
    pub(super) fn is_tls(&self) -> bool {
        self.uri.scheme_str() == Some("https")
    }

    fn authority(&self) -> Option<&Authority> {
        self.uri.authority()
    }

    /// The host, without the brackets of an IPv6 address.
    pub(super) fn host(&self) -> &str {
        self.uri.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']')
    }

    pub(super) fn port(&self) -> u16 {
        self.uri.port_u16().unwrap_or(if self.is_tls() { 443 } else { 80 })
    }

    /// Host and port, for `Host` and for messages.
    pub(super) fn shown(&self) -> &str {
        self.authority().map_or("", Authority::as_str)
    }

    /// The path and the query.
    pub(super) fn target(&self) -> &str {
        self.uri.path_and_query().map_or("/", |target| target.as_str())
    }
}
