//! Signatures of requests.

use bailiwick_sigv4::{
    Credentials, PayloadHash, Request, SigV4Error, Signing, SigningKey, VerifyOptions, parse, presign, sign,
};
use std::time::Duration;

use crate::noon;

const SECRET: &str = "wJalrXUtnFEMIK7MDENGbPxRfiCYEXAMPLEKEYAB";

/// A request in the form of HTTP/1.1: a request line, lines of headers, an empty line, a body. It is not signed with
/// the secret, so it never verifies. Signed with it, it verifies, or the signer refuses it as the verifier does.
///
/// # Panics
/// If the property does not hold.
pub fn signature(bytes: &[u8]) {
    with_request(bytes, |request, body| {
        assert!(!is_verified(request, body), "a request verifies that was never signed");
        let credentials = Credentials::new("AKIAIOSFODNN7EXAMPLE", SECRET);
        let signing = Signing::new(&credentials, "eu-central-1", "iam", noon());
        for signing in [signing.declare_payload(), Signing::new(&credentials, "eu-central-1", "iam", noon())] {
            let Ok(added) = sign(request, &signing, &PayloadHash::of(body)) else { continue };
            let mut headers = request.headers.to_vec();
            headers.extend(added.iter().map(|(name, value)| (*name, value.as_bytes())));
            let signed = Request { headers: &headers, ..*request };
            if parse(&signed).is_ok_and(|found| found.is_some()) {
                let found = verified(&signed, body);
                assert!(!matches!(found, Err(SigV4Error::Mismatch)), "our own signature does not match");
            }
            let mut other = body.to_vec();
            other.push(b'.');
            assert!(!is_verified(&signed, &other), "another body verifies");
        }
    });
}

/// The same with the signature in the query string.
///
/// # Panics
/// If the property does not hold.
pub fn presigned(bytes: &[u8]) {
    with_request(bytes, |request, body| {
        assert!(!is_verified(request, body), "a request verifies that was never signed");
        let credentials = Credentials::new("AKIAIOSFODNN7EXAMPLE", SECRET).with_session_token("a token/+=");
        let signing = Signing::new(&credentials, "eu-central-1", "iam", noon());
        let Ok(query) = presign(request, &signing, Duration::from_secs(60), &PayloadHash::of(body)) else { return };
        let signed = Request { query: &query, ..*request };
        if parse(&signed).is_ok_and(|found| found.is_some()) {
            let found = verified(&signed, body);
            assert!(!matches!(found, Err(SigV4Error::Mismatch)), "our own signature does not match");
        }
        let other = format!("{query}&more=1");
        assert!(!is_verified(&Request { query: &other, ..*request }, body), "another query verifies");
    });
}

fn is_verified(request: &Request<'_>, body: &[u8]) -> bool {
    verified(request, body).is_ok()
}

fn verified(request: &Request<'_>, body: &[u8]) -> Result<(), SigV4Error> {
    let Some(found) = parse(request)? else { return Err(SigV4Error::MalformedAuthorization) };
    let _ = (found.access_key_id(), found.mechanism(), found.date(), found.payload().is_ok(), format!("{found:?}"));
    assert!(found.signed_headers().all(|name| !name.is_empty()));
    let key = SigningKey::derive(SECRET.as_bytes(), found.scope());
    found.verify(&key, noon(), &VerifyOptions::default(), Some(&PayloadHash::of(body)))
}

fn with_request(bytes: &[u8], check: impl FnOnce(&Request<'_>, &[u8])) {
    let end = bytes.windows(2).position(|pair| pair == b"\n\n");
    let (head, body) = end.map_or((bytes, &b""[..]), |at| (&bytes[..at], &bytes[at + 2..]));
    let mut lines = head.split(|byte| *byte == b'\n');
    let Some(Ok(first)) = lines.next().map(std::str::from_utf8) else { return };
    let Some((method, target)) = first.split_once(' ') else { return };
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let headers: Option<Vec<(&str, &[u8])>> = lines
        .map(|line| {
            let at = line.iter().position(|byte| *byte == b':')?;
            Some((std::str::from_utf8(&line[..at]).ok()?, &line[at + 1..]))
        })
        .collect();
    if let Some(headers) = headers {
        check(&Request { method, path, query, headers: &headers }, body);
    }
}
