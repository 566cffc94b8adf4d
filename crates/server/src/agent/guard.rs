//! Requests that no program on this machine made by itself: those of web pages and of proxies.
//!
//! A web page can make its visitor's browser send requests to loopback, and with DNS rebinding under a name of the
//! page's own. Such a request has the name in `Host`, or an `Origin`. A request that a proxy forwards comes from
//! elsewhere.

use http::request::Parts;
use http::uri::Authority;
use http::{HeaderMap, StatusCode, header};

/// Why a request is refused before its path is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Refused {
    pub(super) status: StatusCode,
    pub(super) message: &'static str,
}

const fn refused(status: StatusCode, message: &'static str) -> Refused {
    Refused { status, message }
}

const HOST: Refused = refused(StatusCode::FORBIDDEN, "the Host header must name a loopback address or localhost");
const TARGET: Refused =
    refused(StatusCode::BAD_REQUEST, "the request must have one Host header and a path as its target");
const FORWARDED: Refused = refused(StatusCode::FORBIDDEN, "forwarded requests are refused");
const BROWSER: Refused = refused(StatusCode::FORBIDDEN, "requests of web pages are refused");

/// Headers that proxies add.
const OF_PROXIES: [&str; 12] = [
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
    "x-forwarded-port",
    "x-forwarded-server",
    "x-real-ip",
    "x-client-ip",
    "true-client-ip",
    "forwarded",
    "via",
    "x-original-url",
    "x-rewrite-url",
];
/// Headers that browsers add, and that scripts of a page cannot remove. Node's `fetch` sends `Sec-Fetch-Mode`.
const OF_BROWSERS: [&str; 3] = ["origin", "sec-fetch-site", "referer"];

/// Refuses requests of web pages and of proxies.
pub(super) fn admit(head: &Parts) -> Result<(), Refused> {
    let has_any = |names: &[&str]| names.iter().any(|name| head.headers.contains_key(*name));
    if !is_loopback(&authority(head)?) {
        return Err(HOST);
    }
    if has_any(&OF_PROXIES) {
        return Err(FORWARDED);
    }
    if has_any(&OF_BROWSERS) {
        return Err(BROWSER);
    }
    Ok(())
}

/// Returns the only value of a header, as text.
pub(super) fn only<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next().filter(|_| values.next().is_none())?;
    value.to_str().ok()
}

/// The host that a request is for. HTTP/2 has it in the target, HTTP/1 in a header.
fn authority(head: &Parts) -> Result<Authority, Refused> {
    let of_target = head.uri.authority();
    let of_header = head.headers.contains_key(header::HOST);
    match (of_target, of_header) {
        (Some(authority), false) if head.version == http::Version::HTTP_2 => Ok(authority.clone()),
        (None, true) => {
            let host = only(&head.headers, header::HOST.as_str()).ok_or(TARGET)?;
            host.parse().map_err(|_| HOST)
        }
        _ => Err(TARGET),
    }
}

/// Whether the host is an address of loopback, or the one name that no DNS server can give another address.
fn is_loopback(authority: &Authority) -> bool {
    let host = authority.host();
    if authority.as_str().contains('@') {
        return false;
    }
    let ip = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(host);
    host.eq_ignore_ascii_case("localhost") || ip.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use http::{Request, Version};

    use super::*;

    fn asked(target: &str, version: Version, headers: &[(&str, &str)]) -> Result<(), Refused> {
        let mut request = Request::builder().uri(target).version(version);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        admit(&request.body(()).unwrap().into_parts().0)
    }

    #[test]
    fn only_loopback_hosts_are_served() {
        let check = |host: &str, expected| {
            assert_eq!(asked("/", Version::HTTP_11, &[("host", host)]), expected, "{host}");
        };
        for host in ["127.0.0.1:7472", "127.0.0.1", "127.8.9.1:1", "localhost:7472", "LOCALHOST", "[::1]:7472", "[::1]"]
        {
            check(host, Ok(()));
        }
        for host in [
            "attacker.example:7472",
            "127.0.0.1.attacker.example",
            "localhost.attacker.example",
            "localhost.",
            "attacker.example",
            "169.254.169.254",
            "10.0.0.1:7472",
            "0.0.0.0:7472",
            "[::]:7472",
            "[::ffff:10.0.0.1]",
            "127.1",
            "2130706433",
            "0x7f.0.0.1",
            "0177.0.0.1",
            "127.0.0.1@attacker.example",
            "attacker.example@127.0.0.1",
            "127.0.0.1, attacker.example",
            "::1",
            "",
        ] {
            check(host, Err(HOST));
        }
    }

    #[test]
    fn a_request_has_one_host() {
        let local = ("host", "127.0.0.1:1");
        assert_eq!(asked("/", Version::HTTP_11, &[]), Err(TARGET));
        assert_eq!(asked("/", Version::HTTP_11, &[local, local]), Err(TARGET));
        assert_eq!(asked("/", Version::HTTP_11, &[local, ("host", "attacker.example")]), Err(TARGET));
        // A proxy's form of a target.
        assert_eq!(asked("http://127.0.0.1:1/", Version::HTTP_11, &[local]), Err(TARGET));
        assert_eq!(asked("http://attacker.example/", Version::HTTP_11, &[local]), Err(TARGET));
        assert_eq!(asked("http://127.0.0.1:1/", Version::HTTP_11, &[]), Err(TARGET));
        assert_eq!(asked("http://127.0.0.1:1/", Version::HTTP_2, &[]), Ok(()));
        assert_eq!(asked("http://127.0.0.1:1/", Version::HTTP_2, &[local]), Err(TARGET));
        assert_eq!(asked("http://attacker.example/", Version::HTTP_2, &[]), Err(HOST));
    }

    #[test]
    fn web_pages_and_proxies_are_refused() {
        let local = ("host", "127.0.0.1:1");
        for name in OF_PROXIES {
            assert_eq!(asked("/", Version::HTTP_11, &[local, (name, "127.0.0.1")]), Err(FORWARDED), "{name}");
            assert_eq!(asked("/", Version::HTTP_11, &[local, (name, "")]), Err(FORWARDED), "{name}");
        }
        for name in OF_BROWSERS {
            assert_eq!(asked("/", Version::HTTP_11, &[local, (name, "null")]), Err(BROWSER), "{name}");
        }
        let of_node = ("sec-fetch-mode", "cors");
        assert_eq!(asked("/", Version::HTTP_11, &[local, of_node]), Ok(()));
    }
}
