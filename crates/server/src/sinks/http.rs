//! POST requests to one endpoint, over a connection that is kept: HTTP/1.1 or HTTP/2.

use std::path::Path;
use std::time::{Duration, Instant};

use bailiwick_audit::DeliveryError;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, Uri, header};
use http_body_util::{BodyExt as _, Collected, Full, Limited};
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::endpoint::Endpoint;
use crate::tls;

/// The maximum size of a response head in bytes.
const MAX_HEAD: usize = 32 * 1024;
/// The maximum size of a response in bytes.
const MAX_BODY: usize = 64 * 1024;
/// The maximum size of a file with headers in bytes.
const MAX_HEADERS: u64 = 64 * 1024;
/// The time for a connection.
const CONNECT: Duration = Duration::from_secs(10);

/// How long a connection is kept without a request; a receiver closes it at a time of its own, which looks like a failure.
const IDLE: Duration = Duration::from_secs(3);

/// A client of one endpoint. Certificates are verified, and redirects are not followed.
pub(crate) struct HttpClient {
    endpoint: Endpoint,
    version: HttpVersion,
    tls: Option<TlsConnector>,
    kept: Option<Kept>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HttpVersion {
    One,
    /// Without TLS: with prior knowledge.
    Two,
}

/// A connection for the next request.
struct Kept {
    sender: Sender,
    since: Instant,
}

/// What sends requests over a connection.
enum Sender {
    One(http1::SendRequest<Full<Bytes>>),
    Two(http2::SendRequest<Full<Bytes>>),
}

impl Sender {
    fn is_ready(&self) -> bool {
        match self {
            Sender::One(sender) => sender.is_ready(),
            Sender::Two(sender) => sender.is_ready(),
        }
    }

    async fn ready(&mut self) -> hyper::Result<()> {
        match self {
            Sender::One(sender) => sender.ready().await,
            Sender::Two(sender) => sender.ready().await,
        }
    }

    async fn send(&mut self, request: Request<Full<Bytes>>) -> hyper::Result<Response<Incoming>> {
        match self {
            Sender::One(sender) => sender.send_request(request).await,
            Sender::Two(sender) => sender.send_request(request).await,
        }
    }
}

/// The body of a successful answer, and what its headers and trailers say.
pub(super) struct Answer {
    pub(super) headers: HeaderMap,
    pub(super) body: Collected<Bytes>,
}

impl HttpClient {
    /// Reads the files that the endpoint names. Requests are those of HTTP/1.1.
    ///
    /// # Errors
    /// If one can't be used.
    pub(crate) fn new(endpoint: Endpoint) -> Result<Self, String> {
        Self::with_version(endpoint, HttpVersion::One)
    }

    pub(super) fn with_version(endpoint: Endpoint, version: HttpVersion) -> Result<Self, String> {
        let tls = if endpoint.is_tls() {
            let config = tls::client(endpoint.ca_file.as_deref(), &[version.protocol()]);
            Some(TlsConnector::from(config.map_err(|error| error.to_string())?))
        } else {
            None
        };
        let client = HttpClient { endpoint, version, tls, kept: None };
        client.headers()?;
        Ok(client)
    }

    /// Sends a request with these headers and those of the endpoint, and returns the body of a successful answer.
    pub(crate) async fn post(&mut self, headers: HeaderMap, body: Bytes) -> Result<Bytes, DeliveryError> {
        let target = self.endpoint.target().to_owned();
        Ok(self.exchange(&target, headers, body).await?.body.to_bytes())
    }

    /// The same for a path, and returns all of a successful answer.
    pub(super) async fn exchange(
        &mut self,
        target: &str,
        headers: HeaderMap,
        body: Bytes,
    ) -> Result<Answer, DeliveryError> {
        // A cancelled exchange leaves no connection behind.
        let kept = self.kept.take().filter(|kept| kept.since.elapsed() < IDLE && kept.sender.is_ready());
        let mut sender = match kept {
            Some(kept) => kept.sender,
            None => self.connect().await?,
        };
        let mut request = Request::post(self.uri(target)?).body(Full::new(body)).map_err(DeliveryError::new)?;
        let own = self.headers().map_err(DeliveryError::new)?;
        let all = request.headers_mut();
        if self.version == HttpVersion::One {
            all.insert(header::HOST, HeaderValue::try_from(self.endpoint.shown()).map_err(DeliveryError::new)?);
        }
        all.insert(header::USER_AGENT, HeaderValue::from_static(concat!("bailiwick/", env!("CARGO_PKG_VERSION"))));
        all.extend(own);
        all.extend(headers);
        let response = sender.send(request).await.map_err(|error| self.failed(&error))?;
        let (status, retry_after) = (response.status(), retry_after(&response));
        let (head, body) = response.into_parts();
        let body = Limited::new(body, MAX_BODY).collect().await;
        if !status.is_success() {
            let shown = self.endpoint.shown();
            let hint = if status.is_redirection() { "; redirects are not followed" } else { "" };
            let message = format!("{shown} answered {status}{hint}");
            return Err(DeliveryError { message, retry_after });
        }
        let body = body.map_err(|error| self.failed(error.as_ref()))?;
        // It is ready again once the answer has been read.
        if sender.ready().await.is_ok() {
            self.kept = Some(Kept { sender, since: Instant::now() });
        }
        Ok(Answer { headers: head.headers, body })
    }

