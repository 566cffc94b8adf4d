use super::*;

fn request<'a>(headers: &'a [(&'a str, &'a [u8])]) -> Request<'a> {
    Request { method: "GET", path: "/", query: "", headers }
}

#[test]
fn values_are_trimmed_collapsed_and_joined() {
    let headers: &[(&str, &[u8])] = &[
        ("My-Header2", b"  \"a   b \tc\"\t "),
        ("HOST", b"example.com"),
        ("my-header2", b"second"),
        ("my-header1", b""),
        ("unsigned", b"x"),
    ];
    let mut out = Vec::new();
    push_canonical(&mut out, &request(headers), "host;my-header1;my-header2").unwrap();
    assert_eq!(std::str::from_utf8(&out).unwrap(), "host:example.com\nmy-header1:\nmy-header2:\"a b c\",second\n");
}

#[test]
fn header_values_with_line_breaks_are_refused() {
    for value in ["a\nx-amz-date:1", "a\rb", "a\0", "\x7f"] {
        let headers: &[(&str, &[u8])] = &[("host", value.as_bytes())];
        let error = push_canonical(&mut Vec::new(), &request(headers), "host").unwrap_err();
        assert_eq!(error, SigV4Error::MalformedHeader("host".into()), "{value:?}");
    }
}

#[test]
fn what_must_be_signed() {
    let check = |signed: &str, headers: &[(&str, &[u8])], expected: Result<(), SigV4Error>| {
        assert_eq!(check_signed(&request(headers), signed), expected, "{signed}");
    };
    let plain: &[(&str, &[u8])] =
        &[("Host", b"h"), ("X-Amz-Date", b"d"), ("accept", b"*/*"), ("X-Amzn-Trace-Id", b"t")];
    check("host;x-amz-date", plain, Ok(()));
    check("accept;host;x-amz-date", plain, Ok(()));
    check("accept;host", plain, Err(SigV4Error::HeaderNotSigned("X-Amz-Date".into())));
    check("accept;x-amz-date", plain, Err(SigV4Error::HostNotSigned));
    check("host;range;x-amz-date", plain, Err(SigV4Error::SignedHeaderAbsent("range".into())));
    for bad in [
        "",
        ";",
        "Host;x-amz-date",
        "x-amz-date;host",
        "host;host;x-amz-date",
        "host;;x-amz-date",
        "host;x-amz-date;",
        "host x-amz-date",
        "authorization;host;x-amz-date",
    ] {
        check(bad, plain, Err(SigV4Error::MalformedSignedHeaders));
    }
    let two_hosts: &[(&str, &[u8])] = &[("host", b"a"), ("Host", b"b")];
    check("host", two_hosts, Err(SigV4Error::RepeatedHeader("host")));
    let many: Vec<String> = (0..200).map(|i| format!("h{i:03}")).collect();
    check(&many.join(";"), plain, Err(SigV4Error::MalformedSignedHeaders));
}

#[test]
fn only_spaces_and_tabs_are_trimmed() {
    for (input, expected) in [("", ""), (" ", ""), (" a b ", "a b"), ("\ta", "a"), ("a\u{a0}", "a\u{a0}")] {
        assert_eq!(trim(input.as_bytes()), expected.as_bytes());
    }
}
