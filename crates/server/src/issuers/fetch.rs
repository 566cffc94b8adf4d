//! Fetches the keys of one issuer.

use std::net::SocketAddr;
use std::time::Duration;

use async_trait::async_trait;
use bailiwick_federation::{KeySet, MAX_JWKS_BYTES};
use bailiwick_operation::IssuerKeysError;
use bytes::Bytes;
use http::{Request, StatusCode, header};
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use tokio::net::{TcpStream, lookup_host};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::settings::{IssuerKeyFile, IssuerSettings};
use super::{address, discovery, thumbprint};
use crate::failure::Failure;

/// The time for everything: name, connection, discovery document, keys.
const TIME: Duration = Duration::from_secs(5);
/// The maximum size of a response head in bytes.
const MAX_HEAD: usize = 32 * 1024;

/// A source of key sets, which the cache asks.
#[async_trait]
pub(super) trait Fetch: Send + Sync + 'static {
    /// Gets the keys of an issuer now.
    async fn keys(&self, issuer: &str, thumbprints: &[String]) -> Result<KeySet, IssuerKeysError>;
}

/// Fetches over HTTPS, or reads the files that the operator names.
pub(super) struct Fetcher {
    settings: IssuerSettings,
    tls: TlsConnector,
}

/// An issuer whose addresses were decided on.
struct Target<'a> {
    host: &'a str,
    addresses: Vec<SocketAddr>,
    thumbprints: &'a [String],
}

fn unreachable(why: impl std::fmt::Display) -> IssuerKeysError {
    IssuerKeysError::Unreachable(why.to_string())
}

fn unacceptable(why: impl std::fmt::Display) -> IssuerKeysError {
    IssuerKeysError::Unacceptable(why.to_string())
}

#[async_trait]
impl Fetch for Fetcher {
    async fn keys(&self, issuer: &str, thumbprints: &[String]) -> Result<KeySet, IssuerKeysError> {
        if let Some(given) = self.settings.key_files.iter().find(|given| given.issuer == issuer) {
            let given = given.clone();
            return tokio::task::spawn_blocking(move || read_file(&given)).await.map_err(unreachable)?;
        }
        let fetched = tokio::time::timeout(TIME, self.fetch(issuer, thumbprints)).await;
        fetched.map_err(|_| unreachable(format!("no keys within {} seconds", TIME.as_secs())))?
    }
}

impl Fetcher {
    /// Prepares the fetches, and reads the files once to find mistakes at the start.
    pub(super) fn new(settings: IssuerSettings) -> Result<Self, Failure> {
        for given in &settings.key_files {
            if let Err(IssuerKeysError::Unreachable(why) | IssuerKeysError::Unacceptable(why)) = read_file(given) {
                return Err(Failure::new(format!("cannot use the keys of {}: {why}", given.issuer)));
            }
        }
        let config = crate::tls::client(settings.ca_file.as_deref(), &[b"http/1.1"])?;
        Ok(Fetcher { settings, tls: TlsConnector::from(config) })
    }

    async fn fetch(&self, issuer: &str, thumbprints: &[String]) -> Result<KeySet, IssuerKeysError> {
        let host = issuer.split('/').next().unwrap_or_default();
        let target = Target { host, addresses: self.addresses(host).await?, thumbprints };
        let document = self.get(&target, &discovery::path_of(issuer)).await?;
        let path = discovery::read(&document, issuer).map_err(unacceptable)?;
        let keys = self.get(&target, &path).await?;
        KeySet::parse(&keys).map_err(unacceptable)
    }

