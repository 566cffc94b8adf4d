//! Connects to a member, and counts the connections.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll},
};

use futures_util::future::BoxFuture;
use hyper_util::{client::legacy::connect::HttpConnector, rt::TokioIo};
use tokio::net::TcpStream;
use tonic::codegen::{Service, http::Uri};

/// Makes connections. TLS is not its subject.
#[derive(Clone)]
pub(crate) struct Connector {
    tcp: HttpConnector,
    count: Arc<AtomicU64>,
}

impl Connector {
    /// Counts each connection before a request is sent over it.
    pub(crate) fn new(count: Arc<AtomicU64>) -> Self {
        let mut tcp = HttpConnector::new();
        // The address may be that of a member with TLS.
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        Connector { tcp, count }
    }
}

impl Service<Uri> for Connector {
    type Response = TokioIo<TcpStream>;
    type Error = io::Error;
    type Future = BoxFuture<'static, io::Result<Self::Response>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.tcp.poll_ready(cx).map_err(io::Error::other)
    }

    fn call(&mut self, address: Uri) -> Self::Future {
        self.count.fetch_add(1, Ordering::SeqCst);
        let connecting = self.tcp.call(address);
        Box::pin(async { connecting.await.map_err(io::Error::other) })
    }
}
