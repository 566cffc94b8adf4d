use super::*;

fn proxies() -> TrustedProxies {
    TrustedProxies::new(vec!["10.0.0.0/8".parse().unwrap(), "2001:db8:1::/48".parse().unwrap()])
}

/// Checks the result for headers, one `name: value` per line: an address, followed by `s` for an encrypted and `c` for
/// a clear-text connection; `-` for no client; or a part of the error.
fn check(lines: &str, expected: &str) {
    let mut headers = HeaderMap::new();
    for line in lines.lines() {
        let (name, value) = line.split_once(": ").unwrap();
        headers.append(http::HeaderName::from_bytes(name.as_bytes()).unwrap(), value.parse().unwrap());
    }
    let found = match proxies().client(&headers) {
        Ok(None) => "-".to_owned(),
        Ok(Some(Forwarded { ip, secure })) => format!("{ip}{}", secure.map_or("", |s| if s { " s" } else { " c" })),
        Err(error) => error.to_string(),
    };
    if expected.contains("..") {
        assert!(found.contains(expected.trim_matches('.')) && found.starts_with("MalformedInput"), "{lines}: {found}");
    } else {
        assert_eq!(found, expected, "{lines}");
    }
}

#[test]
fn the_client_is_the_rightmost_address_that_is_not_a_trusted_proxy() {
    check("Host: a", "-");
    check("X-Forwarded-For: 192.0.2.7", "192.0.2.7");
    check("X-Forwarded-For: 192.0.2.7, 10.1.2.3", "192.0.2.7");
    check("X-Forwarded-For: 1.1.1.1, 192.0.2.7, 10.1.2.3, 10.0.0.1", "192.0.2.7");
    check("X-Forwarded-For: 1.1.1.1\nX-Forwarded-For: 192.0.2.7\nX-Forwarded-For: 10.0.0.9", "192.0.2.7");
    // All are proxies: the first of them is the client.
    check("X-Forwarded-For: 10.0.0.7, 10.0.0.8", "10.0.0.7");
    // Addresses that the client put in front are ignored.
    check("X-Forwarded-For: unknown, evil, , 192.0.2.7, 10.0.0.8", "192.0.2.7");
    check("Forwarded: for=evil, junk, for=192.0.2.7, for=10.0.0.8", "192.0.2.7");
    check("X-Forwarded-For: \"evil, 192.0.2.7", "192.0.2.7");
    check("X-Forwarded-For: 127.0.0.1", "127.0.0.1");
}

#[test]
fn addresses_are_taken_in_every_usual_form() {
    check("X-Forwarded-For: 192.0.2.7:4711", "192.0.2.7");
    check("X-Forwarded-For: 2001:db8::7", "2001:db8::7");
    check("X-Forwarded-For: [2001:db8::7]", "2001:db8::7");
    check("X-Forwarded-For: [2001:db8::7]:4711", "2001:db8::7");
    check("X-Forwarded-For: ::ffff:192.0.2.7", "192.0.2.7");
    check("X-Forwarded-For: 192.0.2.7,2001:db8:1::8", "192.0.2.7");
    check("Forwarded: for=192.0.2.7", "192.0.2.7");
    check("Forwarded: For=\"192.0.2.7:80\";by=10.0.0.1;host=a", "192.0.2.7");
    check("Forwarded: for=\"[2001:db8::7]:4711\", for=10.0.0.3", "2001:db8::7");
    check("Forwarded: proto=https;for=192.0.2.7;by=\"a,b;c=d\"", "192.0.2.7 s");
}

#[test]
fn the_protocol_is_that_of_the_client() {
    check("X-Forwarded-For: 192.0.2.7\nX-Forwarded-Proto: https", "192.0.2.7 s");
    check("X-Forwarded-For: 192.0.2.7\nX-Forwarded-Proto: HTTP", "192.0.2.7 c");
    check("X-Forwarded-For: 192.0.2.7\nX-Forwarded-Proto: https, https", "192.0.2.7 s");
    check("Forwarded: for=192.0.2.7;proto=https, for=10.0.0.2;proto=http", "192.0.2.7 s");
    check("Forwarded: for=192.0.2.7;proto=http, for=10.0.0.2;proto=https", "192.0.2.7 c");
}

