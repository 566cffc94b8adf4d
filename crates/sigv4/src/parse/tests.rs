use std::time::Duration;

use super::*;
use crate::{payload::Payload, scope::Scope};

const DATE: (&str, &[u8]) = ("x-amz-date", b"20260301T120000Z");
const HOST: (&str, &[u8]) = ("host", b"iam.example.com");
const CREDENTIAL: &str = "AKIDEXAMPLE/20260301/us-east-1/iam/aws4_request";
const SIGNATURE: &str = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

fn authorization() -> String {
    format!("AWS4-HMAC-SHA256 Credential={CREDENTIAL}, SignedHeaders=host;x-amz-date, Signature={SIGNATURE}")
}

fn query() -> String {
    let credential = CREDENTIAL.replace('/', "%2F");
    format!(
        "Action=X&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential={credential}&X-Amz-Date=20260301T120000Z\
         &X-Amz-Expires=60&X-Amz-SignedHeaders=host&X-Amz-Signature={SIGNATURE}"
    )
}

fn parsed(query: &str, headers: &[(&str, &[u8])]) -> Result<bool, SigV4Error> {
    parse(&Request { method: "GET", path: "/", query, headers }).map(|signed| signed.is_some())
}

#[track_caller]
fn check_header(authorization: &str, expected: Result<bool, SigV4Error>) {
    assert_eq!(parsed("", &[HOST, DATE, ("Authorization", authorization.as_bytes())]), expected, "{authorization}");
}

#[track_caller]
fn check_query(query: &str, expected: Result<bool, SigV4Error>) {
    assert_eq!(parsed(query, &[HOST]), expected, "{query}");
}

#[test]
fn unsigned_requests_parse_to_none() {
    assert_eq!(parsed("", &[]), Ok(false));
    assert_eq!(parsed("Action=ListUsers&%zz", &[HOST]), Ok(false));
    for scheme in ["Bearer abc", "Basic Zm9vOmJhcg==", "AWS AKIDEXAMPLE:abc", ""] {
        check_header(scheme, Ok(false));
    }
}

#[test]
fn the_header_has_access_key_scope_and_time() {
    let authorization = authorization();
    let headers = [DATE, HOST, ("AUTHORIZATION", authorization.as_bytes()), ("x-other", b"1")];
    let signed = parse(&Request { method: "GET", path: "/", query: "", headers: &headers }).unwrap().unwrap();
    assert_eq!(signed.access_key_id(), "AKIDEXAMPLE");
    assert_eq!(signed.mechanism(), Mechanism::Header);
    assert_eq!(signed.date(), "2026-03-01T12:00:00Z".parse().unwrap());
    assert_eq!(signed.scope(), &Scope::new("20260301", "us-east-1", "iam"));
    assert_eq!(signed.signed_headers().collect::<Vec<_>>(), ["host", "x-amz-date"]);
    assert!(signed.session_token().is_none());
    assert_eq!(signed.payload(), Ok(Payload::Absent));
    assert_eq!(signed.expect_service(&["sts", "iam"]), Ok(()));
    assert_eq!(signed.expect_region(|region| region.starts_with("us-")), Ok(()));
    assert_eq!(signed.expect_region(|region| region.starts_with("cn-")), Err(SigV4Error::WrongRegion));
    assert_eq!(signed.expect_service(&["sts"]), Err(SigV4Error::WrongService("sts".into())));
}

#[test]
fn header_in_other_forms() {
    let good = authorization();
    check_header(&good, Ok(true));
    check_header(&good.replace(", ", ","), Ok(true));
    check_header(&format!("  {good} "), Ok(true));
    check_header(
        &format!("AWS4-HMAC-SHA256 Signature={SIGNATURE},Credential={CREDENTIAL},SignedHeaders=host;x-amz-date"),
        Ok(true),
    );
    let unsupported = || Err(SigV4Error::UnsupportedAlgorithm);
    check_header(&good.replace("HMAC-SHA256", "ECDSA-P256-SHA256"), unsupported());
    check_header(&good.to_lowercase(), unsupported());
    check_header(&good.replacen(' ', "\t", 1), unsupported());
    let all = vec!["Credential", "Signature", "SignedHeaders"];
    check_header("AWS4-HMAC-SHA256", Err(SigV4Error::MissingParts(all)));
    check_header(&good.replace("Signature=", "Sig="), Err(SigV4Error::UnexpectedPart));
    check_header(&good.replace(", Signature", ", Credential"), Err(SigV4Error::UnexpectedPart));
    check_header(&format!("{good}, Signature={SIGNATURE}"), Err(SigV4Error::UnexpectedPart));
    check_header(&format!("{good}, Extra"), Err(SigV4Error::NotKeyValue));
    let broken = good.replace(", Signature=", ", \nSignature=");
    check_header(&broken, Err(SigV4Error::UnexpectedPart));
    check_header(good.split(", Signature").next().unwrap(), Err(SigV4Error::MissingParts(vec!["Signature"])));
    check_header(&good.replace("AKIDEXAMPLE", "AKID-EXAMPLE"), Err(SigV4Error::UnknownKey));
    check_header(&good.replace("aabbcc", "AABBCC"), Err(SigV4Error::Mismatch));
    check_header(&good[..good.len() - 1], Err(SigV4Error::Mismatch));
    check_header(&format!("{good}0"), Err(SigV4Error::Mismatch));
    check_header(&good.replace(";x-amz-date", ""), Err(SigV4Error::HeaderNotSigned("x-amz-date".into())));
    let error = parsed("", &[HOST, DATE, ("Authorization", b"AWS4-HMAC-SHA256 \xff")]);
    assert_eq!(error, Err(SigV4Error::MalformedAuthorization));
}

