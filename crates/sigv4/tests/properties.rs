//! Properties of every request: a signed request verifies, a changed one does not, and nothing panics.

#![allow(clippy::unwrap_used, reason = "in a test, a panic is the report")]

use std::time::Duration;

use bailiwick_sigv4::{
    Credentials, PathRule, PayloadHash, Request, Scope, Signing, SigningKey, VerifyOptions, parse, presign, sign,
};
use jiff::Timestamp;
use percent_encoding::percent_decode_str;
use proptest::{collection::vec, prelude::*, sample::select};

const ID: &str = "AKIDMARSHMALLOW00001";
const SECRET: &str = "reeds, and a moon on the water";

#[derive(Clone, Debug)]
struct Sample {
    method: String,
    path: String,
    query: String,
    headers: Vec<(String, Vec<u8>)>,
    body: Vec<u8>,
    token: Option<String>,
    presigned: bool,
    declared: bool,
}

fn samples() -> impl Strategy<Value = Sample> {
    let header = ("x-[a-wyz]{1,8}", vec(prop_oneof![32u8..127, 128u8..=255], 0..20));
    (
        select(vec!["GET", "POST", "PUT", "DELETE"]),
        "(/[a-zA-Z0-9._~%@-]{1,6}){0,3}/?".prop_filter("a path in normal form", |p| normal(p)),
        vec(("[a-zA-Z0-9_.]{1,5}", "[a-zA-Z0-9 /+=ü%-]{0,8}"), 0..4),
        vec(header, 0..4),
        vec(any::<u8>(), 0..80),
        proptest::option::of("[A-Za-z0-9+/=]{1,60}"),
        any::<bool>(),
        any::<bool>(),
    )
        .prop_map(|(method, path, pairs, headers, body, token, presigned, declared)| {
            let encode = |text: &str| {
                percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
            };
            let pairs: Vec<_> = pairs.iter().map(|(n, v)| format!("{}={}", encode(n), encode(v))).collect();
            let path = if path.is_empty() { "/".into() } else { path };
            let query = pairs.join("&");
            Sample { method: method.into(), path, query, headers, body, token, presigned, declared }
        })
}

fn normal(path: &str) -> bool {
    path.is_empty() || path == "/" || path[1..].trim_end_matches('/').split('/').all(|s| !matches!(s, "" | "." | ".."))
}

fn now() -> Timestamp {
    "2026-03-01T12:00:00Z".parse().unwrap()
}

impl Sample {
    /// The request with its signature, as a client would send it.
    fn signed(mut self) -> Self {
        self.headers.push(("Host".into(), b"service.example.com".to_vec()));
        let mut credentials = Credentials::new(ID, SECRET);
        if let Some(token) = &self.token {
            credentials = credentials.with_session_token(token);
        }
        let headers = self.headers.clone();
        let headers: Vec<_> = headers.iter().map(|(n, v)| (n.as_str(), v.as_slice())).collect();
        let request = Request { method: &self.method, path: &self.path, query: &self.query, headers: &headers };
        let mut signing = Signing::new(&credentials, "us-east-1", "pond", now()).path_rule(PathRule::Strict);
        if self.declared {
            signing = signing.declare_payload();
        }
        let hash = PayloadHash::of(&self.body);
        if self.presigned {
            self.query = presign(&request, &signing, Duration::from_secs(60), &hash).unwrap();
        } else {
            let added = sign(&request, &signing, &hash).unwrap();
            self.headers.extend(added.into_iter().map(|(n, v)| (n.to_owned(), v.into_bytes())));
        }
        self
    }

    fn accepted(&self) -> bool {
        let headers: Vec<_> = self.headers.iter().map(|(n, v)| (n.as_str(), v.as_slice())).collect();
        let request = Request { method: &self.method, path: &self.path, query: &self.query, headers: &headers };
        let Ok(Some(signed)) = parse(&request) else { return false };
        let key = SigningKey::derive(SECRET.as_bytes(), signed.scope());
        signed.access_key_id() == ID
            && signed.verify(&key, now(), &VerifyOptions::default(), Some(&PayloadHash::of(&self.body))).is_ok()
    }

