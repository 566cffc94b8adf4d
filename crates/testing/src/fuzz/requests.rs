//! Requests of AWS's protocols: forms of Query, bodies and targets of the JSON protocols.

use bailiwick_aws_json::Protocol;
use bailiwick_aws_query::{codec, form};
use http::{Request, Uri};

/// Any body is a request of an operation, or it is refused. What is accepted decodes as a message of that operation.
///
/// # Panics
/// If the property does not hold.
pub fn query_form(bytes: &[u8]) {
    if let Ok(text) = std::str::from_utf8(bytes) {
        let _ = form::parse_query(text);
    }
    let Ok(pairs) = form::parse(bytes) else { return };
    let Ok(operation) = codec::find_operation(&pairs) else { return };
    let Ok(message) = codec::decode_request(operation, &pairs) else { return };
    let info = bailiwick_api::find_operation(operation.name()).unwrap();
    let descriptor = info.request_descriptor().unwrap();
    prost_reflect::DynamicMessage::decode(descriptor, message).unwrap();
}

/// Any body is a request of an operation in AWS JSON 1.1, or it is refused, and any URI is one in REST-JSON. What is
/// accepted decodes as a message of that operation.
///
/// # Panics
/// If the property does not hold.
pub fn json_request(bytes: &[u8]) {
    for operation in ["LookupEvents", "DescribeTrails"] {
        let request = Request::post("/")
            .header("content-type", "application/x-amz-json-1.1")
            .header("x-amz-target", format!("CloudTrail_20131101.{operation}"));
        let (head, ()) = request.body(()).unwrap().into_parts();
        decode(Protocol::Json11, &head, bytes);
    }
    if let Ok(uri) = Uri::try_from(bytes) {
        let (head, ()) = Request::get(uri).body(()).unwrap().into_parts();
        if let Some(protocol) = Protocol::of(&head.uri, &head.headers) {
            decode(protocol, &head, b"");
        }
    }
}

fn decode(protocol: Protocol, head: &http::request::Parts, body: &[u8]) {
    let Ok(decoded) = bailiwick_aws_json::codec::decode_request(protocol, head, body) else { return };
    let Ok(message) = decoded.message else { return };
    let descriptor = decoded.operation.request_descriptor().unwrap();
    prost_reflect::DynamicMessage::decode(descriptor, message).unwrap();
}