#[test]
fn the_days_of_scope_and_request_must_agree() {
    let good = authorization();
    let other_day = good.replace("20260301", "20260302");
    let expected =
        SigV4Error::WrongDay { scope: "20260302".into(), day: "20260301".into(), date: "20260301T120000Z".into() };
    check_header(&other_day, Err(expected));
    let header = ("authorization", good.as_bytes());
    assert_eq!(parsed("", &[HOST, header]), Err(SigV4Error::MissingDate));
    let malformed = parsed("", &[HOST, header, ("x-amz-date", b"2026-03-01")]);
    assert_eq!(malformed, Err(SigV4Error::MalformedDate));
    let twice = parsed("", &[HOST, header, DATE, DATE]);
    assert_eq!(twice, Err(SigV4Error::RepeatedHeader("x-amz-date")));
    // Without x-amz-date, date counts, whether it is signed or not: the time is part of the signed text.
    let date_only = good.replace(";x-amz-date", "");
    let headers = [HOST, ("authorization", date_only.as_bytes()), ("Date", b"Sun, 01 Mar 2026 12:00:00 GMT")];
    assert_eq!(parsed("", &headers), Ok(true));
}

#[test]
fn repeated_parts_are_refused() {
    let good = authorization();
    let header = ("authorization", good.as_bytes());
    let repeated = |name| Err(SigV4Error::RepeatedHeader(name));
    assert_eq!(parsed("", &[HOST, DATE, header, header]), repeated("authorization"));
    assert_eq!(parsed("", &[HOST, DATE, header, ("Authorization", b"Bearer x")]), repeated("authorization"));
    assert_eq!(parsed("", &[HOST, HOST, DATE, header]), repeated("host"));
    assert_eq!(parsed(&query(), &[HOST, DATE, header]), Err(SigV4Error::BothMechanisms));
    assert_eq!(parsed(&query(), &[HOST, ("authorization", b"Bearer x")]), Err(SigV4Error::BothMechanisms));
    assert_eq!(parsed("X-Amz-Signature=", &[HOST, DATE, header]), Err(SigV4Error::BothMechanisms));
    let signed = good.replace("x-amz-date", "x-amz-content-sha256;x-amz-date;x-amz-security-token");
    let (token, hash) = (("x-amz-security-token", &b"t"[..]), ("x-amz-content-sha256", &b"UNSIGNED-PAYLOAD"[..]));
    let header = ("authorization", signed.as_bytes());
    assert_eq!(parsed("", &[HOST, DATE, header, token, hash]), Ok(true));
    assert_eq!(parsed("", &[HOST, DATE, header, token, token, hash]), repeated("x-amz-security-token"));
    assert_eq!(parsed("", &[HOST, DATE, header, token, hash, hash]), repeated("x-amz-content-sha256"));
    assert_eq!(parsed("", &[HOST, DATE, header, ("x-amz-security-token", b""), hash]), Err(SigV4Error::UnknownKey));
}

