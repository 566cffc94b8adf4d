//! Requests that botocore signed, which is what most of AWS's clients sign with.

#![allow(clippy::unwrap_used, reason = "in a test, a panic is the report")]

use std::time::Duration;

use bailiwick_sigv4::{
    AbsentPayload, Mechanism, PathRule, PayloadHash, Request, SigV4Error, SigningKey, VerifyOptions, parse,
};
use jiff::Timestamp;
use serde_json::Value;

struct Vector {
    value: Value,
}

impl Vector {
    fn all() -> Vec<Self> {
        let lines = include_str!("vectors/botocore.jsonl").lines();
        lines.map(|line| Self { value: serde_json::from_str(line).unwrap() }).collect()
    }

    fn str(&self, name: &str) -> &str {
        self.value[name].as_str().unwrap()
    }

    fn headers(&self) -> Vec<(&str, &[u8])> {
        let pairs = self.value["headers"].as_array().unwrap();
        pairs.iter().map(|pair| (pair[0].as_str().unwrap(), pair[1].as_str().unwrap().as_bytes())).collect()
    }

    fn policy(&self) -> VerifyOptions<'static> {
        let path = match self.str("path_rule") {
            "normalize" => PathRule::Normalize,
            "object-key" => PathRule::ObjectKey,
            other => panic!("{other}"),
        };
        // S3 leaves the body of what is presigned unsigned, and says so nowhere.
        let s3 = self.str("service") == "s3" && self.value["presigned"] == true;
        let absent_payload = if s3 { AbsentPayload::Unsigned } else { AbsentPayload::Hash };
        VerifyOptions { path, unsigned_payload: s3, absent_payload, ..VerifyOptions::default() }
    }

    fn verify(&self, secret: &str, body: &[u8], now: Timestamp) -> Result<(), SigV4Error> {
        let headers = self.headers();
        let request =
            Request { method: self.str("method"), path: self.str("path"), query: self.str("query"), headers: &headers };
        let signed = parse(&request)?.expect("signed");
        assert_eq!(signed.access_key_id(), self.str("access_key_id"));
        assert_eq!(signed.session_token().map(|token| token.expose()), self.value["session_token"].as_str());
        assert_eq!(signed.scope().region(), self.str("region"));
        assert_eq!(matches!(signed.mechanism(), Mechanism::Presigned { .. }), self.value["presigned"] == true);
        signed.expect_service(&[self.str("service")])?;
        let key = SigningKey::derive(secret.as_bytes(), signed.scope());
        signed.verify(&key, now, &self.policy(), Some(&PayloadHash::of(body)))
    }
}

#[test]
fn requests_of_botocore_verify_only_with_their_key_body_and_time() {
    let vectors = Vector::all();
    assert!(vectors.len() > 100);
    for vector in vectors {
        let name = vector.str("name");
        let (secret, body) = (vector.str("secret_access_key"), vector.str("body").as_bytes());
        let now: Timestamp = vector.str("now").parse().unwrap();
        assert_eq!(vector.verify(secret, body, now), Ok(()), "{name}");
        assert_eq!(vector.verify("another secret", body, now), Err(SigV4Error::Mismatch), "{name}");
        if vector.policy().absent_payload == AbsentPayload::Hash {
            assert!(vector.verify(secret, b"another body", now).is_err(), "{name}");
        }
        let later = now + Duration::from_secs(2 * 60 * 60);
        assert!(matches!(vector.verify(secret, body, later), Err(SigV4Error::Expired { .. })), "{name}");
        let earlier = now - Duration::from_secs(5 * 60 + 1);
        assert!(matches!(vector.verify(secret, body, earlier), Err(SigV4Error::NotYetCurrent { .. })), "{name}");
    }
}