/// A proxy that sets one family of headers passes on what its client wrote in the other.
#[test]
fn the_protocol_is_not_taken_from_the_other_family_of_headers() {
    check("Forwarded: for=192.0.2.7\nX-Forwarded-For: 192.0.2.7\nX-Forwarded-Proto: https", "192.0.2.7");
    check("Forwarded: for=192.0.2.7;proto=https\nX-Forwarded-For: 192.0.2.7", "192.0.2.7");
    check("Forwarded: for=192.0.2.7;proto=https\nX-Forwarded-For: 192.0.2.7\nX-Forwarded-Proto: https", "192.0.2.7 s");
    check("Forwarded: for=192.0.2.7;proto=http\nX-Forwarded-For: 192.0.2.7\nX-Forwarded-Proto: http", "192.0.2.7 c");
}

#[test]
fn malformed_or_ambiguous_headers_are_refused() {
    check("X-Forwarded-For: ", "..is not an IP address..");
    check("X-Forwarded-For: 192.0.2.7,", "..is not an IP address..");
    check("X-Forwarded-For: unknown", "..`unknown` is not an IP address..");
    check("X-Forwarded-For: 192.0.2.7, 10.0.0.300", "..`10.0.0.300` is not an IP address..");
    check("X-Forwarded-For: 192.0.2.7, evil, 10.0.0.3", "..`evil` is not an IP address..");
    check("X-Forwarded-For: 192.0.2.07", "..is not an IP address..");
    check("X-Forwarded-For: [192.0.2.7]", "..is not an IP address..");
    check("X-Forwarded-For: \"192.0.2.7\"", "..is not an IP address..");
    check("X-Forwarded-For: 192.0.2.7\nX-Forwarded-Proto: https, http", "..different protocols..");
    check("X-Forwarded-For: 192.0.2.7\nX-Forwarded-Proto: https\nX-Forwarded-Proto: http", "..different protocols..");
    check("X-Forwarded-For: 192.0.2.7\nX-Forwarded-Proto: ftp", "..`ftp` is neither..");
    check("X-Forwarded-For: 192.0.2.7\nX-Forwarded-Proto: ", "..neither..");
    check("X-Forwarded-Proto: https", "..without X-Forwarded-For..");
    check("X-Forwarded-For: 192.0.2.7\nForwarded: for=192.0.2.8", "..but Forwarded has `192.0.2.8`..");
    check("X-Forwarded-For: 192.0.2.7\nX-Forwarded-Proto: http\nForwarded: for=192.0.2.7;proto=https", "..different..");
    check("Forwarded: for=unknown", "..`unknown` is not an IP address..");
    check("Forwarded: for=_hidden", "..is not an IP address..");
    check("Forwarded: proto=https", "..has no `for`..");
    check("Forwarded: ", "..has no `for`..");
    check("Forwarded: for=192.0.2.7;for=192.0.2.8", "..duplicated..");
    check("Forwarded: for=192.0.2.7;proto=https;proto=http", "..duplicated..");
    check("Forwarded: for=\"192.0.2.7", "..quotes..");
    check("Forwarded: for=\"192.0.2.7\\\"\"", "..quotes..");
    // A client opens a quotation to swallow what the proxy adds.
    check("Forwarded: for=1.1.1.1;x=\", for=192.0.2.7", "..quotes..");
    check("Forwarded: for=1.1.1.1;x=\", for=\"[2001:db8::7]\"", "..quotes..");
    check("Forwarded: for=1.1.1.1;x=\", for=\"[2001:db8::7]\";proto=https", "..quotes..");
    check("Forwarded: 192.0.2.7", "..name=value..");
    check("Forwarded: for=192.0.2.7;proto=gopher", "..neither..");
}

#[test]
fn addresses_are_trusted_by_network() {
    let trusts = |ip: &str, expected: bool| assert_eq!(proxies().contains(ip.parse().unwrap()), expected, "{ip}");
    trusts("10.255.0.1", true);
    trusts("::ffff:10.0.0.1", true);
    trusts("11.0.0.1", false);
    trusts("2001:db8:1:ffff::1", true);
    trusts("2001:db8:2::1", false);
    assert!(!TrustedProxies::default().contains([127, 0, 0, 1].into()));
}
