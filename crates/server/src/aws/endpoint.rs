//! Normalization of server addresses that users enter.

use std::net::IpAddr;

use http::Uri;
use http::uri::Authority;

/// Returns the address with a scheme: `127.0.0.1:7470` becomes `http://127.0.0.1:7470`.
///
/// # Errors
/// A message that says what to write instead.
pub(super) fn normalize(text: &str) -> Result<String, String> {
    let text = text.trim();
    let Some((scheme, _)) = text.split_once("://") else {
        return without_scheme(text);
    };
    if !["http", "https"].contains(&&*scheme.to_ascii_lowercase()) {
        return Err(format!("`{text}` begins with `{scheme}://`: expected http://host:port or https://host:port"));
    }
    let expected =
        || format!("`{text}` is not the address of a server: expected http://host:port or https://host:port");
    let uri: Uri = text.parse().map_err(|_| expected())?;
    let authority = uri.authority().filter(|authority| !authority.host().is_empty()).ok_or_else(expected)?;
    if authority.as_str().contains('@') {
        return Err(format!("an address has no user name: write {scheme}://{}", host_and_port(authority)));
    }
    if authority.port().is_none() && authority.as_str() != authority.host() {
        return Err(format!("`{text}` has an invalid port: expected a number up to 65535"));
    }
    if uri.path() != "/" || uri.query().is_some() {
        return Err(format!("`{text}` has a path: write {scheme}://{authority}"));
    }
    Ok(format!("{}://{authority}", scheme.to_ascii_lowercase()))
}

fn without_scheme(text: &str) -> Result<String, String> {
    if text.is_empty() {
        return Err("the address is empty: expected http://host:port or https://host:port".to_owned());
    }
    if let Some(port) = text.strip_prefix(':').filter(|port| port.parse::<u16>().is_ok()) {
        return Err(format!("`{text}` has no host: write http://127.0.0.1:{port}"));
    }
    let Ok(uri) = format!("http://{text}").parse::<Uri>() else {
        return Err(format!("`{text}` is not the address of a server: expected http://host:port or https://host:port"));
    };
    let Some(authority) =
        uri.authority().filter(|it| !it.host().is_empty() && uri.path() == "/" && uri.query().is_none())
    else {
        return Err(format!("`{text}` is not the address of a server: expected http://host:port or https://host:port"));
    };
    match (is_loopback(authority), authority.port()) {
        (true, Some(_)) => Ok(format!("http://{authority}")),
        (true, None) => Err(format!("`{text}` has no port: write http://{text}:7470")),
        _ => Err(format!(
            "`{text}` has no scheme: write https://{authority}, or http://{authority} for a server without TLS"
        )),
    }
}

/// Whether what is sent to this address, which [`normalize`] has returned, can be read on the network.
pub(crate) fn is_clear(endpoint: &str) -> bool {
    let is_private = |uri: Uri| uri.scheme_str() == Some("https") || uri.authority().is_some_and(is_loopback);
    !endpoint.parse().is_ok_and(is_private)
}

/// Whether a host is this machine.
pub(crate) fn is_loopback(authority: &Authority) -> bool {
    let host = authority.host().trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost") || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

fn host_and_port(authority: &Authority) -> String {
    authority.port().map_or_else(|| authority.host().to_owned(), |port| format!("{}:{port}", authority.host()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_be_read_on_the_network() {
        for (endpoint, expected) in [
            ("https://iam.example.com", false),
            ("http://127.0.0.1:7470", false),
            ("http://[::1]:7470", false),
            ("http://localhost:7470", false),
            ("http://iam.example.com", true),
            ("http://127.0.0.1.example.com:7470", true),
            ("http://localhost.example.com", true),
            ("http://10.0.0.1:7470", true),
            ("http://0.0.0.0:7470", true),
            ("http://[::ffff:127.0.0.1]:7470", true),
            ("127.0.0.1:7470", false),
            ("", true),
        ] {
            assert_eq!(is_clear(endpoint), expected, "{endpoint}");
        }
    }

    #[test]
    fn addresses() {
        let check = |text: &str, expected: &str| {
            let found = normalize(text).unwrap_or_else(|error| error);
            assert_eq!(found, expected, "{text}");
        };
        check("http://127.0.0.1:7470", "http://127.0.0.1:7470");
        check("http://127.0.0.1:7470/", "http://127.0.0.1:7470");
        check("HTTPS://iam.example.com", "https://iam.example.com");
        check(" http://[::1]:7470 ", "http://[::1]:7470");
        check("127.0.0.1:7470", "http://127.0.0.1:7470");
        check("localhost:8000", "http://localhost:8000");
        check("[::1]:7470", "http://[::1]:7470");
        check("127.0.0.1", "`127.0.0.1` has no port: write http://127.0.0.1:7470");
        check(":7470", "`:7470` has no host: write http://127.0.0.1:7470");
        check("", "the address is empty: expected http://host:port or https://host:port");
        check(
            "iam.example.com:7470",
            "`iam.example.com:7470` has no scheme: write https://iam.example.com:7470, or http://iam.example.com:7470 for a \
             server without TLS",
        );
        check(
            "https://iam.example.com/path",
            "`https://iam.example.com/path` has a path: write https://iam.example.com",
        );
        check("https://bob:x@iam.example.com", "an address has no user name: write https://iam.example.com");
        check(
            "ftp://iam.example.com",
            "`ftp://iam.example.com` begins with `ftp://`: expected http://host:port or https://host:port",
        );
        for bad in ["http://", "https://:7470", "http://a b", "127.0.0.1:7470/x", "a b", "http://h:99999999"] {
            assert!(normalize(bad).is_err(), "{bad}");
        }
    }
}
