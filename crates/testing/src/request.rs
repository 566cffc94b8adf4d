//! Signed requests.

use std::time::Duration;

use bailiwick_api::authz;
use bailiwick_operation::Clock as _;
use bailiwick_sigv4::{self as sigv4, Credentials, PayloadHash, Signing};

use crate::{Key, World};

/// The region of signatures, unless a test names another.
const REGION: &str = "us-east-1";

/// An HTTP request that a test signs, and may change after that.
#[derive(Clone, Debug)]
pub struct TestRequest {
    /// The method.
    pub method: String,
    /// The path, as sent.
    pub path: String,
    /// The query, as sent, without `?`.
    pub query: String,
    /// The headers, in order. `Host` is `pond.example`.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
    /// The service that the signature is for.
    pub service: &'static str,
    /// Whether the verifier accepts a signature without the body.
    pub unsigned_payload: bool,
}

impl TestRequest {
    /// A request without a signature.
    pub fn new(service: &'static str, method: &str, path: &str, query: &str, body: &[u8]) -> Self {
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

    /// The headers as a verifier takes them.
    pub fn header_lines(&self) -> Vec<(&str, &[u8])> {
        self.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect()
    }

    /// A call of IAM, signed by a key.
    #[must_use]
    pub fn signed(world: &World, key: &Key) -> Self {
        TestRequest::new("iam", "POST", "/", "", b"Action=ListUsers&Version=2010-05-08").sign(world, key, REGION)
    }

    /// The request with its signature in headers.
    #[must_use]
    pub fn sign(self, world: &World, key: &Key, region: &'static str) -> Self {
        let (service, now) = (self.service, world.clock.now());
        self.sign_as(key, |credentials| Signing::new(credentials, region, service, now))
    }

    /// The request with a signature in headers that has these parameters.
    #[must_use]
    pub fn sign_as(mut self, key: &Key, signing: impl for<'a> FnOnce(&'a Credentials<'a>) -> Signing<'a>) -> Self {
        let credentials = key.credentials();
        let headers = self.header_lines();
        let request = sigv4::Request { method: &self.method, path: &self.path, query: &self.query, headers: &headers };
        let added = sigv4::sign(&request, &signing(&credentials), &PayloadHash::of(&self.body)).unwrap();
        let added: Vec<_> = added.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
        self.headers.extend(added);
        self
    }

    /// The request with its signature in the query, valid for so many seconds.
    #[must_use]
    pub fn presign(mut self, world: &World, key: &Key, seconds: u64) -> Self {
        let credentials = key.credentials();
        let headers = self.header_lines();
        let request = sigv4::Request { method: &self.method, path: &self.path, query: &self.query, headers: &headers };
        let signing = Signing::new(&credentials, REGION, self.service, world.clock.now());
        let life = Duration::from_secs(seconds);
        self.query = sigv4::presign(&request, &signing, life, &PayloadHash::of(&self.body)).unwrap();
        self
    }

    /// The request as the service that received it passes it on to `Authenticate`, with its body.
    pub fn to_proto(&self) -> authz::SignedRequest {
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
