//! Addresses to listen on: an IP address or a host name, and a port.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

use crate::failure::Failure;

/// An address and port to listen on, as it was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ListenAddress {
    host: Host,
    port: u16,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Host {
    Ip(IpAddr),
    Name(String),
}

impl ListenAddress {
    /// Whether the operating system chooses the port.
    pub(crate) fn has_any_port(&self) -> bool {
        self.port == 0
    }

    /// What the address stands for, IPv4 first. A name is looked up; it must have at least one address.
    pub(crate) async fn resolve(&self) -> Result<Vec<SocketAddr>, Failure> {
        let name = match &self.host {
            Host::Ip(ip) => return Ok(vec![SocketAddr::new(*ip, self.port)]),
            Host::Name(name) => name,
        };
        let found = tokio::net::lookup_host((name.as_str(), self.port)).await;
        let found = found.map_err(|e| Failure::new(format!("cannot find an address of the host `{name}`: {e}")))?;
        let mut addresses: Vec<SocketAddr> = found.collect();
        addresses.sort_by_key(SocketAddr::is_ipv6);
        addresses.dedup();
        if addresses.is_empty() {
            return Err(Failure::new(format!("the host `{name}` has no address")));
        }
        Ok(addresses)
    }
}

impl fmt::Display for ListenAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.host {
            Host::Ip(ip) => SocketAddr::new(*ip, self.port).fmt(f),
            Host::Name(name) => write!(f, "{name}:{}", self.port),
        }
    }
}

impl FromStr for ListenAddress {
    type Err = String;

    /// Takes `127.0.0.1:7470`, `[::1]:7470` and `localhost:7470`; explains what is missing in anything else.
    fn from_str(text: &str) -> Result<Self, String> {
        if let Ok(address) = text.parse::<SocketAddr>() {
            return Ok(ListenAddress { host: Host::Ip(address.ip()), port: address.port() });
        }
        if let Some((_, rest)) = text.split_once("://") {
            let rest = rest.trim_end_matches('/');
            return Err(format!("expected an address and a port, not a URL: give `{rest}`"));
        }
        if let Some((host, port)) = text.rsplit_once(':')
            && host.parse::<Ipv6Addr>().is_ok()
        {
            return Err(format!("an IPv6 address stands in brackets: give `[{host}]:{port}`"));
        }
        if let Ok(ip) = text.trim_matches(['[', ']']).parse::<IpAddr>() {
            let example = SocketAddr::new(ip, 7470);
            return Err(format!("the port is missing: give `{example}`"));
        }
        let port_alone = text.parse::<u16>().is_ok();
        let (host, port) = match text.rsplit_once(':') {
            Some(parts) => parts,
            None if port_alone => ("", text),
            None if is_host_name(text) => return Err(format!("the port is missing: give `{text}:7470`")),
            None => return Err("expected an address and a port, as in `127.0.0.1:7470`".to_owned()),
        };
        if host.is_empty() && port.parse::<u16>().is_ok() {
            return Err(format!(
                "the address is missing: give `127.0.0.1:{port}` to be reached from this machine alone, or `0.0.0.0:{port}` from every network, which needs TLS"
            ));
        }
        if !is_host_name(host) {
            return Err("expected an address or a host name, and a port, as in `127.0.0.1:7470`".to_owned());
        }
        let port = port.parse().map_err(|_| format!("`{port}` is not a port: expected a number up to 65535"))?;
        Ok(ListenAddress { host: Host::Name(host.to_owned()), port })
    }
}

/// Whether the text has the form of a DNS name. One whose last label is a number is a mistyped IPv4 address.
fn is_host_name(text: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let text = text.strip_suffix('.').unwrap_or(text);
    let last = text.rsplit('.').next().unwrap_or_default();
    text.len() <= 253 && text.split('.').all(label) && !last.bytes().all(|b| b.is_ascii_digit())
}

/// An address to listen on, or `none`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OptionalListenAddress(pub(crate) Option<ListenAddress>);

impl FromStr for OptionalListenAddress {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text.eq_ignore_ascii_case("none") {
            return Ok(OptionalListenAddress(None));
        }
        text.parse().map(|address| OptionalListenAddress(Some(address))).map_err(|e: String| format!("{e}; or `none`"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Result<&str, &str>) {
        match (text.parse::<ListenAddress>(), expected) {
            (Ok(address), Ok(shown)) => assert_eq!(address.to_string(), shown, "{text}"),
            (Err(error), Err(hint)) => assert!(error.contains(hint), "{text}: {error}"),
            (other, _) => panic!("{text}: {other:?}"),
        }
    }

    #[test]
    fn addresses_and_names_with_a_port() {
        for text in ["127.0.0.1:7470", "[::1]:7470", "0.0.0.0:0", "localhost:7470", "iam.example.com:443", "my_host:1"]
        {
            check(text, Ok(text));
        }
    }

    #[test]
    fn everything_else_is_explained() {
        for (text, hint) in [
            (":7470", "give `127.0.0.1:7470`"),
            ("7470", "give `127.0.0.1:7470`"),
            ("127.0.0.1", "give `127.0.0.1:7470`"),
            ("::1", "give `[::1]:7470`"),
            ("[::1]", "give `[::1]:7470`"),
            ("::1:7470", "give `[::1]:7470`"),
            ("fe80::1:99999", "give `[fe80::1]:99999`"),
            ("localhost", "give `localhost:7470`"),
            ("nowhere", "the port is missing"),
            ("http://127.0.0.1:7470/", "give `127.0.0.1:7470`"),
            ("localhost:http", "`http` is not a port"),
            ("localhost:65536", "`65536` is not a port"),
            ("localhost:", "is not a port"),
            ("127.0.0.256:7470", "expected an address or a host name"),
            ("127.0.1:7470", "expected an address or a host name"),
            ("a b:7470", "expected an address or a host name"),
            ("-a:7470", "expected an address or a host name"),
            ("", "expected an address and a port"),
            ("*:7470", "expected an address or a host name"),
        ] {
            check(text, Err(hint));
        }
        assert!("7471".parse::<OptionalListenAddress>().unwrap_err().ends_with("or `none`"));
        assert_eq!("none".parse(), Ok(OptionalListenAddress(None)));
    }

    #[tokio::test]
    async fn a_name_stands_for_its_addresses() {
        let localhost: ListenAddress = "localhost:7470".parse().unwrap();
        let found = localhost.resolve().await.unwrap();
        assert!(!found.is_empty() && found.iter().all(|a| a.ip().is_loopback() && a.port() == 7470), "{found:?}");
        let nowhere: ListenAddress = "nowhere.invalid:7470".parse().unwrap();
        assert!(nowhere.resolve().await.unwrap_err().to_string().contains("`nowhere.invalid`"));
    }
}
