//! Routes a request to a front end by its content type or path.

use std::sync::Arc;

use bailiwick_console::SessionLimits;
use bailiwick_grpc::Body;
use bailiwick_model::IamError;
use bailiwick_service::Peer;
use http::request::Parts;
use http::{Method, Request, Response, StatusCode, header};

use crate::net::Received;
use crate::net::listen::Answer;
use crate::readiness::Readiness;
use crate::token_issuer;
use crate::traces::Tracer;

/// The API port.
#[derive(Clone)]
pub(crate) struct Router(Arc<Fronts>);

struct Fronts {
    grpc: bailiwick_grpc::Front,
    json: bailiwick_aws_json::Front,
    query: bailiwick_aws_query::Front,
    console: bailiwick_console::Front,
    readiness: Readiness,
    tracer: Option<Arc<Tracer>>,
}

impl Router {
    /// All front ends over one service.
    pub(crate) fn new(
        grpc: bailiwick_grpc::Front,
        readiness: Readiness,
        limits: SessionLimits,
        tracer: Option<Arc<Tracer>>,
    ) -> Self {
        let service = || Arc::clone(&readiness.service);
        let json = bailiwick_aws_json::Front::new(service());
        let query = bailiwick_aws_query::Front::new(service());
        let console = bailiwick_console::Front::new(service(), limits);
        Router(Arc::new(Fronts { grpc, json, query, console, readiness, tracer }))
    }
}

impl Answer for Router {
    async fn answer(&self, request: Request<Received>, peer: Peer) -> Response<Body> {
        let is_probe = matches!(request.uri().path(), "/healthz" | "/readyz");
        match self.0.tracer.as_ref().filter(|_| !is_probe) {
            None => self.route(request, peer).await,
            Some(tracer) => {
                let front = self.front(&request);
                Box::pin(tracer.answer(request, front, |request| self.route(request, peer))).await
            }
        }
    }

    fn refuse(&self, head: &Parts, peer: &Peer, error: &IamError) -> Response<Body> {
        let Fronts { grpc, json, query, console, .. } = &*self.0;
        if bailiwick_grpc::Front::takes(&head.headers) {
            grpc.refuse(head, peer, error)
        } else if bailiwick_grpc::Front::takes_json(head.uri.path()) {
            grpc.refuse_json(head, peer, error)
        } else if bailiwick_console::Front::takes(&head.uri) {
            console.refuse(head, peer, error).map(Body::new)
        } else if bailiwick_aws_json::Front::takes(&head.uri, &head.headers) {
            json.refuse(head, peer, error).map(Body::new)
        } else {
            query.refuse(head, peer, error).map(Body::new)
        }
    }
}

impl Router {
    /// The name of the span of a request.
    fn front(&self, request: &Request<Received>) -> &'static str {
        let path = request.uri().path();
        if bailiwick_grpc::Front::takes(request.headers()) {
            "gRPC request"
        } else if bailiwick_grpc::Front::takes_json(path) {
            "JSON request"
        } else if bailiwick_console::Front::takes(request.uri()) {
            "console request"
        } else if bailiwick_aws_json::Front::takes(request.uri(), request.headers()) {
            "AWS JSON request"
        } else {
            "AWS Query request"
        }
    }

    async fn route(&self, request: Request<Received>, peer: Peer) -> Response<Body> {
        let Fronts { grpc, json, query, console, readiness, .. } = &*self.0;
        if bailiwick_grpc::Front::takes(request.headers()) {
            let cost = bailiwick_grpc::Front::cost(request.uri().path());
            if cost > 0
                && let Err(error) = request.body().hold(cost)
            {
                let (head, _) = request.into_parts();
                return grpc.refuse(&head, &peer, &error.into());
            }
            return grpc.handle(request, peer).await;
        }
        if bailiwick_grpc::Front::takes_json(request.uri().path()) {
            return Box::pin(grpc.handle_json(request, peer)).await;
        }
        if bailiwick_console::Front::takes(request.uri()) {
            return Box::pin(console.handle(request, peer)).await.map(Body::new);
        }
        if bailiwick_aws_json::Front::takes(request.uri(), request.headers()) {
            return Box::pin(json.handle(request, peer)).await.map(Body::new);
        }
        if matches!(*request.method(), Method::GET | Method::HEAD) {
            match request.uri().path() {
                "/healthz" => return text("ok\n"),
                "/readyz" => return ready(readiness),
                path => {
                    // Boxed for the same reason as below.
                    if let Some(answer) = Box::pin(token_issuer::answer(&readiness.service, path)).await {
                        return answer;
                    }
                }
            }
        }
        // Boxed, so that it does not enlarge the futures of gRPC calls, which are moved a few times.
        Box::pin(query.handle(request, peer)).await.map(Body::new)
    }
}

/// The metrics port: Prometheus reads `/metrics`.
#[derive(Clone)]
pub(crate) struct MetricsPage(pub(crate) Readiness);

impl Answer for MetricsPage {
    async fn answer(&self, request: Request<Received>, _: Peer) -> Response<Body> {
        match request.uri().path() {
            "/metrics" => match self.0.service.metrics().render() {
                Ok(page) => {
                    let mut response = text(page);
                    let kind = "text/plain; version=0.0.4; charset=utf-8";
                    response.headers_mut().insert(header::CONTENT_TYPE, http::HeaderValue::from_static(kind));
                    response
                }
                Err(_) => status(StatusCode::INTERNAL_SERVER_ERROR),
            },
            "/healthz" => text("ok\n"),
            "/readyz" => ready(&self.0),
            _ => status(StatusCode::NOT_FOUND),
        }
    }

    fn refuse(&self, _: &Parts, _: &Peer, error: &IamError) -> Response<Body> {
        let mut response = text(format!("{error}\n"));
        let status = StatusCode::from_u16(error.code().http_status());
        *response.status_mut() = status.unwrap_or(StatusCode::SERVICE_UNAVAILABLE);
        response
    }
}

/// Answers 200 if this server is to get requests, otherwise 503 with the reason. `/healthz` reports only that the process
/// answers.
fn ready(readiness: &Readiness) -> Response<Body> {
    match readiness.refusal() {
        None => text("ready\n"),
        Some(why) => {
            let mut response = text(format!("{why}\n"));
            *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
            response
        }
    }
}

fn text(body: impl Into<String>) -> Response<Body> {
    let body: String = body.into();
    let mut response = Response::new(Body::new(http_body_util::Full::new(bytes::Bytes::from(body))));
    let kind = http::HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}

fn status(status: StatusCode) -> Response<Body> {
    let mut response = text(format!("{status}\n"));
    *response.status_mut() = status;
    response
}