    /// Resolves the name of a host, and leaves out every address that may not be connected to.
    async fn addresses(&self, host: &str) -> Result<Vec<SocketAddr>, IssuerKeysError> {
        let allowed = self.settings.addresses.iter().find(|allowed| allowed.host.eq_ignore_ascii_case(host));
        if let Some(address) = allowed.and_then(|allowed| allowed.address) {
            return Ok(vec![address]);
        }
        let found =
            lookup_host((host, 443)).await.map_err(|error| unreachable(format!("{host} was not found: {error}")))?;
        let found: Vec<SocketAddr> = found.filter(|one| allowed.is_some() || address::is_public(one.ip())).collect();
        if found.is_empty() {
            // The same kind of error as for a name that does not exist.
            let why = "has no address of the public Internet; --issuer-address allows others";
            return Err(unreachable(format!("{host} {why}")));
        }
        Ok(found)
    }

    /// Gets one document over a connection of its own.
    async fn get(&self, target: &Target<'_>, path: &str) -> Result<Bytes, IssuerKeysError> {
        let stream = self.connect(target).await?;
        let mut client = http1::Builder::new();
        let handshake = client.max_buf_size(MAX_HEAD).handshake::<_, Empty<Bytes>>(TokioIo::new(stream)).await;
        let (mut sender, connection) = handshake.map_err(unreachable)?;
        let request = Request::get(path)
            .header(header::HOST, target.host)
            .header(header::ACCEPT, "application/json")
            .header(header::ACCEPT_ENCODING, "identity")
            .header(header::USER_AGENT, concat!("bailiwick/", env!("CARGO_PKG_VERSION")))
            .header(header::CONNECTION, "close")
            .body(Empty::new())
            .map_err(unacceptable)?;
        let exchange = async {
            let response = sender.send_request(request).await.map_err(unreachable)?;
            check_head(&response, path)?;
            match Limited::new(response.into_body(), MAX_JWKS_BYTES).collect().await {
                Ok(body) => Ok(body.to_bytes()),
                Err(error) if error.is::<http_body_util::LengthLimitError>() => {
                    Err(unacceptable(format!("{path} is larger than {MAX_JWKS_BYTES} bytes")))
                }
                Err(error) => Err(unreachable(error)),
            }
        };
        // The connection has to be polled until the exchange is done; an error of it is also one of the exchange.
        let drive = async {
            let _ = connection.await;
            std::future::pending::<()>().await;
        };
        tokio::select! {
            result = exchange => result,
            () = drive => Err(unreachable("the connection was closed")),
        }
    }

    /// Connects to the first of the addresses that answers.
    async fn connect(&self, target: &Target<'_>) -> Result<TlsStream<TcpStream>, IssuerKeysError> {
        let name = ServerName::try_from(target.host.to_owned()).map_err(unacceptable)?;
        let mut failure = unreachable("no address");
        for address in &target.addresses {
            let stream = match TcpStream::connect(address).await {
                Ok(stream) => stream,
                Err(error) => {
                    failure = unreachable(error);
                    continue;
                }
            };
            let stream = self.tls.connect(name, stream).await.map_err(unreachable)?;
            let chain = stream.get_ref().1.peer_certificates().unwrap_or_default();
            if !target.thumbprints.is_empty() && !thumbprint::matches(target.thumbprints, chain) {
                return Err(unacceptable("no certificate of the server has a registered thumbprint"));
            }
            return Ok(stream);
        }
        Err(failure)
    }
}

fn read_file(given: &IssuerKeyFile) -> Result<KeySet, IssuerKeysError> {
    let file = given.file.display();
    let read = std::fs::read(&given.file).map_err(|error| unreachable(format!("{file}: {error}")))?;
    KeySet::parse(&read).map_err(|error| unacceptable(format!("{file}: {error}")))
}

fn check_head<B>(response: &http::Response<B>, path: &str) -> Result<(), IssuerKeysError> {
    let status = response.status();
    if status.is_server_error() || matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT) {
        return Err(unreachable(format!("{path} was answered with {status}")));
    }
    if status != StatusCode::OK {
        // Redirects are not followed.
        return Err(unacceptable(format!("{path} was answered with {status}")));
    }
    match response.headers().get(header::CONTENT_ENCODING) {
        Some(encoding) if encoding != "identity" => Err(unacceptable(format!("{path} is compressed"))),
        _ => Ok(()),
    }
}
