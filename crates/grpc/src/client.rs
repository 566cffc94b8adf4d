//! A client of a running server, for Bailiwick's own commands: calls signed with SigV4.

mod trust;

use std::time::Duration;

use bailiwick_api::Operation;
use bailiwick_sigv4::{self as sigv4, Credentials, PayloadHash, Signing};
use bytes::Bytes;
use http::uri::PathAndQuery;
use jiff::Timestamp;
use prost::Message as _;
use tonic::metadata::{MetadataKey, MetadataValue};
use tonic::transport::{Channel, ClientTlsConfig, Endpoint};
use tonic::{Code, Request};
use tonic_types::StatusExt as _;

use crate::codec::Raw;

/// The service that signatures over gRPC are for.
const SERVICE: &str = "bailiwick";
/// The time limit for a connection.
const CONNECT: Duration = Duration::from_secs(10);
/// The time limit for a call.
const CALL: Duration = Duration::from_secs(120);
/// The largest answer in bytes: a page of an account's policies.
const MAX_ANSWER: usize = 64 * 1024 * 1024;

/// A connection to a server.
pub struct Server {
    endpoint: String,
    channel: Channel,
    authority: String,
}

/// A connection to a server, with the caller's proof.
pub struct Client<'a> {
    server: &'a Server,
    proof: Proof<'a>,
}

/// How the caller of a call is proved.
enum Proof<'a> {
    /// Not at all: the request has its own proof.
    None,
    /// By a bearer token.
    Bearer(&'a str),
    /// By a signature for a region.
    Signature(Credentials<'a>, &'a str),
}

/// Why a call failed.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The address is malformed.
    #[error("`{0}` is not the address of a server: expected http://host:port or https://host:port")]
    Endpoint(String),
    /// The server did not answer.
    #[error("no answer from {endpoint}: {why}")]
    Connection {
        /// The server's address.
        endpoint: String,
        /// The reason.
        why: String,
    },
    /// The server's certificate is not trusted.
    #[error("the certificate of {endpoint} is not trusted: {why}")]
    Certificate {
        /// The server's address.
        endpoint: String,
        /// The reason.
        why: String,
    },
    /// The trusted certificates cannot be parsed.
    #[error("{0}")]
    Trusted(String),
    /// The server refused the call.
    #[error("{code}: {message}")]
    Refused {
        /// AWS's code.
        code: String,
        /// The server's message.
        message: String,
    },
}

impl ClientError {
    /// Whether another attempt may succeed: the server did not answer, or could not handle the call at that moment.
    #[must_use]
    pub fn is_temporary(&self) -> bool {
        match self {
            ClientError::Connection { .. } => true,
            ClientError::Refused { code, .. } => TEMPORARY.contains(&code.as_str()),
            ClientError::Endpoint(_) | ClientError::Certificate { .. } | ClientError::Trusted(_) => false,
        }
    }
}

/// Codes of errors that end without a change of the request.
const TEMPORARY: [&str; 4] = ["ServiceUnavailable", "ServiceFailure", "InternalFailure", "Throttling"];

impl Server {
    /// Connects. `ca` has trusted certificates in PEM form: issuers, or the server's own. The default are those that
    /// browsers trust.
    ///
    /// # Errors
    /// When the address is malformed, the server does not answer within ten seconds, or its certificate is not trusted.
    pub async fn connect(endpoint: &str, ca: Option<&[u8]>) -> Result<Self, ClientError> {
        let malformed = || ClientError::Endpoint(endpoint.to_owned());
        let builder = Endpoint::from_shared(endpoint.to_owned()).map_err(|_| malformed())?;
        let mut builder = builder.connect_timeout(CONNECT).timeout(CALL);
        let authority = builder.uri().authority().ok_or_else(malformed)?.to_string();
        if builder.uri().scheme_str() == Some("https") {
            let verifier = trust::verifier(ca)?;
            let configured = builder.tls_config_with_verifier(ClientTlsConfig::new(), verifier);
            builder = configured.map_err(|e| unreachable(endpoint, &e))?;
        }
        let channel = builder.connect().await.map_err(|e| unreachable(endpoint, &e))?;
        Ok(Server { endpoint: endpoint.to_owned(), channel, authority })
    }