    /// What the request means; equal meanings may have equal signatures.
    fn meaning(&self) -> impl PartialEq + use<> {
        let decode = |text: &str| percent_decode_str(&text.replace('+', " ")).collect::<Vec<u8>>();
        let mut pairs: Vec<_> = self
            .query
            .split('&')
            .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
            .map(|(n, v)| (decode(n), decode(v)))
            .collect();
        pairs.sort();
        let blank = |b: &u8| matches!(b, b' ' | b'\t');
        let words = |v: &[u8]| v.split(blank).filter(|w| !w.is_empty()).map(<[u8]>::to_vec).collect::<Vec<_>>();
        let parts = |v: &[u8]| v.split(|b| *b == b',').map(words).filter(|w| !w.is_empty()).collect::<Vec<_>>();
        let mut headers: Vec<_> = self
            .headers
            .iter()
            .map(|(n, v)| {
                // In the credential header, blanks around commas mean nothing.
                let name = n.to_ascii_lowercase();
                if name == "authorization" { (name, parts(v)) } else { (name, vec![words(v)]) }
            })
            .collect();
        headers.sort_by(|a, b| a.0.cmp(&b.0));
        let path = if self.path.is_empty() { "/".to_owned() } else { self.path.clone() };
        (self.method.clone(), path, pairs, headers, self.body.clone())
    }

    /// Changes one byte somewhere, as the numbers say.
    fn mutate(&mut self, place: usize, index: usize, byte: u8) {
        let targets = 4 + self.headers.len() * 2;
        let text = |text: &mut String| {
            let mut bytes = std::mem::take(text).into_bytes();
            change(&mut bytes, index, byte & 127);
            *text = String::from_utf8(bytes).unwrap_or_else(|e| String::from_utf8_lossy(e.as_bytes()).into_owned());
        };
        match place % targets {
            0 => text(&mut self.method),
            1 => text(&mut self.path),
            2 => text(&mut self.query),
            3 => change(&mut self.body, index, byte),
            n if n % 2 == 0 => text(&mut self.headers[(n - 4) / 2].0),
            n => change(&mut self.headers[(n - 4) / 2].1, index, byte),
        }
    }
}

fn change(bytes: &mut Vec<u8>, index: usize, byte: u8) {
    if bytes.is_empty() || index % 7 == 0 {
        bytes.insert(index % (bytes.len() + 1), byte);
    } else if index % 7 == 1 {
        bytes.remove(index % bytes.len());
    } else {
        let at = index % bytes.len();
        bytes[at] = if bytes[at] == byte { byte ^ 1 } else { byte };
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn signed_requests_are_accepted_and_changed_ones_are_not(
        sample in samples(),
        changes in vec((any::<usize>(), any::<usize>(), any::<u8>()), 8),
    ) {
        let signed = sample.signed();
        prop_assert!(signed.accepted());
        for (place, index, byte) in changes {
            let mut changed = signed.clone();
            changed.mutate(place, index, byte);
            if changed.meaning() != signed.meaning() {
                prop_assert!(!changed.accepted(), "{changed:?}");
            }
        }
    }

    #[test]
    fn no_request_panics(
        method in ".*",
        path in ".*",
        query in prop_oneof![".*", "(X-Amz-[A-Za-z0-9-]{1,15}=[ -~]{0,20}&){0,9}"],
        authorization in prop_oneof![".*", "AWS4-HMAC-SHA256 ((Credential|SignedHeaders|Signature)=[ -~]{0,40}, ?){0,4}"],
        date in prop_oneof!["[0-9]{8}T[0-9]{6}Z", ".*"],
        headers in vec((".{0,12}", vec(any::<u8>(), 0..20)), 0..4),
    ) {
        let mut all: Vec<(&str, &[u8])> = vec![
            ("authorization", authorization.as_bytes()),
            ("host", b"h"),
            ("x-amz-date", date.as_bytes()),
        ];
        all.extend(headers.iter().map(|(n, v)| (n.as_str(), v.as_slice())));
        for headers in [&all[..], &all[1..], &all[3..]] {
            let request = Request { method: &method, path: &path, query: &query, headers };
            if let Ok(Some(signed)) = parse(&request) {
                let key = SigningKey::derive(b"", &Scope::new("", "", ""));
                for path in [PathRule::Strict, PathRule::Normalize, PathRule::ObjectKey] {
                    let policy = VerifyOptions { unsigned_payload: true, streaming_payload: true, path, ..VerifyOptions::default() };
                    prop_assert!(signed.verify(&key, now(), &policy, None).is_err());
                }
            }
        }
    }
}
