//! One call: converts metadata and message to a call of `service`, and its result to a response or status.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, LazyLock};

use bailiwick_service::{Answer, FrontEnd, Incoming, Peer, Route, Service};
use bytes::Bytes;
use http::{Method, Uri};
use tonic::metadata::{Ascii, AsciiMetadataKey, MetadataMap, MetadataValue};
use tonic::server::UnaryService;
use tonic::{Request, Response, Status};

use crate::status;

/// How calls prove their callers: by a signature for the service `bailiwick`, by a bearer token, or by a client certificate.
pub(crate) static GRPC: FrontEnd = FrontEnd { name: "gRPC", accepts_certificate: true, ..GRPC_WEB };

/// The same over gRPC-Web, without certificates: a browser shows its certificate for every page that makes it call.
pub(crate) static GRPC_WEB: FrontEnd = FrontEnd {
    name: "gRPC-Web",
    signing_service: Some("bailiwick"),
    accepts_certificate: false,
    accepts_bearer: true,
    accepts_console: false,
    accepts_query: false,
    accepts_unsigned_payload: true,
};

/// The operation that a path names, ready to be called once.
pub(crate) struct Call<'a> {
    /// Set when it is called. It is not called if its message cannot be decoded.
    pub(crate) is_begun: &'a AtomicBool,
    pub(crate) front_end: &'static FrontEnd,
    pub(crate) service: Arc<Service>,
    pub(crate) route: &'static Route,
    pub(crate) uri: Uri,
    pub(crate) peer: Peer,
}

impl UnaryService<Bytes> for Call<'_> {
    type Response = Bytes;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Bytes>, Status>> + Send>>;

    fn call(&mut self, request: Request<Bytes>) -> Self::Future {
        self.is_begun.store(true, Ordering::Relaxed);
        let service = Arc::clone(&self.service);
        let front_end = self.front_end;
        let (route, uri, peer) = (self.route, self.uri.clone(), self.peer.clone());
        Box::pin(async move {
            let (metadata, _, message) = request.into_parts();
            let headers = metadata.into_headers();
            let incoming = Incoming {
                front_end,
                route,
                message: Ok(message.clone()),
                method: &Method::POST,
                uri: &uri,
                headers: &headers,
                body: &message,
                peer,
            };
            let Answer { request_id, revision, result } = service.call(incoming).await;
            match result {
                Ok(message) => {
                    let mut response = Response::new(message);
                    mark(response.metadata_mut(), &request_id, revision.as_deref());
                    Ok(response)
                }
                Err(error) => {
                    let mut status = status::of_error(&error, bailiwick_api::find_operation(route.name), &request_id);
                    mark(status.metadata_mut(), &request_id, revision.as_deref());
                    Err(status)
                }
            }
        })
    }
}

/// The names of the metadata that each answer has, parsed once.
struct Names {
    request_id: AsciiMetadataKey,
    revision: AsciiMetadataKey,
}

static NAMES: LazyLock<Names> = LazyLock::new(|| Names {
    request_id: AsciiMetadataKey::from_static("x-bailiwick-request-id"),
    revision: AsciiMetadataKey::from_static("x-bailiwick-revision"),
});

fn mark(metadata: &mut MetadataMap, request_id: &str, revision: Option<&str>) {
    if let Ok(mut value) = MetadataValue::<Ascii>::try_from(request_id) {
        // Never indexed: a unique value would evict repeated ones from the connection's header table.
        value.set_sensitive(true);
        metadata.insert(&NAMES.request_id, value);
    }
    if let Some(value) = revision.and_then(|r| MetadataValue::<Ascii>::try_from(r).ok()) {
        metadata.insert(&NAMES.revision, value);
    }
}
