//! A listener: accepts connections, passes requests to a handler, and stops cleanly.

use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bailiwick_grpc::Body;
use bailiwick_model::{IamError, SourceNetwork};
use bailiwick_operation::Clock as _;
use bailiwick_service::Peer;
use http::request::Parts;
use http::{Request, Response, Version};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use super::connection::Connection;
use super::connections::Connections;
use super::date;
use super::exchange::{Answered, Received};
use super::gate::{Gate, MAX_HEADERS};
use super::handshake::Handshaking;
use super::head_timer::HeadTimer;
use super::memory::{Hold, Memory};
use super::proxy::TrustedProxies;
use super::proxy_protocol::{self, ProxyHeader};
use super::stall_guard::StallGuard;
use super::tasks::{TaskExecutor, Tasks};
use crate::signals::stopped;
use crate::system::SystemClock;
use crate::tls::{Acceptor, ConnectionCertificate};

/// The time in which the head of an HTTP/1 request must arrive.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// The largest block of headers.
const MAX_HEADER_BYTES: usize = 64 * 1024;
/// Concurrent requests on one HTTP/2 connection.
const MAX_STREAMS: u32 = 256;
/// Bytes of bodies that an HTTP/2 client may send before they are read: per request, and per connection. This memory is
/// not counted.
const STREAM_WINDOW: u32 = 64 * 1024;
const CONNECTION_WINDOW: u32 = 256 * 1024;
/// Bytes of an answer that the library buffers for the client; further bytes wait where they are counted.
const MAX_SEND_BUFFER: usize = 64 * 1024;
/// Client errors, each of which resets a stream, after which an HTTP/2 connection is closed.
const MAX_ERROR_RESETS: usize = 100;
/// The time that requests in flight have to finish when the server stops.
const DRAIN: Duration = Duration::from_secs(20);

/// Answers requests.
pub(crate) trait Answer: Clone + Send + Sync + 'static {
    /// Answers one request.
    fn answer(&self, request: Request<Received>, peer: Peer) -> impl Future<Output = Response<Body>> + Send;

    /// Refuses a request without reading its body.
    fn refuse(&self, head: &Parts, peer: &Peer, error: &IamError) -> Response<Body>;
}

/// The parts of a listener.
pub(crate) struct Listener {
    /// The socket.
    pub(crate) socket: TcpListener,
    /// The TLS configuration, if connections are encrypted.
    pub(crate) tls: Option<Acceptor>,
    /// The registry of connections.
    pub(crate) connections: Arc<Connections>,
    /// The memory of requests; shared with other listeners.
    pub(crate) memory: Arc<Memory>,
    /// The trusted proxies.
    pub(crate) proxies: Arc<TrustedProxies>,
    /// Whether connections of trusted proxies begin with a PROXY header.
    pub(crate) proxy_protocol: bool,
}

/// State shared by all connections of a listener.
struct Shared<A> {
    tls: Option<Acceptor>,
    connections: Arc<Connections>,
    memory: Arc<Memory>,
    proxies: Arc<TrustedProxies>,
    proxy_protocol: bool,
    builder: Builder<TaskExecutor>,
    stop: watch::Receiver<bool>,
    answer: A,
}

/// Serves until `stop` is true. Then closes connections without a request, waits for requests in flight, and aborts those
/// that take longer than [`DRAIN`]. No task of the listener runs when it returns.
pub(crate) async fn serve<A: Answer>(listener: Listener, answer: A, mut stop: watch::Receiver<bool>) {
    let Listener { socket, tls, connections, memory, proxies, proxy_protocol } = listener;
    let tasks = Tasks::default();
    let builder = http_builder(tasks.executor());
    let shared =
        Arc::new(Shared { tls, connections, memory, proxies, proxy_protocol, builder, stop: stop.clone(), answer });
    let graceful = GracefulShutdown::new();
    let mut second = tokio::time::interval(Duration::from_secs(1));
    loop {
        let accepted = tokio::select! {
            accepted = socket.accept() => accepted,
            _ = second.tick() => {
                shared.close_overdue();
                continue;
            }
            () = stopped(&mut stop) => break,
        };
        match accepted {
            Ok((stream, address)) => {
                let served = Served::open(&shared, address);
                tasks.spawn(served.run(stream, graceful.watcher()));
            }
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                shared.after_failure(&error).await;
            }
        }
    }
    drop(socket);
    if tokio::time::timeout(DRAIN, graceful.shutdown()).await.is_err() {
        tracing::warn!("requests were still running after {} seconds and were cut off", DRAIN.as_secs());
    }
    drop(shared);
    // Nothing of this listener runs when the audit log and the store are closed.
    tasks.abort().await;
}

