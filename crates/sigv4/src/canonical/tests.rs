use super::*;

fn path(rule: PathRule, path: &str) -> Option<String> {
    let mut out = Vec::new();
    rule.push_canonical(&mut out, path).ok()?;
    Some(String::from_utf8(out).unwrap())
}

#[test]
fn paths_are_signed_by_their_rule() {
    let check = |input: &str, strict: Option<&str>, normalize: Option<&str>, object_key: Option<&str>| {
        assert_eq!(path(PathRule::Strict, input).as_deref(), strict, "strict {input}");
        assert_eq!(path(PathRule::Normalize, input).as_deref(), normalize, "normalize {input}");
        assert_eq!(path(PathRule::ObjectKey, input).as_deref(), object_key, "object key {input}");
    };
    check("", Some("/"), Some("/"), Some("/"));
    check("/", Some("/"), Some("/"), Some("/"));
    check("/a/b", Some("/a/b"), Some("/a/b"), Some("/a/b"));
    check("/a/b/", Some("/a/b/"), Some("/a/b/"), Some("/a/b/"));
    check("/a%20b", Some("/a%2520b"), Some("/a%2520b"), Some("/a%20b"));
    check("/pkg.v1.Service/Do", Some("/pkg.v1.Service/Do"), Some("/pkg.v1.Service/Do"), Some("/pkg.v1.Service/Do"));
    check("//", None, Some("/"), Some("//"));
    check("/a//b", None, Some("/a/b"), Some("/a//b"));
    check("/a/../b", None, Some("/b"), Some("/a/../b"));
    check("/./", None, Some("/"), Some("/./"));
    check("/..", None, Some("/"), Some("/.."));
    check("/a/..", None, Some("/"), Some("/a/.."));
    check("/a/./b/", None, Some("/a/b/"), Some("/a/./b/"));
    check("/...", Some("/..."), Some("/..."), Some("/..."));
    check("/%2e%2e/a", Some("/%252e%252e/a"), Some("/%252e%252e/a"), Some("/../a"));
    check("/a\nb", Some("/a%0Ab"), Some("/a%0Ab"), Some("/a%0Ab"));
    check("/a%zz", Some("/a%25zz"), Some("/a%25zz"), None);
    check("*", None, None, None);
    check("a/b", None, None, None);
}

#[test]
fn an_unresolved_path_is_refused_with_advice() {
    for (bad, expected) in [
        ("/a//b", SigV4Error::UnresolvedPath),
        ("/a/../b", SigV4Error::UnresolvedPath),
        ("/./", SigV4Error::UnresolvedPath),
        ("//", SigV4Error::UnresolvedPath),
        ("a/b", SigV4Error::MalformedTarget),
    ] {
        assert_eq!(PathRule::Strict.push_canonical(&mut Vec::new(), bad), Err(expected), "{bad}");
    }
    assert!(
        SigV4Error::UnresolvedPath
            .to_string()
            .ends_with("send the resolved path, such as `/a/b` for `/a//b` and `/b` for `/a/../b`")
    );
}

#[test]
fn a_canonical_request_has_these_lines() {
    let headers: &[(&str, &[u8])] = &[("X-Amz-Date", b"20260301T120000Z"), ("Host", b" iam.example.com ")];
    let request = Request { method: "POST", path: "/x", query: "b=2&a=1", headers };
    let canonical = |payload| Canonical {
        request: &request,
        signed_headers: "host;x-amz-date",
        path: PathRule::Strict,
        presigned: false,
        payload,
    };
    let head = "POST\n/x\na=1&b=2\nhost:iam.example.com\nx-amz-date:20260301T120000Z\n\nhost;x-amz-date\n";
    let check = |payload, last: &str| {
        assert_eq!(String::from_utf8(canonical(payload).request_text().unwrap()).unwrap(), format!("{head}{last}"));
    };
    check(PayloadLine::Unsigned, "UNSIGNED-PAYLOAD");
    check(PayloadLine::Word("STREAMING-X"), "STREAMING-X");
    // The hash of the empty string, as printed by sha256sum.
    let empty = PayloadHash::of(b"");
    check(PayloadLine::Hash(&empty), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

#[test]
fn methods_are_tokens() {
    for method in ["", "GET\n/", "GET ", "GÉT"] {
        let request = Request { method, path: "/", query: "", headers: &[("host", b"h")] };
        let canonical = Canonical {
            request: &request,
            signed_headers: "host",
            path: PathRule::Strict,
            presigned: false,
            payload: PayloadLine::Unsigned,
        };
        assert_eq!(canonical.request_text(), Err(SigV4Error::MalformedTarget), "{method:?}");
    }
}
