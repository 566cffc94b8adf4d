//! Entry points of fuzz targets: properties that hold for every input.

use bailiwick_api::{find_operation, pool};
use prost_reflect::DynamicMessage;

use crate::json::read_message;

/// Any body is a request to sign in, or it is refused. What is accepted decodes as a message of the operation.
///
/// # Panics
/// If the property does not hold.
#[allow(clippy::unwrap_used, reason = "the operations exist, and a panic is how a target fails")]
pub fn sign_in_json(bytes: &[u8]) {
    for name in ["SignIn", "ChangeExpiredPassword", "CreateToken"] {
        let kind = pool().get_message_by_name(find_operation(name).unwrap().request).unwrap();
        if let Ok(message) = read_message(kind.clone(), bytes) {
            DynamicMessage::decode(kind, message).unwrap();
        }
    }
}
