//! Routes HTTP requests to operations, health and reflection.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bailiwick_model::{ErrorCode, IamError};
use bailiwick_service::{FrontEnd, LargeRequests, Peer, Refused, Route, Service};
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, Request, Response, header};
use tokio::sync::Semaphore;
use tonic::Status;
use tonic::server::Grpc;
use tonic_web::GrpcWebLayer;
use tower::{Layer, Service as _, ServiceExt as _};

use crate::call::{Call, GRPC, GRPC_WEB};
use crate::codec::Raw;
use crate::limited::Limited;
use crate::refusable::{BodyFailure, Refusable};
use crate::status;
use crate::{Body, BoxError};

/// The largest request message: 1 MiB, as for every request but those of a few operations.
const MAX_MESSAGE: usize = 1024 * 1024;

/// The largest message to health and reflection, whose requests contain only names.
const MAX_NAME_MESSAGE: usize = 16 * 1024;
/// How long a client may watch a service's health before it must ask again.
const WATCH_LIFE: Duration = Duration::from_secs(60 * 60);
/// How long a stream of reflection requests may last.
const REFLECTION_LIFE: Duration = Duration::from_secs(2 * 60);
/// The maximum number of streams that watch a service's health. They hold memory while they wait for nothing from their
/// clients, so that it cannot be taken back when others need it.
const MAX_WATCHES: usize = 512;
const HEALTH: &str = "/grpc.health.v1.Health/";
const WATCH: &str = "/grpc.health.v1.Health/Watch";
const REFLECTION: &str = "/grpc.reflection.";
/// Memory of a stream of reflection requests in addition to its head: unread requests, a response in progress, and
/// buffers.
const REFLECTION_COST: usize = 96 * 1024;
/// Memory of a stream that watches a service's health.
const HEALTH_COST: usize = 8 * 1024;

type Health = tonic_health::pb::health_server::HealthServer<tonic_health::server::HealthService>;

/// The gRPC front end.
#[derive(Clone)]
pub struct Front {
    service: Arc<Service>,
    health: Health,
    watches: Arc<Semaphore>,
    reflection: Option<tower::util::BoxCloneSyncService<Request<Body>, Response<Body>, Infallible>>,
}

impl Front {
    /// Serves the operations of `service`; reflection shows the public API unless it is switched off.
    ///
    /// # Errors
    /// When the descriptors for reflection cannot be decoded.
    pub async fn new(service: Arc<Service>, reflection: bool) -> Result<Self, BoxError> {
        let reporter = tonic_health::server::HealthReporter::new();
        for service in bailiwick_api::pool().services() {
            reporter.set_service_status(service.full_name(), tonic_health::ServingStatus::Serving).await;
        }
        let health = Health::new(tonic_health::server::HealthService::from_health_reporter(reporter))
            .max_decoding_message_size(MAX_NAME_MESSAGE);
        let reflection = if reflection { Some(reflection_service()?) } else { None };
        Ok(Front { service, health, watches: Arc::new(Semaphore::new(MAX_WATCHES)), reflection })
    }

    pub(crate) fn service(&self) -> &Service {
        &self.service
    }

    /// Returns whether a request belongs to this front end, by its content type.
    pub fn takes(headers: &HeaderMap) -> bool {
        content_type(headers).starts_with("application/grpc")
    }

    /// Returns the memory of a request with this path in addition to its head and body, in bytes.
    pub fn cost(path: &str) -> usize {
        if path.starts_with(REFLECTION) {
            REFLECTION_COST
        } else if path.starts_with(HEALTH) {
            HEALTH_COST
        } else {
            0
        }
    }

    /// Answers one request.
    pub async fn handle<B>(&self, request: Request<B>, peer: Peer) -> Response<Body>
    where
        B: http_body::Body<Data = Bytes> + Send + Unpin + 'static,
        B::Error: Into<BoxError> + Send,
    {
        if content_type(request.headers()).starts_with("application/grpc-web") {
            return Box::pin(self.web(request.map(Body::new), peer)).await;
        }
        self.dispatch(&GRPC, request, peer).await
    }

    async fn web(&self, request: Request<Body>, peer: Peer) -> Response<Body> {
        let failure = BodyFailure::default();
        let mut request = request.map(|body| Body::new(Refusable::new(body, failure.clone())));
        request.extensions_mut().insert(failure);
        let front = self.clone();
        let inner = tower::service_fn(move |request: Request<Body>| {
            let (front, peer) = (front.clone(), peer.clone());
            async move { Ok::<_, Infallible>(front.dispatch(&GRPC_WEB, request, peer).await) }
        });
        match GrpcWebLayer::new().layer(inner).oneshot(request).await {
            Ok(response) => response.map(Body::new),
            Err(never) => match never {},
        }
    }

