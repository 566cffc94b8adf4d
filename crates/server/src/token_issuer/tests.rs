//! Rotation as verifiers see it: through the service, maintenance and the published documents, with a clock that the test moves.

use bailiwick_api::{iam, op, sts};
use bailiwick_federation::{Expected, Jwt, JwtError, KeySet};
use bailiwick_operation::Clock as _;
use bailiwick_testing::{Client, Pipeline};
use jiff::{SignedDuration, Timestamp};

use super::*;
use crate::maintenance::rotate_token_keys;

const AUDIENCE: &str = "https://api.example.com";
/// How often maintenance runs, and how long verifiers keep a copy of the keys.
const STEP: i64 = 15 * 60;
const HOUR: i64 = 3_600;
const MONTH: i64 = 30 * 24 * HOUR;

/// A verifier outside that knows the issuer only.
struct Verifier<'p> {
    pipeline: &'p Pipeline,
    issuer: String,
}

impl Verifier<'_> {
    async fn get(&self, file: &str) -> Vec<u8> {
        use http_body_util::BodyExt as _;

        let path = self.issuer.strip_prefix("https://iam.example.com").unwrap();
        let answer = answer(&self.pipeline.service, &format!("{path}{file}")).await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
        answer.into_body().collect().await.unwrap().to_bytes().to_vec()
    }

    /// The published keys, and the ids of those of an algorithm.
    async fn keys(&self, algorithm: &str) -> (KeySet, Vec<String>) {
        let text = self.get(KEYS).await;
        let document: serde_json::Value = serde_json::from_slice(&text).unwrap();
        let keys = document["keys"].as_array().unwrap().iter().filter(|key| key["alg"] == algorithm);
        let ids = keys.map(|key| key["kid"].as_str().unwrap().to_owned()).collect();
        (KeySet::parse(&text).unwrap(), ids)
    }

    fn verify(&self, token: &str, keys: &KeySet) -> Result<(), JwtError> {
        let expected = Expected { issuer: &self.issuer, audiences: &[AUDIENCE.to_owned()] };
        Jwt::parse(token)?.verify(keys, expected, self.pipeline.clock.now()).map(drop)
    }
}

async fn token(pipeline: &Pipeline, by: &Client, algorithm: &str) -> (String, Timestamp) {
    let req = sts::GetWebIdentityTokenRequest {
        audience: vec![AUDIENCE.into()],
        signing_algorithm: Some(algorithm.into()),
        duration_seconds: Some(3_600),
        ..Default::default()
    };
    let issued = pipeline.call::<op::GetWebIdentityToken>(by, req).await.unwrap();
    (issued.web_identity_token.unwrap(), pipeline.clock.now() + SignedDuration::from_secs(HOUR))
}

#[tokio::test]
async fn every_token_verifies_until_it_expires_while_keys_are_replaced() {
    for algorithm in ["ES384", "RS256"] {
        let pipeline = Pipeline::new().await;
        let user = pipeline.user(&pipeline.root, "Heron").await;
        let enable = iam::EnableOutboundWebIdentityFederationRequest::default();
        let enabled = pipeline.call::<op::EnableOutboundWebIdentityFederation>(&user, enable).await.unwrap();
        let verifier = Verifier { pipeline: &pipeline, issuer: enabled.issuer_identifier.unwrap() };
        let first =
            Jwt::parse(&token(&pipeline, &user, algorithm).await.0).unwrap().unverified_key_id().unwrap().to_owned();
        // From an hour before the month is over until well after the first key is gone.
        pipeline.clock.advance(MONTH - HOUR);
        let mut tokens: Vec<(String, Timestamp)> = Vec::new();
        let (mut copy, _) = verifier.keys(algorithm).await;
        let mut seen: Vec<(String, usize)> = Vec::new();
        for _ in 0..(6 * HOUR / STEP) {
            rotate_token_keys(&pipeline.service).await.unwrap();
            tokens.push(token(&pipeline, &user, algorithm).await);
            let (keys, ids) = verifier.keys(algorithm).await;
            let now = pipeline.clock.now();
            for (token, expires) in tokens.iter().filter(|(_, expires)| *expires > now) {
                assert_eq!(verifier.verify(token, &keys), Ok(()), "at {now}, until {expires}");
                assert_eq!(verifier.verify(token, &copy), Ok(()), "keys of {STEP} s ago, at {now}");
            }
            let newest = Jwt::parse(&tokens.last().unwrap().0).unwrap();
            seen.push((newest.unverified_key_id().unwrap().to_owned(), ids.len()));
            copy = keys;
            pipeline.clock.advance(STEP);
        }
        seen.dedup();
        let second = seen.last().unwrap().0.clone();
        assert_ne!(first, second);
        // One key; two, of which the old one signs; two, of which the new one signs; the new one.
        let expected = [(&first, 1), (&first, 2), (&second, 2), (&second, 1)];
        assert_eq!(seen.iter().map(|(id, count)| (id, *count)).collect::<Vec<_>>(), expected, "{algorithm}");
        // With the keys of now, nothing that the first key signed is accepted.
        let (keys, ids) = verifier.keys(algorithm).await;
        assert_eq!(ids, [second]);
        assert_eq!(verifier.verify(&tokens[0].0, &keys), Err(JwtError::NoKey));
    }
}
