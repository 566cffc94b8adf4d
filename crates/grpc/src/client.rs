//! A client of a running server, for Bailiwick's own commands: one call, signed with SigV4.

use bailiwick_api::Operation;
use bailiwick_sigv4::{self as sigv4, Credentials, PayloadHash, Signing};
use bytes::Bytes;
use http::uri::PathAndQuery;
use jiff::Timestamp;
use prost::Message as _;
use tonic::metadata::{MetadataKey, MetadataValue};
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint};
use tonic::{Code, Request};
use tonic_types::StatusExt as _;

use crate::codec::Raw;

/// The service that signatures over gRPC are for.
const SERVICE: &str = "bailiwick";

/// A connection to a server, and who calls over it.
pub struct Client<'a> {
    channel: Channel,
    authority: String,
    credentials: Credentials<'a>,
    region: String,
}

/// Why a call did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The address is not one of a server.
    #[error("`{0}` is no address of a server: expected http://host:port or https://host:port")]
    Endpoint(String),
    /// There was no answer.
    #[error("no answer from the server: {0}")]
    Connection(String),
    /// The server refused.
    #[error("{code}: {message}")]
    Refused {
        /// AWS's code.
        code: String,
        /// The server's message.
        message: String,
    },
}

impl<'a> Client<'a> {
    /// Connects. `ca` is a certificate in PEM form that the server's must lead to, beside the public ones.
    ///
    /// # Errors
    /// When the address is malformed or nobody answers there.
    pub async fn connect(
        endpoint: &str,
        ca: Option<&[u8]>,
        credentials: Credentials<'a>,
        region: &str,
    ) -> Result<Self, ClientError> {
        let malformed = || ClientError::Endpoint(endpoint.to_owned());
        let mut builder = Endpoint::from_shared(endpoint.to_owned()).map_err(|_| malformed())?;
        let authority = builder.uri().authority().ok_or_else(malformed)?.to_string();
        if builder.uri().scheme_str() == Some("https") {
            let mut tls = ClientTlsConfig::new().with_webpki_roots();
            if let Some(pem) = ca {
                tls = tls.ca_certificate(Certificate::from_pem(pem));
            }
            builder = builder.tls_config(tls).map_err(|e| ClientError::Connection(root_cause(&e)))?;
        }
        let channel = builder.connect().await.map_err(|e| ClientError::Connection(root_cause(&e)))?;
        Ok(Client { channel, authority, credentials, region: region.to_owned() })
    }

    /// Makes one call.
    ///
    /// # Errors
    /// When there is no answer, or a refusal.
    pub async fn call<O: Operation>(&self, request: &O::Request, now: Timestamp) -> Result<O::Response, ClientError> {
        let message = Bytes::from(request.encode_to_vec());
        let host: &[(&str, &[u8])] = &[("host", self.authority.as_bytes())];
        let unsigned = sigv4::Request { method: "POST", path: O::PATH, query: "", headers: host };
        let signing = Signing::new(&self.credentials, &self.region, SERVICE, now).declare_payload();
        let hash = PayloadHash::of(&message);
        let added = sigv4::sign(&unsigned, &signing, &hash).map_err(|e| ClientError::Connection(e.to_string()))?;
        let mut request = Request::new(message);
        for (name, value) in &added {
            let pair = MetadataKey::from_bytes(name.as_bytes()).ok().zip(MetadataValue::try_from(value.as_str()).ok());
            let (name, value) = pair.ok_or_else(|| ClientError::Connection("the signature is no metadata".into()))?;
            request.metadata_mut().insert(name, value);
        }
        let mut client = tonic::client::Grpc::new(self.channel.clone());
        client.ready().await.map_err(|e| ClientError::Connection(root_cause(&e)))?;
        let answer = client.unary(request, PathAndQuery::from_static(O::PATH), Raw).await;
        let answer = answer.map_err(|status| match status.get_details_error_info() {
            Some(info) => ClientError::Refused { code: info.reason, message: status.message().to_owned() },
            None if status.code() == Code::Unavailable => ClientError::Connection(status.message().to_owned()),
            None => ClientError::Refused { code: status.code().to_string(), message: status.message().to_owned() },
        })?;
        O::Response::decode(answer.into_inner())
            .map_err(|_| ClientError::Connection("the answer is of another version of Bailiwick".into()))
    }
}

fn root_cause(error: &dyn std::error::Error) -> String {
    let mut cause = error;
    while let Some(deeper) = cause.source() {
        cause = deeper;
    }
    cause.to_string()
}
