use super::*;
use crate::{Credentials, Request, Signing, parse, presign, sign};

const SECRET: &str = "a secret of the pond";
const BODY: &[u8] = b"Action=ListUsers";

fn now() -> Timestamp {
    "2026-03-01T12:00:00Z".parse().unwrap()
}

type Headers = Vec<(String, Vec<u8>)>;

fn signed_headers(how: fn(Signing<'_>) -> Signing<'_>) -> Headers {
    let credentials = Credentials::new("AKIDEXAMPLE", SECRET);
    let host: &[(&str, &[u8])] = &[("host", b"iam.example.com")];
    let request = Request { method: "POST", path: "/", query: "", headers: host };
    let signing = how(Signing::new(&credentials, "us-east-1", "iam", now()));
    let added = sign(&request, &signing, &PayloadHash::of(BODY)).unwrap();
    let own = host.iter().map(|(name, value)| ((*name).to_owned(), value.to_vec()));
    own.chain(added.into_iter().map(|(name, value)| (name.to_owned(), value.into_bytes()))).collect()
}

fn verify(
    headers: &Headers,
    query: &str,
    at: Timestamp,
    policy: &VerifyOptions<'_>,
    body: Option<&[u8]>,
) -> Result<(), SigV4Error> {
    let headers: Vec<_> = headers.iter().map(|(name, value)| (name.as_str(), value.as_slice())).collect();
    let method = if query.is_empty() { "POST" } else { "GET" };
    let signed = parse(&Request { method, path: "/", query, headers: &headers })?.unwrap();
    let key = SigningKey::derive(SECRET.as_bytes(), signed.scope());
    signed.verify(&key, at, policy, body.map(PayloadHash::of).as_ref())
}

fn seconds(n: i64) -> Timestamp {
    now() + jiff::SignedDuration::from_secs(n)
}

#[test]
fn header_signatures_are_valid_within_the_skew() {
    let headers = signed_headers(|s| s);
    let check = |offset: i64, expected: Result<(), &str>| {
        let result = verify(&headers, "", seconds(offset), &VerifyOptions::default(), Some(BODY));
        assert_eq!(result.map_err(|e| e.to_string()), expected.map_err(str::to_owned), "{offset}");
    };
    check(0, Ok(()));
    check(300, Ok(()));
    check(-300, Ok(()));
    check(
        301,
        Err("Signature expired: 20260301T120000Z is now earlier than 20260301T120001Z (20260301T120501Z - 5 min.)"),
    );
    check(
        -301,
        Err(
            "Signature not yet current: 20260301T120000Z is still later than 20260301T115959Z (20260301T115459Z + 5 min.)",
        ),
    );
    check(
        86_400 * 365,
        Err("Signature expired: 20260301T120000Z is now earlier than 20270301T115500Z (20270301T120000Z - 5 min.)"),
    );
}

#[test]
fn presigned_requests_expire_after_their_lifetime() {
    let host: Headers = vec![("host".into(), b"sts.example.com".to_vec())];
    let query = |expires: u64| {
        let credentials = Credentials::new("AKIDEXAMPLE", SECRET);
        let request = Request {
            method: "GET",
            path: "/",
            query: "Action=GetCallerIdentity",
            headers: &[("host", b"sts.example.com")],
        };
        let signing = Signing::new(&credentials, "us-east-1", "sts", now());
        presign(&request, &signing, Duration::from_secs(expires), &PayloadHash::of(b"")).unwrap()
    };
    let check = |expires: u64, offset: i64, policy: &VerifyOptions<'_>, ok: bool| {
        let result = verify(&host, &query(expires), seconds(offset), policy, Some(b""));
        assert_eq!(result.is_ok(), ok, "{expires} {offset} {result:?}");
    };
    let plain = VerifyOptions::default();
    check(60, 60, &plain, true);
    check(60, 61, &plain, false);
    check(60, -301, &plain, false);
    check(604_800, 604_800, &plain, true);
    check(604_800, 604_801, &plain, false);
    let sts = VerifyOptions { min_presigned_life: Duration::from_secs(900), ..plain };
    check(60, 900, &sts, true);
    check(60, 901, &sts, false);
    check(3600, 3600, &sts, true);
    let short = VerifyOptions { max_expires: Duration::from_secs(900), ..plain };
    check(900, 0, &short, true);
    check(901, 0, &short, false);
}

/// A request without `X-Amz-Expires`, as some SDKs presign it. It is signed here, since [`presign`] always adds the
/// parameter.
fn without_expires() -> String {
    let query = "Action=GetCallerIdentity&Version=2011-06-15&X-Amz-Algorithm=AWS4-HMAC-SHA256\
                 &X-Amz-Credential=AKIDEXAMPLE%2F20260301%2Fus-east-1%2Fsts%2Faws4_request\
                 &X-Amz-Date=20260301T120000Z&X-Amz-SignedHeaders=host";
    let request = Request { method: "GET", path: "/", query, headers: &[("host", b"sts.example.com")] };
    let (at, scope) = (SignedAt::of(now()), crate::Scope::new("20260301", "us-east-1", "sts"));
    let canonical = Canonical {
        request: &request,
        signed_headers: "host",
        path: PathRule::Strict,
        presigned: true,
        payload: PayloadLine::Hash(&PayloadHash::of(b"")),
    };
    let text = canonical.string_to_sign(&at, &scope).unwrap();
    let signature = SigningKey::derive(SECRET.as_bytes(), &scope).sign(&text);
    format!("{query}&X-Amz-Signature={signature}")
}

