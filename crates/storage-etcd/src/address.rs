//! The address of a store in etcd: `etcd://user@host:port,host:port/prefix?parameters`.

use std::{net::IpAddr, path::Path, time::Duration};

use percent_encoding::percent_decode_str;
use tonic::transport::{Certificate, ClientTlsConfig, Endpoint, Identity};
use zeroize::Zeroizing;

use crate::{OpenError, layout::Layout};

/// How long one member has to accept a connection.
const CONNECT: Duration = Duration::from_secs(2);
/// How often a connection in use is checked. Members refuse clients that check more often than every five seconds.
const KEEP_ALIVE: Duration = Duration::from_secs(6);
/// How long a check may take.
const KEEP_ALIVE_ANSWER: Duration = Duration::from_secs(2);
/// The port of etcd for clients.
const PORT: u16 = 2379;
/// The prefix of keys if the address has none.
const PREFIX: &str = "bailiwick";
/// The longest prefix.
const MAX_PREFIX: usize = 48;

/// The address of a store, with the credentials for it. The password is not in its [`Debug`](std::fmt::Debug) output.
#[derive(Clone)]
pub struct Address {
    hosts: Vec<(String, u16)>,
    user: Option<String>,
    password: Option<Zeroizing<String>>,
    prefix: String,
    tls: Option<ClientTlsConfig>,
}

impl std::fmt::Debug for Address {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Address").field("hosts", &self.hosts).field("prefix", &self.prefix).finish_non_exhaustive()
    }
}

/// The parameters of an address.
#[derive(Default)]
struct Parameters {
    tls: Option<String>,
    roots: Option<String>,
    certificate: Option<String>,
    key: Option<String>,
}

impl Address {
    /// Reads an address. `password` is used if the address has none.
    ///
    /// Parameters: `tls` (`enable` or `disable`), and the files `cacert`, `cert` and `key`. Without `tls`, TLS is used unless
    /// each host is a loopback address. Certificates are always checked, against `cacert` or the public certificate
    /// authorities, and must be of the host.
    ///
    /// # Errors
    /// [`OpenError::Address`], which does not repeat the address, since it may contain a password.
    pub fn parse(address: &str, password: Option<&str>) -> Result<Self, OpenError> {
        let rest = address.strip_prefix("etcd://").ok_or_else(|| refused("it does not begin with etcd://"))?;
        let (base, query) = rest.split_once('?').unwrap_or((rest, ""));
        // A part of the password would be taken for a host or a parameter, which messages name.
        if base.matches('@').count() > 1 || query.contains('@') {
            return Err(refused("the characters @ and ? of a user or password are written as %40 and %3F"));
        }
        let (credentials, place) = match base.split_once('@') {
            Some((credentials, place)) => (Some(credentials), place),
            None => (None, base),
        };
        let (hosts, prefix) = place.split_once('/').unwrap_or((place, ""));
        let hosts = hosts.split(',').map(host).collect::<Result<Vec<_>, _>>()?;
        let (user, own) = match credentials.map(|text| text.split_once(':').unwrap_or((text, ""))) {
            Some((user, own)) => (Some(decoded(user)?), Some(decoded(own)?).filter(|own| !own.is_empty())),
            None => (None, None),
        };
        let parameters = Parameters::parse(query)?;
        let is_local = hosts.iter().all(|(host, _)| is_loopback(host));
        Ok(Address {
            tls: if parameters.has_tls(is_local)? { Some(parameters.load()?) } else { None },
            hosts,
            user,
            password: own.or_else(|| password.map(str::to_owned)).map(Zeroizing::new),
            prefix: checked_prefix(prefix)?,
        })
    }

    /// Whether the address has a password.
    pub fn has_password(&self) -> bool {
        self.password.is_some()
    }

    /// Whether a password belongs to the address, since it has a user.
    pub fn has_user(&self) -> bool {
        self.user.is_some()
    }

