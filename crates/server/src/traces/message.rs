//! The messages of OTLP that traces need, by their numbers in `opentelemetry/proto/trace/v1`.

use bailiwick_operation::trace::TracedSpan;
use jiff::Timestamp;

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct ExportRequest {
    #[prost(message, repeated, tag = "1")]
    resource_spans: Vec<ResourceSpans>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct ResourceSpans {
    #[prost(message, optional, tag = "1")]
    resource: Option<Resource>,
    #[prost(message, repeated, tag = "2")]
    scope_spans: Vec<ScopeSpans>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Resource {
    #[prost(message, repeated, tag = "1")]
    attributes: Vec<KeyValue>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct ScopeSpans {
    #[prost(message, optional, tag = "1")]
    scope: Option<Scope>,
    #[prost(message, repeated, tag = "2")]
    spans: Vec<Span>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Scope {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(string, tag = "2")]
    version: String,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Span {
    #[prost(bytes = "vec", tag = "1")]
    trace_id: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    span_id: Vec<u8>,
    #[prost(bytes = "vec", tag = "4")]
    parent_span_id: Vec<u8>,
    #[prost(string, tag = "5")]
    name: String,
    #[prost(int32, tag = "6")]
    kind: i32,
    #[prost(fixed64, tag = "7")]
    start_time_unix_nano: u64,
    #[prost(fixed64, tag = "8")]
    end_time_unix_nano: u64,
    #[prost(message, repeated, tag = "9")]
    attributes: Vec<KeyValue>,
    #[prost(message, optional, tag = "15")]
    status: Option<Status>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Status {
    #[prost(int32, tag = "3")]
    code: i32,
}

#[derive(Clone, PartialEq, prost::Message)]
struct KeyValue {
    #[prost(string, tag = "1")]
    key: String,
    #[prost(message, optional, tag = "2")]
    value: Option<AnyValue>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct AnyValue {
    #[prost(string, optional, tag = "1")]
    text: Option<String>,
    #[prost(int64, optional, tag = "3")]
    number: Option<i64>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct ExportResponse {
    #[prost(message, optional, tag = "1")]
    pub(super) partial_success: Option<PartialSuccess>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct PartialSuccess {
    #[prost(int64, tag = "1")]
    pub(super) rejected_spans: i64,
    #[prost(string, tag = "2")]
    pub(super) error_message: String,
}

/// `SPAN_KIND_INTERNAL`, `SPAN_KIND_SERVER` and `STATUS_CODE_ERROR`.
const INTERNAL: i32 = 1;
const SERVER: i32 = 2;
const ERROR: i32 = 2;

/// The attribute with the status of the answer.
pub(super) const STATUS_CODE: &str = "http.response.status_code";

/// A finished trace with its ids.
#[derive(Debug)]
pub(super) struct Finished {
    pub(super) trace: [u8; 16],
    /// The span of the client that the first span is part of.
    pub(super) parent: Option<[u8; 8]>,
    /// The id of the first span; the others follow.
    pub(super) first: u64,
    pub(super) begun: Timestamp,
    pub(super) spans: Vec<TracedSpan>,
}

impl Finished {
    fn id(&self, at: usize) -> Vec<u8> {
        // Zero is not an id.
        self.first.wrapping_add(at as u64).max(1).to_be_bytes().to_vec()
    }

    fn messages(&self) -> impl Iterator<Item = Span> {
        let begun = u64::try_from(self.begun.as_nanosecond()).unwrap_or_default();
        let after =
            move |time: std::time::Duration| begun.saturating_add(u64::try_from(time.as_nanos()).unwrap_or(u64::MAX));
        self.spans.iter().enumerate().map(move |(at, span)| Span {
            trace_id: self.trace.to_vec(),
            span_id: self.id(at),
            parent_span_id: match span.parent {
                Some(parent) => self.id(parent),
                None => self.parent.map(Vec::from).unwrap_or_default(),
            },
            name: span.name.to_owned(),
            kind: if span.parent.is_none() { SERVER } else { INTERNAL },
            start_time_unix_nano: after(span.begin),
            end_time_unix_nano: after(span.end.unwrap_or(span.begin)),
            attributes: span.attributes.iter().map(|(key, value)| attribute(key, value)).collect(),
            status: span.failed.then_some(Status { code: ERROR }),
        })
    }
}

/// The request that exports traces.
pub(super) fn request(traces: &[Finished]) -> ExportRequest {
    let spans = traces.iter().flat_map(Finished::messages).collect();
    let scope = Scope { name: "bailiwick".to_owned(), version: env!("CARGO_PKG_VERSION").to_owned() };
    let resource = Resource {
        attributes: vec![
            attribute("service.name", "bailiwick"),
            attribute("service.version", env!("CARGO_PKG_VERSION")),
        ],
    };
    let scope_spans = vec![ScopeSpans { scope: Some(scope), spans }];
    ExportRequest { resource_spans: vec![ResourceSpans { resource: Some(resource), scope_spans }] }
}

fn attribute(key: &str, value: &str) -> KeyValue {
    // The conventions have the status code as a number.
    let number = if key == STATUS_CODE { value.parse().ok() } else { None };
    let text = if number.is_some() { None } else { Some(value.to_owned()) };
    KeyValue { key: key.to_owned(), value: Some(AnyValue { text, number }) }
}
