//! Which front end answers a request, by its content type.

use std::sync::Arc;

use bailiwick_grpc::Body;
use bailiwick_service::{Peer, Service};
use http::{Method, Request, Response, header};
use hyper::body::Incoming;

/// The one port.
pub(crate) struct Router {
    grpc: bailiwick_grpc::Front,
    query: bailiwick_aws_query::Front,
}

impl Router {
    /// Answers one request, whatever it holds.
    pub(crate) async fn route(&self, request: Request<Incoming>, peer: Peer) -> Response<Body> {
        if bailiwick_grpc::Front::takes(request.headers()) {
            return self.grpc.handle(request, peer).await;
        }
        if request.uri().path() == "/healthz" && matches!(*request.method(), Method::GET | Method::HEAD) {
            return text("ok\n");
        }
        // What is rarer than gRPC calls must not make their futures larger: those are moved a few times.
        Box::pin(self.query.handle(request, peer)).await.map(Body::new)
    }

    /// Both front ends over one service.
    pub(crate) fn new(grpc: bailiwick_grpc::Front, service: Arc<Service>) -> Self {
        Router { grpc, query: bailiwick_aws_query::Front::new(service) }
    }
}

/// The metrics port: Prometheus reads `/metrics`.
pub(crate) fn metrics_page(service: &Service, request: &Request<Incoming>) -> Response<Body> {
    match request.uri().path() {
        "/metrics" => match service.metrics().render() {
            Ok(page) => {
                let mut response = text(page);
                let kind = "text/plain; version=0.0.4; charset=utf-8";
                response.headers_mut().insert(header::CONTENT_TYPE, http::HeaderValue::from_static(kind));
                response
            }
            Err(_) => status(http::StatusCode::INTERNAL_SERVER_ERROR),
        },
        "/healthz" => text("ok\n"),
        _ => status(http::StatusCode::NOT_FOUND),
    }
}

fn text(body: impl Into<String>) -> Response<Body> {
    let body: String = body.into();
    let mut response = Response::new(Body::new(http_body_util::Full::new(bytes::Bytes::from(body))));
    let kind = http::HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}

fn status(status: http::StatusCode) -> Response<Body> {
    let mut response = text(format!("{status}\n"));
    *response.status_mut() = status;
    response
}