    /// Returns the same connection with calls signed by these credentials for a region.
    #[must_use]
    pub fn client<'a>(&'a self, credentials: Credentials<'a>, region: &'a str) -> Client<'a> {
        Client { server: self, proof: Proof::Signature(credentials, region) }
    }

    /// Returns the same connection with calls that have a bearer token.
    #[must_use]
    pub fn bearer<'a>(&'a self, token: &'a str) -> Client<'a> {
        Client { server: self, proof: Proof::Bearer(token) }
    }

    /// Returns the same connection for operations whose requests prove the caller, such as a sign-in.
    #[must_use]
    pub fn anonymous(&self) -> Client<'_> {
        Client { server: self, proof: Proof::None }
    }
}

impl Client<'_> {
    /// Makes one call.
    ///
    /// # Errors
    /// When the server does not answer, or refuses the call.
    pub async fn call<O: Operation>(&self, request: &O::Request, now: Timestamp) -> Result<O::Response, ClientError> {
        let endpoint = &self.server.endpoint;
        let broken = |why: String| ClientError::Connection { endpoint: endpoint.clone(), why };
        let message = Bytes::from(request.encode_to_vec());
        let added = match &self.proof {
            Proof::None => Vec::new(),
            Proof::Bearer(token) => vec![("authorization", format!("Bearer {token}"))],
            Proof::Signature(credentials, region) => {
                let host: &[(&str, &[u8])] = &[("host", self.server.authority.as_bytes())];
                let unsigned = sigv4::Request { method: "POST", path: O::PATH, query: "", headers: host };
                let signing = Signing::new(credentials, region, SERVICE, now).declare_payload();
                let added = sigv4::sign(&unsigned, &signing, &PayloadHash::of(&message));
                added.map_err(|e| broken(e.to_string()))?
            }
        };
        let mut request = Request::new(message);
        for (name, value) in &added {
            let pair = MetadataKey::from_bytes(name.as_bytes()).ok().zip(MetadataValue::try_from(value.as_str()).ok());
            let (name, value) =
                pair.ok_or_else(|| broken("the proof of the caller cannot be sent as metadata".into()))?;
            request.metadata_mut().insert(name, value);
        }
        let mut client = tonic::client::Grpc::new(self.server.channel.clone()).max_decoding_message_size(MAX_ANSWER);
        client.ready().await.map_err(|e| unreachable(endpoint, &e))?;
        let answer = client.unary(request, PathAndQuery::from_static(O::PATH), Raw).await;
        let answer = answer.map_err(|status| match status.get_details_error_info() {
            Some(info) => ClientError::Refused { code: info.reason, message: status.message().to_owned() },
            // A status without details is not from the server.
            None if matches!(status.code(), Code::Unavailable | Code::Unknown | Code::Internal) => {
                unreachable(endpoint, &status)
            }
            None => ClientError::Refused { code: status.code().to_string(), message: status.message().to_owned() },
        })?;
        O::Response::decode(answer.into_inner())
            .map_err(|_| broken("the answer is of another version of Bailiwick".into()))
    }
}

/// Converts a failed connection, and recognizes an untrusted certificate.
fn unreachable(endpoint: &str, error: &(dyn std::error::Error + 'static)) -> ClientError {
    let endpoint = endpoint.to_owned();
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(why) = trust::distrust(error) {
            return ClientError::Certificate { endpoint, why };
        }
        cause = error.source();
    }
    let mut why = root_cause(error);
    if let Some((_, hint)) = HINTS.iter().find(|(text, _)| why.contains(text)) {
        why = format!("{why}: {hint}");
    }
    ClientError::Connection { endpoint, why }
}

/// Usual causes of errors of lower layers.
const HINTS: [(&str, &str); 7] = [
    ("Connection refused", "is the server running?"),
    ("InvalidContentType", "the server does not use TLS, so write http:// instead of https://"),
    ("frame with invalid size", "the server does not speak gRPC; if it uses TLS, write https:// instead of http://"),
    ("invalid compression flag", "it does not speak gRPC there; is it the port of the metrics?"),
    ("broken pipe", "if the server uses TLS, write https:// instead of http://"),
    ("Connection reset", "if the server uses TLS, write https:// instead of http://"),
    ("failed to lookup address", "no host has that name"),
];

fn root_cause(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}
