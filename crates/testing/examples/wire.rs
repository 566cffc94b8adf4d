//! Exposes the codec to tests in another language: one JSON request per input line, one JSON result per output line.
//!
//! - `{"describe": null}`: the descriptors of every operation of AWS;
//! - `{"request": "Action=…&…"}`: the message that a form spells, as `{"operation": …, "message": {…}}`;
//! - `{"response": "GetUser", "message": {…}, "json": false}`: the document that answers it;
//! - `{"http": {"method": "POST", "target": "/", "headers": {…}, "body": "…"}}`: the same of a request in a JSON protocol;
//! - `{"json_response": "LookupEvents", "message": {…}}`: the JSON that answers it.
//!
//! An error is `{"error": …}`. Messages have AWS's member names, dates are seconds, bytes Base64.

use std::io::{BufRead as _, Write as _};

use bailiwick_api::{OPERATIONS, OperationInfo, find_operation, pool};
use bailiwick_aws_query::{codec, form};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use prost::Message as _;
use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, MapKey, MessageDescriptor, ReflectMessage as _, Value};
use serde_json::{Map, Value as Json, json};

/// The packages whose operations are AWS's.
const OF_AWS: [&str; 4] = ["cloudtrail", "iam", "iamtoolbox", "sts"];

type Answer = Result<Json, Box<dyn std::error::Error>>;

fn main() -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines() {
        let answer = answer(&line?).unwrap_or_else(|error| json!({ "error": error.to_string() }));
        writeln!(out, "{answer}")?;
        out.flush()?;
    }
    Ok(())
}

fn answer(line: &str) -> Answer {
    let question: Json = serde_json::from_str(line)?;
    if let Some(form) = question["request"].as_str() {
        return request(form);
    }
    if question["http"].is_object() {
        return http_request(&question["http"]);
    }
    if let Some(operation) = question["json_response"].as_str() {
        return json_response(operation, &question["message"]);
    }
    match question["response"].as_str() {
        Some(operation) => response(operation, &question["message"], question["json"] == true),
        None => describe(),
    }
}

fn request(text: &str) -> Answer {
    let pairs = form::parse(text.as_bytes()).map_err(|e| e.message().to_owned())?;
    let operation = codec::find_operation(&pairs).map_err(|e| e.message().to_owned())?;
    let bytes = codec::decode_request(operation, &pairs).map_err(|e| e.message().to_owned())?;
    let shape = known(operation.name())?.request_descriptor().ok_or("no request")?;
    let message = DynamicMessage::decode(shape, bytes)?;
    Ok(json!({ "operation": operation.name(), "message": to_json(&message)? }))
}

fn response(name: &str, message: &Json, json: bool) -> Answer {
    let operation = known(name)?;
    let shape = operation.response_descriptor().ok_or("no response")?;
    let bytes = from_json(shape, message)?.encode_to_vec();
    let encoded = codec::encode_response(operation.path, &bytes, "request-1", json).map_err(|e| format!("{e:?}"))?;
    Ok(json!({ "type": encoded.content_type, "body": String::from_utf8(encoded.body)? }))
}

fn http_request(given: &Json) -> Answer {
    let text = |name: &str| given[name].as_str().ok_or_else(|| format!("no {name}"));
    let mut request = http::Request::builder().method(text("method")?).uri(text("target")?);
    for (name, value) in given["headers"].as_object().ok_or("no headers")? {
        request = request.header(name, value.as_str().ok_or("not a header")?);
    }
    let (head, ()) = request.body(())?.into_parts();
    let protocol = bailiwick_aws_json::Protocol::of(&head.uri, &head.headers).ok_or("not a JSON protocol")?;
    let decoded = bailiwick_aws_json::codec::decode_request(protocol, &head, text("body")?.as_bytes());
    let decoded = decoded.map_err(|e| e.message().to_owned())?;
    let bytes = decoded.message.map_err(|e| e.message().to_owned())?;
    let shape = decoded.operation.request_descriptor().ok_or("no request")?;
    let message = DynamicMessage::decode(shape, bytes)?;
    Ok(json!({ "operation": decoded.operation.name, "message": to_json(&message)? }))
}

fn json_response(name: &str, message: &Json) -> Answer {
    let operation = known(name)?;
    let shape = operation.response_descriptor().ok_or("no response")?;
    let bytes = from_json(shape, message)?.encode_to_vec();
    let body = bailiwick_aws_json::codec::encode_response(operation, &bytes).map_err(|e| format!("{e:?}"))?;
    Ok(json!({ "body": String::from_utf8(body)? }))
}

fn known(name: &str) -> Result<&'static OperationInfo, String> {
    find_operation(name).ok_or_else(|| format!("no operation {name}"))
}

fn describe() -> Answer {
    let errors = pool().get_extension_by_name("bailiwick.options.v1.errors").ok_or("no errors")?;
    let mut operations = Map::new();
    for info in OPERATIONS.iter().filter(|o| OF_AWS.contains(&o.module)) {
        let method = info.method().ok_or("no method")?;
        let options = method.options();
        let list = options.get_extension(&errors);
        let list: Vec<Json> = list.as_list().unwrap_or_default().iter().filter_map(error_rule).collect();
        let described = json!({
            "service": info.service,
            "module": info.module,
            "read": info.read_only,
            "proof": info.authentication.as_str_name(),
            "errors": list,
            "request": structure(&method.input())?,
            "response": structure(&method.output())?,
        });
        operations.insert(info.name.to_owned(), described);
    }
    Ok(Json::Object(operations))
}