    /// The hosts, ports and prefix, for messages.
    pub fn describe(&self) -> String {
        let hosts: Vec<String> = self.hosts.iter().map(|(host, port)| format!("{host}:{port}")).collect();
        format!("the keys {}/ of etcd on {}", self.prefix, hosts.join(","))
    }

    /// Whether connections use neither TLS nor this machine alone.
    pub fn is_exposed(&self) -> bool {
        self.tls.is_none() && !self.hosts.iter().all(|(host, _)| is_loopback(host))
    }

    /// The user and the password.
    pub(crate) fn credentials(&self) -> Option<(String, Zeroizing<String>)> {
        Some((self.user.clone()?, self.password.clone()?))
    }

    pub(crate) fn layout(&self) -> Layout {
        Layout::new(&self.prefix)
    }

    /// The members of the cluster, to connect to.
    pub(crate) fn endpoints(&self) -> Result<Vec<Endpoint>, OpenError> {
        let scheme = if self.tls.is_some() { "https" } else { "http" };
        let endpoint = |(host, port): &(String, u16)| {
            let invalid = |error: tonic::transport::Error| refused(&format!("{host}: {error}"));
            let endpoint = Endpoint::from_shared(format!("{scheme}://{host}:{port}")).map_err(invalid)?;
            let endpoint = endpoint
                .connect_timeout(CONNECT)
                .tcp_nodelay(true)
                .http2_keep_alive_interval(KEEP_ALIVE)
                .keep_alive_timeout(KEEP_ALIVE_ANSWER);
            match &self.tls {
                Some(tls) => endpoint.tls_config(tls.clone()).map_err(invalid),
                None => Ok(endpoint),
            }
        };
        self.hosts.iter().map(endpoint).collect()
    }
}

fn refused(why: &str) -> OpenError {
    OpenError::Address(why.to_owned())
}

/// Reads a host and its port; an IPv6 address is in brackets.
fn host(text: &str) -> Result<(String, u16), OpenError> {
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !port.ends_with(']') => {
            (host, port.parse().map_err(|_| refused("a port is not a number from 1 to 65535"))?)
        }
        _ => (text, PORT),
    };
    let is_valid = |c: char| c.is_ascii_alphanumeric() || "-._:[]".contains(c);
    if host.is_empty() || port == 0 || !host.chars().all(is_valid) {
        return Err(refused("a host is missing or malformed; expected etcd://host:port,host:port/prefix"));
    }
    Ok((host.to_owned(), port))
}

fn decoded(text: &str) -> Result<String, OpenError> {
    let decoded = percent_decode_str(text).decode_utf8();
    decoded.map(String::from).map_err(|_| refused("the user or the password is not UTF-8"))
}

fn checked_prefix(text: &str) -> Result<String, OpenError> {
    let prefix = text.trim_end_matches('/');
    let is_valid = |c: char| c.is_ascii_alphanumeric() || "-._/".contains(c);
    if prefix.len() > MAX_PREFIX || !prefix.chars().all(is_valid) {
        return Err(refused("the prefix has other characters than A-Z, a-z, 0-9, -, ., _ and /, or more than 48"));
    }
    Ok(if prefix.is_empty() { PREFIX } else { prefix }.to_owned())
}

