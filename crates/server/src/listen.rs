//! A listener: connections in, requests to whoever answers them, a clean end.

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bailiwick_grpc::Body;
use bailiwick_service::Peer;
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio_rustls::TlsAcceptor;

use crate::counted::Counted;
use crate::head_timer::HeadTimer;

/// Connections at once; more wait to be accepted.
const MAX_CONNECTIONS: usize = 4_096;
/// Time to send the head of a request, or to finish a TLS handshake.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// Bytes that tell which version of HTTP a client speaks: the length of HTTP/2's preface.
const PREFACE: usize = 24;
/// The largest block of headers.
const MAX_HEADER_BYTES: usize = 64 * 1024;
/// Requests at once on one HTTP/2 connection.
const MAX_STREAMS: u32 = 256;
/// How long requests that have begun may take to end when the server stops.
const DRAIN: Duration = Duration::from_secs(20);

/// Serves until `stop` turns true, then lets requests in flight finish.
pub(crate) async fn serve<A, F>(
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    answer: A,
    mut stop: watch::Receiver<bool>,
) where
    A: Fn(Request<Incoming>, Peer) -> F + Clone + Send + 'static,
    F: Future<Output = Response<Body>> + Send + 'static,
{
    let builder = Arc::new(http_builder());
    let graceful = GracefulShutdown::new();
    let connections = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    loop {
        let permit = tokio::select! {
            permit = Arc::clone(&connections).acquire_owned() => permit,
            () = stopped(&mut stop) => break,
        };
        // The semaphore is never closed.
        let Ok(permit) = permit else { break };
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = stopped(&mut stop) => break,
        };
        match accepted {
            Ok((stream, address)) => {
                let watcher = graceful.watcher();
                let connection = Connection { builder: Arc::clone(&builder), answer: answer.clone(), permit };
                tokio::spawn(connection.run(stream, address, tls.clone(), watcher));
            }
            Err(error) => {
                // Out of file descriptors, or a peer that was gone already: neither is a reason to stop.
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    }
    drop(listener);
    if tokio::time::timeout(DRAIN, graceful.shutdown()).await.is_err() {
        tracing::warn!("requests were still running after {} seconds and were cut off", DRAIN.as_secs());
    }
}

/// Waits until it is time to stop.
pub(crate) async fn stopped(stop: &mut watch::Receiver<bool>) {
    // Without a sender there is nobody left to stop anything later.
    drop(stop.wait_for(|stop| *stop).await);
}

fn http_builder() -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    builder.http1().header_read_timeout(HEAD_TIMEOUT).max_buf_size(MAX_HEADER_BYTES).max_headers(128);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(MAX_STREAMS)
        .max_header_list_size(MAX_HEADER_BYTES as u32)
        .keep_alive_interval(Duration::from_secs(60))
        .keep_alive_timeout(Duration::from_secs(20));
    builder
}

struct Connection<A> {
    builder: Arc<Builder<TokioExecutor>>,
    answer: A,
    permit: OwnedSemaphorePermit,
}

impl<A, F> Connection<A>
where
    A: Fn(Request<Incoming>, Peer) -> F + Clone + Send + 'static,
    F: Future<Output = Response<Body>> + Send + 'static,
{
    async fn run(self, stream: TcpStream, address: SocketAddr, tls: Option<TlsAcceptor>, watcher: Watcher) {
        // Small answers should not wait for more to send.
        let _ = stream.set_nodelay(true);
        let ip = address.ip().to_canonical();
        match tls {
            None => self.http(stream, Peer { ip, secure: false }, watcher).await,
            Some(acceptor) => match tokio::time::timeout(HEAD_TIMEOUT, acceptor.accept(stream)).await {
                Ok(Ok(stream)) => self.http(stream, Peer { ip, secure: true }, watcher).await,
                Ok(Err(error)) => tracing::debug!(%ip, %error, "TLS handshake failed"),
                Err(_) => tracing::debug!(%ip, "TLS handshake timed out"),
            },
        }
    }

    async fn http<S>(self, stream: S, peer: Peer, watcher: Watcher)
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let Connection { builder, answer, permit } = self;
        let service = service_fn(move |request: Request<Incoming>| {
            let answered = answer(request, peer);
            async move { Ok::<Response<Body>, Infallible>(answered.await) }
        });
        let mut builder = Builder::clone(&builder);
        builder.http1().timer(HeadTimer::default());
        let (stream, received) = Counted::new(stream);
        let connection = watcher.watch(builder.serve_connection(TokioIo::new(stream), service));
        let mut connection = std::pin::pin!(connection);
        let ended = match tokio::time::timeout(HEAD_TIMEOUT, &mut connection).await {
            Ok(ended) => ended,
            // Until it is known which version of HTTP a client speaks, nobody but us watches the time.
            Err(_) if received.bytes() < PREFACE => {
                tracing::debug!(ip = %peer.ip, "nothing was asked in time");
                return;
            }
            Err(_) => connection.await,
        };
        if let Err(error) = ended {
            tracing::debug!(ip = %peer.ip, %error, "connection ended early");
        }
        drop(permit);
    }
}
