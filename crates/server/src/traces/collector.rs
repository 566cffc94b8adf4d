//! The collector of traces, over HTTP or gRPC.

use bailiwick_audit::DeliveryError;
use bytes::Bytes;
use clap::ValueEnum;
use http::{HeaderMap, HeaderValue, header};

use crate::sinks::{Endpoint, GrpcClient, HttpClient};

/// The method of the service for traces.
const EXPORT: &str = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";

/// How traces are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum TraceProtocol {
    /// OTLP/HTTP, in Protocol Buffers
    Http,
    /// OTLP/gRPC
    Grpc,
}

/// A collector.
pub(super) enum Collector {
    Http(HttpClient),
    Grpc(GrpcClient),
}

impl Collector {
    /// Reads the files that the endpoint names.
    ///
    /// # Errors
    /// If one can't be used, or the URL is not one for the protocol.
    pub(super) fn new(endpoint: Endpoint, protocol: TraceProtocol) -> Result<Self, String> {
        match protocol {
            TraceProtocol::Http => HttpClient::new(endpoint).map(Collector::Http),
            TraceProtocol::Grpc => GrpcClient::new(endpoint).map(Collector::Grpc),
        }
    }

    /// Sends an export request, and returns the answer.
    pub(super) async fn send(&mut self, request: Bytes) -> Result<Bytes, DeliveryError> {
        match self {
            Collector::Http(client) => {
                let mut headers = HeaderMap::new();
                headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/x-protobuf"));
                client.post(headers, request).await
            }
            Collector::Grpc(client) => client.call(EXPORT, &request).await,
        }
    }
}