fn http_builder(executor: TaskExecutor) -> Builder<TaskExecutor> {
    let mut builder = Builder::new(executor);
    builder.http1().header_read_timeout(HEAD_TIMEOUT).max_buf_size(MAX_HEADER_BYTES).max_headers(MAX_HEADERS);
    builder
        .http2()
        .timer(TokioTimer::new())
        // Added by `date`.
        .auto_date_header(false)
        .max_concurrent_streams(MAX_STREAMS)
        .max_header_list_size(MAX_HEADER_BYTES as u32)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_send_buf_size(MAX_SEND_BUFFER)
        .max_local_error_reset_streams(MAX_ERROR_RESETS)
        .keep_alive_interval(Duration::from_secs(60))
        .keep_alive_timeout(Duration::from_secs(20));
    builder
}

impl<A> Shared<A> {
    fn close_overdue(&self) {
        self.connections.clock().update();
        self.connections.close_overdue();
        self.memory.close_overdue();
    }

    /// No file descriptors are left, or the peer is already gone. Neither ends the listener.
    async fn after_failure(&self, error: &io::Error) {
        let is_full = matches!(
            error.raw_os_error().map(rustix::io::Errno::from_raw_os_error),
            Some(
                rustix::io::Errno::MFILE
                    | rustix::io::Errno::NFILE
                    | rustix::io::Errno::NOBUFS
                    | rustix::io::Errno::NOMEM
            )
        );
        if is_full {
            self.connections.make_room();
            // Closing one takes a moment.
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

/// A served connection.
struct Served<A> {
    shared: Arc<Shared<A>>,
    connection: Arc<Connection>,
    address: SocketAddr,
}

impl<A> Drop for Served<A> {
    fn drop(&mut self) {
        self.shared.connections.gone(&self.connection);
    }
}

impl<A: Answer> Served<A> {
    fn open(shared: &Arc<Shared<A>>, address: SocketAddr) -> Self {
        let ip = address.ip().to_canonical();
        let source = (!shared.proxies.contains(ip)).then(|| SourceNetwork::of(ip));
        Served { shared: Arc::clone(shared), connection: shared.connections.open(source), address }
    }

    async fn run(self, stream: TcpStream, watcher: Watcher) {
        let connection = Arc::clone(&self.connection);
        tokio::select! {
            biased;
            () = connection.closed() => {}
            () = self.serve(stream, watcher) => {}
        }
    }

    async fn serve(&self, mut stream: TcpStream, watcher: Watcher) {
        // Small answers should not wait for more to send.
        let _ = stream.set_nodelay(true);
        let mut stop = self.shared.stop.clone();
        // The HTTP library closes an idle connection at the stop; before that a silent client must not delay it.
        let peer = tokio::select! {
            biased;
            peer = self.peer(&mut stream) => peer,
            () = stopped(&mut stop) => return,
        };
        let Some(peer) = peer else { return };
        let Some(acceptor) = &self.shared.tls else { return self.http(stream, peer, None, watcher).await };
        let accepted = tokio::select! {
            biased;
            accepted = acceptor.accept(Handshaking::new(stream)) => accepted,
            () = stopped(&mut stop) => return,
        };
        match accepted {
            Ok(mut stream) => {
                stream.get_mut().0.done();
                match acceptor.certificate(stream.get_ref().1) {
                    Ok(certificate) => self.http(stream, peer, certificate, watcher).await,
                    Err(error) => tracing::debug!(ip = %peer.ip, error, "a client's certificate is not trusted"),
                }
            }
            Err(error) => tracing::debug!(ip = %peer.ip, %error, "TLS handshake failed"),
        }
    }

    /// The peer of the connection. Reads the header of the PROXY protocol if the connection must begin with one; none if
    /// it does not.
    async fn peer(&self, stream: &mut TcpStream) -> Option<Peer> {
        let ip = self.address.ip().to_canonical();
        let standing = self.connection.standing.clone();
        let mut peer = Peer { ip, secure: self.shared.tls.is_some(), is_forwarded: false, certificate: None, standing };
        if self.shared.proxy_protocol && self.shared.proxies.contains(ip) {
            match proxy_protocol::read(stream).await {
                Ok(ProxyHeader::Local) => {}
                Ok(ProxyHeader::Client { ip, secure }) => {
                    peer.ip = ip;
                    peer.secure = secure.unwrap_or(peer.secure);
                    if secure.is_some() {
                        self.connection.set_ended_by_proxy();
                    }
                    peer.is_forwarded = true;
                    self.shared.connections.assign(&self.connection, SourceNetwork::of(ip));
                }
                Err(error) => {
                    tracing::debug!(%ip, %error, "a proxy's connection did not begin with a header of the PROXY protocol");
                    return None;
                }
            }
        }
        Some(peer)
    }

    async fn http<S>(&self, stream: S, peer: Peer, certificate: Option<ConnectionCertificate>, watcher: Watcher)
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let ip = peer.ip;
        let Shared { memory, proxies, builder, .. } = &*self.shared;
        let gate = Arc::new(Gate::new(Arc::clone(&self.connection), Arc::clone(memory), peer, certificate, proxies));
        let stream = StallGuard::new(stream, Arc::clone(&gate));
        let shared = Arc::clone(&self.shared);
        let service = service_fn(move |request: Request<Incoming>| {
            // A refused request is dropped here, before a task is spawned for it.
            // Boxed, because the future of a stream is moved a few times before its task runs.
            let exchange = Box::new(Exchange::begin(&shared, &gate, request));
            async move { Ok::<_, Infallible>(exchange.run().await) }
        });
        let mut builder = Builder::clone(builder);
        builder.http1().timer(HeadTimer::default());
        let connection = watcher.watch(builder.serve_connection(TokioIo::new(stream), service));
        if let Err(error) = connection.await {
            tracing::debug!(%ip, %error, "connection ended early");
        }
    }
}

/// One request on its way to its answer.
struct Exchange<A> {
    shared: Arc<Shared<A>>,
    gate: Arc<Gate>,
    connection: Arc<Connection>,
    hold: Hold,
    /// The request, if it is let in; otherwise its answer.
    begun: Result<(Request<Received>, Peer), Box<Response<Body>>>,
    /// Whether the HTTP library sets no date.
    has_no_date: bool,
}

impl<A: Answer> Exchange<A> {
    fn begin(shared: &Arc<Shared<A>>, gate: &Arc<Gate>, request: Request<Incoming>) -> Self {
        let (head, body) = request.into_parts();
        let has_no_date = head.version == Version::HTTP_2;
        let (hold, peer, admitted) = gate.begin(&head);
        let begun = match admitted {
            Ok(()) => Ok((Request::from_parts(head, Received::new(body, hold.clone())), peer)),
            Err(error) => Err(Box::new(shared.answer.refuse(&head, &peer, &error))),
        };
        let connection = Arc::clone(hold.connection());
        Exchange { shared: Arc::clone(shared), gate: Arc::clone(gate), connection, hold, begun, has_no_date }
    }

    async fn run(self: Box<Self>) -> Response<Answered> {
        let Exchange { shared, gate, connection, hold, begun, has_no_date } = *self;
        let (mut response, hold) = match begun {
            Err(refusal) => (*refusal, hold),
            Ok((request, peer)) => {
                let mut unanswered = Unanswered { connection: &connection, is_answered: false };
                // Boxed for the same reason.
                let response = Box::pin(shared.answer.answer(request, peer.clone())).await;
                unanswered.is_answered = true;
                (response, gate.answered(hold, &peer))
            }
        };
        if has_no_date {
            date::add(response.headers_mut(), SystemClock.now());
        }
        shared.connections.note(&connection);
        response.map(|body| Answered::new(body, hold))
    }
}

/// A request that its client may abandon.
struct Unanswered<'a> {
    connection: &'a Connection,
    is_answered: bool,
}

impl Drop for Unanswered<'_> {
    fn drop(&mut self) {
        if !self.is_answered {
            self.connection.abandoned();
        }
    }
}
