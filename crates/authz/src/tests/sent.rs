//! Signed requests.

use std::time::Duration;

use bailiwick_api::authz;
use bailiwick_sigv4::{self as sigv4, Credentials, PayloadHash, Signing};

use super::env::TestEnv;
use super::identities::Key;

/// A request on its way: signed, and perhaps changed after that.
#[derive(Clone)]
pub(crate) struct TestRequest {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    pub(crate) service: &'static str,
    pub(crate) unsigned_payload: bool,
}

impl TestRequest {
    pub(crate) fn new(service: &'static str, method: &str, path: &str, query: &str, body: &[u8]) -> TestRequest {
        TestRequest {
            method: method.into(),
            path: path.into(),
            query: query.into(),
            headers: vec![("Host".into(), "pond.example".into())],
            body: body.into(),
            service,
            unsigned_payload: false,
        }
    }

    /// A call of IAM, signed by a key.
    pub(crate) fn signed(env: &TestEnv, key: &Key) -> TestRequest {
        TestRequest::new("iam", "POST", "/", "", b"Action=ListUsers&Version=2010-05-08").sign(env, key, "us-east-1")
    }

    pub(crate) fn sign(self, env: &TestEnv, key: &Key, region: &'static str) -> TestRequest {
        let service = self.service;
        let now = env.now();
        self.sign_as(key, |credentials| Signing::new(credentials, region, service, now))
    }

    pub(crate) fn sign_as(
        mut self,
        key: &Key,
        signing: impl for<'a> FnOnce(&'a Credentials<'a>) -> Signing<'a>,
    ) -> TestRequest {
        let mut credentials = Credentials::new(key.id.as_str(), &key.secret);
        if let Some(token) = &key.token {
            credentials = credentials.with_session_token(token);
        }
        let headers: Vec<_> = self.headers.iter().map(|(n, v)| (n.as_str(), v.as_bytes())).collect();
        let request = sigv4::Request { method: &self.method, path: &self.path, query: &self.query, headers: &headers };
        let added = sigv4::sign(&request, &signing(&credentials), &PayloadHash::of(&self.body)).unwrap();
        let added: Vec<_> = added.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
        self.headers.extend(added);
        self
    }

    pub(crate) fn presign(mut self, env: &TestEnv, key: &Key, seconds: u64) -> TestRequest {
        let mut credentials = Credentials::new(key.id.as_str(), &key.secret);
        if let Some(token) = &key.token {
            credentials = credentials.with_session_token(token);
        }
        let headers: Vec<_> = self.headers.iter().map(|(n, v)| (n.as_str(), v.as_bytes())).collect();
        let request = sigv4::Request { method: &self.method, path: &self.path, query: &self.query, headers: &headers };
        let signing = Signing::new(&credentials, "us-east-1", self.service, env.now());
        let life = Duration::from_secs(seconds);
        self.query = sigv4::presign(&request, &signing, life, &PayloadHash::of(&self.body)).unwrap();
        self
    }

    /// The request as the service that received it hands it over.
    pub(crate) fn to_proto(&self) -> authz::SignedRequest {
        let target = if self.query.is_empty() { self.path.clone() } else { format!("{}?{}", self.path, self.query) };
        let headers =
            self.headers.iter().map(|(name, value)| authz::Header { name: name.clone(), value: value.clone() });
        authz::SignedRequest {
            http_request: Some(authz::HttpRequest {
                method: self.method.clone(),
                target,
                headers: headers.collect(),
                payload: Some(authz::http_request::Payload::Body(self.body.clone().into())),
            }),
            service: self.service.into(),
            host: None,
            region: None,
        }
    }
}