#[test]
fn the_options_decide_the_lifetime_without_expires() {
    let host: Headers = vec![("host".into(), b"sts.example.com".to_vec())];
    let query = without_expires();
    let check = |offset: i64, absent_expires: Option<u64>, expected: Option<&str>| {
        let policy =
            VerifyOptions { absent_expires: absent_expires.map(Duration::from_secs), ..VerifyOptions::default() };
        let result = verify(&host, &query, seconds(offset), &policy, Some(b""));
        match (result.map_err(|error| error.to_string()), expected) {
            (Ok(()), None) => {}
            (Err(error), Some(words)) if error.contains(words) => {}
            (other, _) => panic!("{offset} {absent_expires:?} {other:?}"),
        }
    };
    check(0, None, Some("X-Amz-Expires"));
    check(0, Some(900), None);
    check(900, Some(900), None);
    check(901, Some(900), Some("Signature expired"));
    check(-301, Some(900), Some("Signature not yet current"));
}

#[test]
fn the_options_decide_which_payloads_are_accepted() {
    let plain = VerifyOptions::default();
    let open = VerifyOptions { unsigned_payload: true, ..plain };
    let grpc = VerifyOptions { unsigned_payload: true, absent_payload: AbsentPayload::Unsigned, ..plain };
    let check =
        |headers: &Headers, policy: &VerifyOptions<'_>, body: Option<&[u8]>, expected: Result<(), SigV4Error>| {
            assert_eq!(verify(headers, "", now(), policy, body), expected);
        };
    let absent = signed_headers(|s| s);
    check(&absent, &plain, Some(BODY), Ok(()));
    check(&absent, &plain, Some(b"other"), Err(SigV4Error::Mismatch));
    check(&absent, &plain, None, Err(SigV4Error::UnsignedPayload));
    // The signature covers the body, and the options treat it as unsigned.
    check(&absent, &grpc, Some(BODY), Err(SigV4Error::Mismatch));
    let strange = VerifyOptions { absent_payload: AbsentPayload::Unsigned, ..plain };
    check(&absent, &strange, Some(BODY), Err(SigV4Error::UnsignedPayload));
    let declared = signed_headers(|s| s.declare_payload());
    check(&declared, &plain, Some(BODY), Ok(()));
    check(&declared, &open, Some(b"other"), Err(SigV4Error::PayloadMismatch));
    check(&declared, &open, None, Err(SigV4Error::UnsignedPayload));
    let unsigned = signed_headers(|s| s.unsigned_payload());
    check(&unsigned, &plain, Some(BODY), Err(SigV4Error::UnsignedPayload));
    check(&unsigned, &open, Some(b"anything"), Ok(()));
    check(&unsigned, &grpc, None, Ok(()));
    for (value, expected) in [
        ("", SigV4Error::MalformedPayloadHash),
        ("unsigned-payload", SigV4Error::MalformedPayloadHash),
        ("STREAMING-AWS4-HMAC-SHA256-PAYLOAD", SigV4Error::UnsignedPayload),
        ("E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855", SigV4Error::MalformedPayloadHash),
    ] {
        let mut headers = declared.clone();
        headers.iter_mut().find(|(name, _)| name == "x-amz-content-sha256").unwrap().1 = value.into();
        check(&headers, &open, Some(BODY), Err(expected));
    }
}

#[test]
fn a_service_can_require_further_signed_headers() {
    let policy = VerifyOptions { must_sign: &["x-bailiwick-account"], ..VerifyOptions::default() };
    let mut headers = signed_headers(|s| s);
    assert_eq!(verify(&headers, "", now(), &policy, Some(BODY)), Ok(()));
    headers.push(("X-Bailiwick-Account".into(), b"111122223333".to_vec()));
    assert_eq!(verify(&headers, "", now(), &VerifyOptions::default(), Some(BODY)), Ok(()));
    let error = verify(&headers, "", now(), &policy, Some(BODY));
    assert_eq!(error, Err(SigV4Error::HeaderNotSigned("x-bailiwick-account".into())));
}

#[test]
fn extreme_times_do_not_overflow() {
    let headers = signed_headers(|s| s);
    for at in [Timestamp::MIN, Timestamp::MAX] {
        assert!(verify(&headers, "", at, &VerifyOptions::default(), Some(BODY)).is_err());
    }
    let endless = VerifyOptions { max_skew: Duration::MAX, ..VerifyOptions::default() };
    let _ = verify(&headers, "", now(), &endless, Some(BODY));
}

#[test]
fn keys_are_of_one_day_region_and_service() {
    let headers = signed_headers(|s| s);
    let borrowed: Vec<_> = headers.iter().map(|(name, value)| (name.as_str(), value.as_slice())).collect();
    let signed = parse(&Request { method: "POST", path: "/", query: "", headers: &borrowed }).unwrap().unwrap();
    for (date, region, service, ok) in [
        ("20260301", "us-east-1", "iam", true),
        ("20260302", "us-east-1", "iam", false),
        ("20260301", "us-east-2", "iam", false),
        ("20260301", "us-east-1", "sts", false),
    ] {
        let key = SigningKey::derive(SECRET.as_bytes(), &crate::Scope::new(date, region, service));
        let result = signed.verify(&key, now(), &VerifyOptions::default(), Some(&PayloadHash::of(BODY)));
        assert_eq!(result, if ok { Ok(()) } else { Err(SigV4Error::Mismatch) });
    }
}