#[test]
fn presigned_requests_have_every_parameter() {
    let good = query();
    check_query(&good, Ok(true));
    check_query(&good.replace("X-Amz-Date", "X-Amz-%44ate"), Ok(true));
    for name in ["Algorithm", "Credential", "Date", "Expires", "SignedHeaders", "Signature"] {
        let name = format!("X-Amz-{name}");
        let without: Vec<_> = good.split('&').filter(|part| !part.starts_with(&format!("{name}="))).collect();
        match parsed(&without.join("&"), &[HOST]) {
            // The options decide whether it may be absent.
            Ok(true) => assert_eq!(name, "X-Amz-Expires"),
            Err(SigV4Error::MissingParameters(names)) => assert_eq!(names, [name.as_str()]),
            other => panic!("{name}: {other:?}"),
        }
        let twice = parsed(&format!("{good}&{name}=1"), &[HOST]).unwrap_err();
        assert!(matches!(&twice, SigV4Error::RepeatedParameter(n) if *n == name), "{twice:?}");
        let misspelled = parsed(&good.replace(&name, &name.to_lowercase()), &[HOST]).unwrap_err();
        assert!(matches!(&misspelled, SigV4Error::MisspelledParameter(n) if *n == name), "{misspelled:?}");
    }
    for expires in ["0", "-1", "604801", "1e3", "", "+60", "9999999999999999999999"] {
        check_query(&good.replace("=60", &format!("={expires}")), Err(SigV4Error::MalformedExpires(604_800)));
    }
    check_query(&good.replace("HMAC", "X509"), Err(SigV4Error::UnsupportedAlgorithm));
    check_query(&good.replace("=host", "=accept"), Err(SigV4Error::HostNotSigned));
    check_query(&good.replace("20260301T", "20260301+"), Err(SigV4Error::MalformedDate));
    check_query(&good.replace("iam", "i%zzm"), Err(SigV4Error::MalformedQuery));
    check_query(&good.replace("iam", "i%ffm"), Err(SigV4Error::MalformedCredential));
}

#[test]
fn token_and_payload_are_in_one_place() {
    let good = format!("{}&X-Amz-Security-Token=a%2Fb%3D&X-Amz-Content-Sha256=UNSIGNED-PAYLOAD", query());
    let request = Request { method: "GET", path: "/", query: &good, headers: &[HOST] };
    let signed = parse(&request).unwrap().unwrap();
    assert_eq!(signed.session_token().map(SessionToken::expose), Some("a/b="));
    assert_eq!(signed.payload(), Ok(Payload::Unsigned));
    assert_eq!(signed.mechanism(), Mechanism::Presigned { expires: Some(Duration::from_secs(60)) });
    let signs_all = good.replace("=host", "=host%3Bx-amz-content-sha256%3Bx-amz-security-token");
    let twice =
        parsed(&signs_all, &[HOST, ("x-amz-content-sha256", b"UNSIGNED-PAYLOAD"), ("x-amz-security-token", b"a")]);
    assert_eq!(twice, Err(SigV4Error::RepeatedHeader("x-amz-security-token")));
    check_query(&good.replace("a%2Fb%3D", ""), Err(SigV4Error::UnknownKey));
    check_query(&good.replace("a%2Fb%3D", "a+b"), Err(SigV4Error::UnknownKey));
}

#[test]
fn debug_shows_neither_token_nor_signature() {
    let query = format!("{}&X-Amz-Security-Token=hushhush", query());
    let signed = parse(&Request { method: "GET", path: "/", query: &query, headers: &[HOST] }).unwrap().unwrap();
    let shown = format!("{signed:?} {:?}", signed.session_token());
    assert!(shown.contains("AKIDEXAMPLE") && shown.contains("[redacted]"), "{shown}");
    assert!(!shown.contains("hushhush") && !shown.contains(SIGNATURE), "{shown}");
}

/// No error repeats a secret, wherever the request has it.
#[test]
fn errors_never_repeat_secrets() {
    let (good, mut seen) = (authorization(), 0);
    for secret in
        ["hunter2", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "correct horse", "aws4_requesT", "20261341T000000Z"]
    {
        let credential = |part: usize| {
            let mut parts: Vec<&str> = CREDENTIAL.split('/').collect();
            parts[part] = secret;
            good.replace(CREDENTIAL, &parts.join("/"))
        };
        let mut headers: Vec<String> = (0..5).map(credential).collect();
        headers.push(good.replace(CREDENTIAL, secret));
        headers.push(good.replace(SIGNATURE, secret));
        headers.push(good.replace("host", secret));
        headers.push(good.replace("SignedHeaders", secret));
        headers.push(format!("{good}, {secret}"));
        headers.push(format!("{good}, {secret}={secret}"));
        headers.push(format!("AWS4-HMAC-SHA256 {secret}"));
        headers.push(format!("AWS4-{secret} {good}"));
        for header in headers {
            let lines = [HOST, DATE, ("authorization", header.as_bytes())];
            let date = [HOST, ("x-amz-date", secret.as_bytes()), ("authorization", good.as_bytes())];
            for headers in [&lines, &date] {
                if let Err(error) = parse(&Request { method: "POST", path: "/", query: "", headers }) {
                    seen += 1;
                    assert!(!format!("{error}").contains(secret), "{error}");
                }
            }
        }
    }
    assert!(seen > 90, "{seen}");
}