    async fn dispatch<B>(&self, front_end: &'static FrontEnd, request: Request<B>, peer: Peer) -> Response<Body>
    where
        B: http_body::Body<Data = Bytes> + Send + Unpin + 'static,
        B::Error: Into<BoxError> + Send,
    {
        let path = request.uri().path();
        if let Some(route) = Route::find(path) {
            let is_begun = AtomicBool::new(false);
            let user_agent = request.headers().get(header::USER_AGENT).cloned();
            let service = Arc::clone(&self.service);
            let uri = request.uri().clone();
            let call = Call { is_begun: &is_begun, front_end, service, route, uri, peer: peer.clone() };
            // Without a place, a message of these operations may have 1 MiB, as all others.
            let large = route.takes_large_requests.then(|| self.service.large_requests().take(peer.ip)).flatten();
            let largest = large.as_ref().map_or(MAX_MESSAGE, |_| LargeRequests::LARGEST);
            let mut codec = Grpc::new(Raw).max_decoding_message_size(largest);
            let failure = request.extensions().get::<BodyFailure>().cloned().unwrap_or_default();
            let answer = codec.unary(call, request.map(|body| Refusable::new(body, failure))).await;
            if is_begun.load(Ordering::Relaxed) {
                return answer;
            }
            return self.unread(answer, route, user_agent.as_ref(), &peer);
        }
        // Rare calls are boxed, so that the futures of the frequent ones stay small.
        let request = request.map(|body| Body::new(Refusable::new(body, BodyFailure::default())));
        Box::pin(self.beside(request, peer)).await
    }

    /// Refuses a request before it becomes a call, and records it.
    pub fn refuse(&self, head: &Parts, peer: &Peer, error: &IamError) -> Response<Body> {
        let request_id = self.service.refused(Refused {
            method: &head.method,
            path: head.uri.path(),
            user_agent: head.headers.get(header::USER_AGENT),
            peer,
            error,
        });
        status::of_error(error, None, &request_id).into_http()
    }

    /// Answers a message that could not be read, with AWS's code and the id of its record.
    fn unread(
        &self,
        answer: Response<Body>,
        route: &Route,
        user_agent: Option<&HeaderValue>,
        peer: &Peer,
    ) -> Response<Body> {
        let Some(status) = Status::from_header_map(answer.headers()) else { return answer };
        let error = status::unread(&status);
        let request_id =
            self.service.refused(Refused { method: &Method::POST, path: route.path, user_agent, peer, error: &error });
        status::with_reason(&status, &error, &request_id).into_http()
    }

    /// Answers health and reflection, and refuses unknown methods.
    async fn beside(&self, request: Request<Body>, peer: Peer) -> Response<Body> {
        let path = request.uri().path();
        let answer = if path.starts_with(HEALTH) {
            let place = (path == WATCH).then(|| Arc::clone(&self.watches).try_acquire_owned());
            let Ok(place) = place.transpose() else {
                return Status::resource_exhausted("too many clients watch the health: call Check").into_http();
            };
            let answer = self.health.clone().call(request).await;
            answer.map(|response| response.map(|body| Body::new(Limited::new(body, WATCH_LIFE).with_place(place))))
        } else if let Some(reflection) = &self.reflection
            && path.starts_with(REFLECTION)
        {
            let answer = reflection.clone().call(request).await;
            answer.map(|response| response.map(|body| Body::new(Limited::new(body, REFLECTION_LIFE))))
        } else {
            let error = IamError::new(ErrorCode::InvalidAction, format!("there is no method {path}"));
            let (head, _) = request.into_parts();
            Ok(self.refuse(&head, &peer, &error))
        };
        match answer {
            Ok(response) => response,
            Err(never) => match never {},
        }
    }
}

fn content_type(headers: &HeaderMap) -> &str {
    headers.get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default()
}

fn reflection_service() -> Result<tower::util::BoxCloneSyncService<Request<Body>, Response<Body>, Infallible>, BoxError>
{
    let builder = || {
        tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(bailiwick_api::FILE_DESCRIPTOR_SET)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
    };
    let v1 = builder().build_v1()?.max_decoding_message_size(MAX_NAME_MESSAGE);
    let v1alpha = builder().build_v1alpha()?.max_decoding_message_size(MAX_NAME_MESSAGE);
    Ok(tower::util::BoxCloneSyncService::new(tower::service_fn(move |request: Request<Body>| {
        let (mut v1, mut v1alpha) = (v1.clone(), v1alpha.clone());
        async move {
            if request.uri().path().starts_with("/grpc.reflection.v1alpha.") {
                v1alpha.call(request).await
            } else {
                v1.call(request).await
            }
        }
    })))
}