fn error_rule(value: &Value) -> Option<Json> {
    let rule = value.as_message()?;
    let code = rule.get_field_by_name("code")?;
    Some(json!([code.as_str()?, rule.get_field_by_name("http_status")?.as_u32()?]))
}

fn structure(message: &MessageDescriptor) -> Answer {
    // As the file declares them, which is AWS's order; a member that was added later has a higher number.
    let declared = message.descriptor_proto().field.iter();
    let fields = declared.filter_map(|field| message.get_field_by_name(field.name()));
    let members: Result<Vec<Json>, _> = fields.map(|field| member(&field)).collect();
    Ok(Json::Array(members?))
}

fn member(field: &FieldDescriptor) -> Answer {
    let rules = pool().get_extension_by_name("bailiwick.options.v1.rules").ok_or("no rules")?;
    let options = field.options();
    let asked = match &*options.get_extension(&rules) {
        Value::Message(asked) if options.has_extension(&rules) => to_json(asked)?,
        _ => json!({}),
    };
    let secret = pool().get_extension_by_name("bailiwick.options.v1.secret").ok_or("no secrets")?;
    let secret = options.get_extension(&secret).as_bool().unwrap_or(false);
    let mut shown = json!({ "name": field.json_name(), "secret": secret, "rules": asked, "list": field.is_list() });
    shown["type"] = match field.kind() {
        Kind::Message(m) if m.is_map_entry() => {
            let (key, value) = (m.map_entry_key_field().kind(), m.map_entry_value_field().kind());
            let value = match &value {
                Kind::Message(values) => {
                    shown["members"] = structure(values)?;
                    "structure".to_owned()
                }
                value => format!("{value:?}"),
            };
            json!(format!("map of {key:?} to {value}"))
        }
        Kind::Message(m) if m.full_name() == "google.protobuf.Timestamp" => json!("timestamp"),
        Kind::Message(m) => {
            shown["members"] = structure(&m)?;
            json!("structure")
        }
        kind => json!(format!("{kind:?}")),
    };
    Ok(shown)
}

fn to_json(message: &DynamicMessage) -> Answer {
    let mut object = Map::new();
    for (field, value) in message.fields() {
        object.insert(field.json_name().to_owned(), value_to_json(value)?);
    }
    Ok(Json::Object(object))
}

fn value_to_json(value: &Value) -> Answer {
    Ok(match value {
        Value::Bool(v) => json!(v),
        Value::I32(v) => json!(v),
        Value::I64(v) => json!(v),
        Value::U32(v) => json!(v),
        Value::String(v) => json!(v),
        Value::Bytes(v) => json!(STANDARD.encode(v)),
        Value::Message(v) if v.descriptor().full_name() == "google.protobuf.Timestamp" => {
            json!(v.get_field_by_name("seconds").and_then(|seconds| seconds.as_i64()).unwrap_or(0))
        }
        Value::Message(v) => to_json(v)?,
        Value::List(v) => Json::Array(v.iter().map(value_to_json).collect::<Result<_, _>>()?),
        Value::Map(v) => {
            let entry = |(key, value): (&MapKey, &Value)| match key {
                MapKey::String(key) => Ok((key.clone(), value_to_json(value)?)),
                other => Err(format!("cannot show {other:?}").into()),
            };
            Json::Object(v.iter().map(entry).collect::<Result<_, Box<dyn std::error::Error>>>()?)
        }
        other => return Err(format!("cannot show {other:?}").into()),
    })
}

fn from_json(shape: MessageDescriptor, json: &Json) -> Result<DynamicMessage, Box<dyn std::error::Error>> {
    let mut message = DynamicMessage::new(shape.clone());
    for (name, json) in json.as_object().ok_or("not an object")? {
        let field = shape.get_field_by_json_name(name).ok_or_else(|| format!("no member {name}"))?;
        let value = if field.is_list() {
            let items = json.as_array().ok_or("not a list")?;
            Value::List(items.iter().map(|item| value_from_json(&field.kind(), item)).collect::<Result<_, _>>()?)
        } else if let Kind::Message(entry) = field.kind()
            && entry.is_map_entry()
        {
            let kind = entry.map_entry_value_field().kind();
            let entries = json.as_object().ok_or("not a map")?.iter();
            let entry =
                |(key, json): (&String, &Json)| Ok((MapKey::String(key.clone()), value_from_json(&kind, json)?));
            Value::Map(entries.map(entry).collect::<Result<_, Box<dyn std::error::Error>>>()?)
        } else {
            value_from_json(&field.kind(), json)?
        };
        message.set_field(&field, value);
    }
    Ok(message)
}

fn value_from_json(kind: &Kind, json: &Json) -> Result<Value, Box<dyn std::error::Error>> {
    let text = || json.as_str().ok_or("not a text");
    Ok(match kind {
        Kind::String => Value::String(text()?.to_owned()),
        Kind::Bytes => Value::Bytes(STANDARD.decode(text()?)?.into()),
        Kind::Bool => Value::Bool(json.as_bool().ok_or("not a boolean")?),
        Kind::Int32 => Value::I32(json.as_i64().ok_or("not a number")?.try_into()?),
        Kind::Message(shape) if shape.full_name() == "google.protobuf.Timestamp" => {
            let mut time = DynamicMessage::new(shape.clone());
            time.set_field_by_name("seconds", Value::I64(json.as_i64().ok_or("not a date")?));
            Value::Message(time)
        }
        Kind::Message(shape) => Value::Message(from_json(shape.clone(), json)?),
        other => return Err(format!("cannot read {other:?}").into()),
    })
}