fn is_loopback(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    bare == "localhost" || bare.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

impl Parameters {
    fn parse(query: &str) -> Result<Self, OpenError> {
        let mut parameters = Parameters::default();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let parameter = match &*name {
                "tls" => &mut parameters.tls,
                "cacert" => &mut parameters.roots,
                "cert" => &mut parameters.certificate,
                "key" => &mut parameters.key,
                other => return Err(refused(&format!("`{other}` is not tls, cacert, cert or key"))),
            };
            *parameter = Some(value.into_owned());
        }
        Ok(parameters)
    }

    fn has_tls(&self, is_local: bool) -> Result<bool, OpenError> {
        let has_files = self.roots.is_some() || self.certificate.is_some() || self.key.is_some();
        match self.tls.as_deref() {
            Some("enable") => Ok(true),
            Some("disable") if has_files => {
                Err(refused("tls=disable has no certificates: remove cacert, cert and key"))
            }
            Some("disable") => Ok(false),
            Some(other) => Err(refused(&format!("tls is {other}; expected enable or disable"))),
            None => Ok(!is_local || has_files),
        }
    }

    fn load(&self) -> Result<ClientTlsConfig, OpenError> {
        let read = |path: &String| std::fs::read(Path::new(path)).map_err(|error| refused(&format!("{path}: {error}")));
        let tls = match &self.roots {
            Some(path) => ClientTlsConfig::new().ca_certificate(Certificate::from_pem(read(path)?)),
            None => ClientTlsConfig::new().with_webpki_roots(),
        };
        match (&self.certificate, &self.key) {
            (None, None) => Ok(tls),
            (Some(certificate), Some(key)) => Ok(tls.identity(Identity::from_pem(read(certificate)?, read(key)?))),
            _ => Err(refused("cert and key are given together or not at all")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_name_hosts_and_a_prefix() {
        for (address, expected, has_tls, exposed) in [
            ("etcd://127.0.0.1", "the keys bailiwick/ of etcd on 127.0.0.1:2379", false, false),
            ("etcd://a:1,b,[::1]:3/", "the keys bailiwick/ of etcd on a:1,b:2379,[::1]:3", true, false),
            ("etcd://[::1]/iam/one/", "the keys iam/one/ of etcd on [::1]:2379", false, false),
            ("etcd://me@localhost/iam?tls=enable", "the keys iam/ of etcd on localhost:2379", true, false),
            ("etcd://a/iam?tls=disable", "the keys iam/ of etcd on a:2379", false, true),
        ] {
            let parsed = Address::parse(address, None).unwrap();
            let found = (parsed.describe(), parsed.tls.is_some(), parsed.is_exposed());
            assert_eq!(found, (expected.to_owned(), has_tls, exposed), "{address}");
            parsed.endpoints().unwrap();
        }
    }

    #[test]
    fn unusable_addresses_are_refused_without_their_password() {
        for (address, expected) in [
            ("redis://a", "it does not begin with etcd://"),
            ("etcd://", "a host is missing"),
            ("etcd://a,/iam", "a host is missing"),
            ("etcd://me:hidden@a:port/iam", "a port is not a number"),
            ("etcd://me:hidden@a:0", "a host is missing or malformed"),
            ("etcd://me:x@hidden@a/iam", "%40"),
            ("etcd://me:x?hidden@a/iam", "%3F"),
            ("etcd://me:hidden@a/iam?tls=maybe", "tls is maybe"),
            ("etcd://me:hidden@a/iam?colour=blue", "colour"),
            ("etcd://me:hidden@a/iam?cacert=/nowhere.pem", "/nowhere.pem"),
            ("etcd://me:hidden@a/iam?cert=/nowhere.pem", "cert and key are given together"),
            ("etcd://me:hidden@a/iam?tls=disable&cacert=/nowhere.pem", "tls=disable has no certificates"),
            ("etcd://me:hidden@a/a%20b", "the prefix has other characters"),
        ] {
            let error = Address::parse(address, None).unwrap_err().to_string();
            assert!(error.contains(expected) && !error.contains("hidden"), "{address}: {error}");
        }
    }

    #[test]
    fn the_password_is_that_of_the_address_or_the_given_one() {
        for (address, expected) in
            [("etcd://me@a", Some("given")), ("etcd://me:o%2Fwn@a", Some("o/wn")), ("etcd://a", None)]
        {
            let parsed = Address::parse(address, Some("given")).unwrap();
            let found = parsed.credentials();
            assert_eq!(found.as_ref().map(|(user, password)| (&**user, &***password)), expected.map(|e| ("me", e)));
            let shown = format!("{parsed:?}");
            assert!(!shown.contains("given") && !shown.contains("wn"), "{shown}");
        }
    }
}