    /// What a request names: with HTTP/2, scheme and host as well.
    fn uri(&self, target: &str) -> Result<Uri, DeliveryError> {
        let uri = match self.version {
            HttpVersion::One => Uri::try_from(target),
            HttpVersion::Two => {
                let scheme = if self.endpoint.is_tls() { "https" } else { "http" };
                Uri::try_from(format!("{scheme}://{}{target}", self.endpoint.shown()))
            }
        };
        uri.map_err(DeliveryError::new)
    }

    pub(super) fn shown(&self) -> &str {
        self.endpoint.shown()
    }

    fn failed(&self, error: &(dyn std::error::Error + 'static)) -> DeliveryError {
        let mut message = format!("{}: {error}", self.endpoint.shown());
        let mut source = error.source();
        while let Some(cause) = source {
            message = format!("{message}: {cause}");
            source = cause.source();
        }
        DeliveryError::new(message)
    }

    async fn connect(&self) -> Result<Sender, DeliveryError> {
        let connected = tokio::time::timeout(CONNECT, self.handshake()).await;
        connected.map_err(|_| {
            let (shown, seconds) = (self.endpoint.shown(), CONNECT.as_secs());
            DeliveryError::new(format!("{shown}: no connection within {seconds} seconds"))
        })?
    }

    async fn handshake(&self) -> Result<Sender, DeliveryError> {
        let stream = TcpStream::connect((self.endpoint.host(), self.endpoint.port())).await;
        let stream = stream.map_err(|error| self.failed(&error))?;
        // Without it only the last packet of a batch is slower.
        let _ = stream.set_nodelay(true);
        let Some(tls) = &self.tls else { return self.start(stream).await };
        let name = ServerName::try_from(self.endpoint.host().to_owned()).map_err(|error| self.failed(&error))?;
        let stream = tls.connect(name, stream).await.map_err(|error| self.failed(&error))?;
        if self.version == HttpVersion::Two && stream.get_ref().1.alpn_protocol() != Some(self.version.protocol()) {
            return Err(DeliveryError::new(format!("{} does not offer HTTP/2", self.endpoint.shown())));
        }
        self.start(stream).await
    }

    async fn start(
        &self,
        stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    ) -> Result<Sender, DeliveryError> {
        // The connection ends with the sender or the peer. What fails is reported by the request.
        match self.version {
            HttpVersion::One => {
                let handshake = http1::Builder::new().max_buf_size(MAX_HEAD).handshake(TokioIo::new(stream)).await;
                let (sender, connection) = handshake.map_err(|error| self.failed(&error))?;
                tokio::spawn(async move {
                    let _ = connection.await;
                });
                Ok(Sender::One(sender))
            }
            HttpVersion::Two => {
                let mut builder = http2::Builder::new(TokioExecutor::new());
                let handshake = builder.max_header_list_size(MAX_HEAD as u32).handshake(TokioIo::new(stream)).await;
                let (sender, connection) = handshake.map_err(|error| self.failed(&error))?;
                tokio::spawn(async move {
                    let _ = connection.await;
                });
                Ok(Sender::Two(sender))
            }
        }
    }

    /// Reads the headers of the endpoint; each time, so that a token can be replaced.
    fn headers(&self) -> Result<HeaderMap, String> {
        self.endpoint.headers_file.as_deref().map_or(Ok(HeaderMap::new()), read_headers)
    }
}

impl HttpVersion {
    /// Its name in TLS.
    fn protocol(self) -> &'static [u8] {
        match self {
            HttpVersion::One => b"http/1.1",
            HttpVersion::Two => b"h2",
        }
    }
}

/// Reads a file with one header a line, as in `Authorization: Splunk …`.
fn read_headers(file: &Path) -> Result<HeaderMap, String> {
    let text = super::signature::read_private(file, MAX_HEADERS)?;
    let text = str::from_utf8(&text).map_err(|_| format!("{} is not text", file.display()))?;
    let mut headers = HeaderMap::new();
    for (at, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let header = line.split_once(':').and_then(|(name, value)| {
            let mut value = HeaderValue::try_from(value.trim()).ok()?;
            value.set_sensitive(true);
            Some((HeaderName::try_from(name.trim()).ok()?, value))
        });
        // Not its text, which may be a secret.
        let wrong = || format!("line {} of {} is no header: expected `Name: value`", at + 1, file.display());
        let (name, value) = header.ok_or_else(wrong)?;
        headers.append(name, value);
    }
    Ok(headers)
}

/// How long the answer asks to wait, in seconds.
fn retry_after(response: &Response<Incoming>) -> Option<Duration> {
    let seconds = response.headers().get(header::RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
}
