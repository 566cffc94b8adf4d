//! Signed requests, which prove the principal.

use bailiwick_api::authz::{self as pb, http_request::Payload};
use bailiwick_operation::Clock as _;
use bailiwick_sigv4::{PayloadHash, Request, Signing, sign};

use crate::aws::{Keys, Settings};
use crate::failure::Failure;
use crate::system::SystemClock;

/// Signs a minimal request for a service.
pub(super) fn by(keys: &Keys, service: &str, settings: &Settings) -> Result<pb::SignedRequest, Failure> {
    let host = settings.endpoint.split("://").nth(1).unwrap_or_default();
    let headers: &[(&str, &[u8])] = &[("host", host.as_bytes())];
    let request = Request { method: "GET", path: "/", query: "", headers };
    let (signer, hash) = (keys.signer(), PayloadHash::of(b""));
    let signing = Signing::new(&signer, &settings.region, service, SystemClock.now()).declare_payload();
    let added = sign(&request, &signing, &hash)
        .map_err(|e| Failure::with_code(format!("cannot sign for the service `{service}`: {e}"), 2))?;
    let mut headers = vec![pb::Header { name: "host".to_owned(), value: host.to_owned() }];
    headers
        .extend(added.into_iter().map(|(name, value)| pb::Header { name: name.to_owned(), value: value.to_string() }));
    let http_request = pb::HttpRequest {
        method: "GET".to_owned(),
        target: "/".to_owned(),
        headers,
        payload: Some(Payload::Body(bytes::Bytes::new())),
    };
    Ok(pb::SignedRequest { http_request: Some(http_request), service: service.to_owned(), ..Default::default() })
}

/// Reads an HTTP request as it was received: request line, headers, and the body after an empty line.
///
/// # Errors
/// The error, with its line.
pub(super) fn read(bytes: &[u8]) -> Result<pb::HttpRequest, String> {
    let (head, body) = split(bytes);
    let head = std::str::from_utf8(head).map_err(|_| "the head of the request is not UTF-8".to_owned())?;
    let mut lines = head.lines();
    let first = lines.next().unwrap_or_default();
    let mut words = first.split(' ');
    let (method, target, version) = (words.next(), words.next(), words.next());
    let (Some(method), Some(target)) = (method.filter(|word| !word.is_empty()), target) else {
        return Err("line 1: expected a request line such as `GET /path?query HTTP/1.1`".to_owned());
    };
    if words.next().is_some() || version.is_some_and(|version| !version.starts_with("HTTP/")) {
        return Err("line 1: expected a request line such as `GET /path?query HTTP/1.1`".to_owned());
    }
    let mut headers = Vec::new();
    for (at, line) in lines.enumerate() {
        let pair = line.split_once(':').filter(|(name, _)| !name.is_empty() && !name.contains(char::is_whitespace));
        let (name, value) =
            pair.ok_or_else(|| format!("line {}: expected a header such as `host: example.com`", at + 2))?;
        headers.push(pb::Header { name: name.to_owned(), value: value.trim().to_owned() });
    }
    let payload = body.map(|body| Payload::Body(bytes::Bytes::copy_from_slice(body)));
    Ok(pb::HttpRequest { method: method.to_owned(), target: target.to_owned(), headers, payload })
}

/// Splits head and body. Without an empty line the body is unknown.
fn split(bytes: &[u8]) -> (&[u8], Option<&[u8]>) {
    for gap in [&b"\r\n\r\n"[..], b"\n\n"] {
        if let Some(at) = bytes.windows(gap.len()).position(|window| window == gap) {
            return (&bytes[..at], Some(&bytes[at + gap.len()..]));
        }
    }
    (bytes, None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn received_requests_are_parsed() {
        type Parts<'a> = (&'a str, &'a str, &'a [(&'a str, &'a str)], Option<&'a str>);
        let check = |text: &str, expected: Result<Parts<'_>, &str>| {
            let found = read(text.as_bytes());
            let Ok((method, target, headers, body)) = expected else {
                assert_eq!(found.map_err(Some), Err(expected.err().map(str::to_owned)), "{text}");
                return;
            };
            let found = found.expect(text);
            assert_eq!((found.method.as_str(), found.target.as_str()), (method, target), "{text}");
            let shown: Vec<_> = found.headers.iter().map(|h| (h.name.as_str(), h.value.as_str())).collect();
            assert_eq!(shown, headers, "{text}");
            assert_eq!(found.payload, body.map(|body| Payload::Body(body.to_owned().into())), "{text}");
        };
        check("GET / HTTP/1.1\r\nHost: a\r\n\r\n", Ok(("GET", "/", &[("Host", "a")], Some(""))));
        check(
            "PUT /a%20b?x=y HTTP/1.1\nhost: a:1\nx-note:  b c \n\nbody\n\n",
            Ok(("PUT", "/a%20b?x=y", &[("host", "a:1"), ("x-note", "b c")], Some("body\n\n"))),
        );
        check("GET /\nhost: a", Ok(("GET", "/", &[("host", "a")], None)));
        let line = Err("line 1: expected a request line such as `GET /path?query HTTP/1.1`");
        check("", line);
        check("GET", line);
        check("GET / HTTP/1.1 x", line);
        check("GET / x", line);
        check("GET /\nhost", Err("line 2: expected a header such as `host: example.com`"));
        check("GET /\na: b\n c", Err("line 3: expected a header such as `host: example.com`"));
    }
}
