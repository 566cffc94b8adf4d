//! A request message from the path and the query string of REST-JSON.

use bailiwick_model::Result;
use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, MessageDescriptor, Value};

use super::malformed;
use crate::target::decode;

/// The maximum number of parameters of a query string, with those of a signature.
const MAX_PARAMETERS: usize = 100;

/// The parameters of a presigned URL, which are never members.
const SIGNATURE_PARAMETERS: [&str; 7] = [
    "X-Amz-Algorithm",
    "X-Amz-Credential",
    "X-Amz-Date",
    "X-Amz-Expires",
    "X-Amz-Security-Token",
    "X-Amz-Signature",
    "X-Amz-SignedHeaders",
];

/// Reads a message of this type: what the path has, then what the query string has. A list is a repeated parameter.
pub(super) fn message(kind: MessageDescriptor, path: &[(&str, String)], query: &str) -> Result<DynamicMessage> {
    let mut message = DynamicMessage::new(kind.clone());
    for (name, text) in path {
        let field = kind.get_field_by_json_name(name).ok_or_else(|| malformed("the path has an unknown member"))?;
        set(&mut message, &field, text)?;
    }
    for (count, pair) in query.split('&').filter(|pair| !pair.is_empty()).enumerate() {
        if count == MAX_PARAMETERS {
            return Err(malformed(format!("a query string has at most {MAX_PARAMETERS} parameters")));
        }
        let (name, text) = pair.split_once('=').unwrap_or((pair, ""));
        let (name, text) = (decode(name)?, decode(text)?);
        if SIGNATURE_PARAMETERS.contains(&&*name) {
            continue;
        }
        let is_in_path = path.iter().any(|(member, _)| *member == name);
        let field = kind.get_field_by_json_name(&name).filter(|_| !is_in_path);
        let field = field.ok_or_else(|| malformed("the query string has an unknown parameter"))?;
        set(&mut message, &field, &text)?;
    }
    Ok(message)
}

fn set(message: &mut DynamicMessage, field: &FieldDescriptor, text: &str) -> Result<()> {
    let name = field.json_name();
    let value = match field.kind() {
        Kind::String => Value::String(text.to_owned()),
        Kind::Bool if text == "true" => Value::Bool(true),
        Kind::Bool if text == "false" => Value::Bool(false),
        Kind::Bool => return Err(malformed(format!("the parameter `{name}` must be true or false"))),
        Kind::Int32 => match text.parse() {
            Ok(number) => Value::I32(number),
            Err(_) => return Err(malformed(format!("the parameter `{name}` must be a whole number of 32 bits"))),
        },
        _ => return Err(malformed(format!("the parameter `{name}` cannot be in a query string"))),
    };
    if field.is_list() {
        if let Value::List(items) = message.get_field_mut(field) {
            items.push(value);
        }
        return Ok(());
    }
    if message.has_field(field) {
        return Err(malformed(format!("the parameter `{name}` occurs twice")));
    }
    message.set_field(field, value);
    Ok(())
}
