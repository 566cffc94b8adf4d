//! Forms of AWS Query.

use bailiwick_aws_query::{codec, form};

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
