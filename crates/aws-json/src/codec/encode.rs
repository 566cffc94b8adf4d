//! A response message as JSON: members by their JSON names in the order of the descriptors, times in seconds.

use std::collections::HashSet;
use std::sync::LazyLock;

use bailiwick_api::pool;
use bailiwick_model::{IamError, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use prost_reflect::{DynamicMessage, FieldDescriptor, MapKey, ReflectMessage as _, Value};
use serde::de::IgnoredAny;

/// Writes a message.
pub(super) fn message(message: &DynamicMessage) -> Result<Vec<u8>> {
    let mut out = Vec::new();
    structure(&mut out, message)?;
    Ok(out)
}

fn structure(out: &mut Vec<u8>, message: &DynamicMessage) -> Result<()> {
    let options = Options::get();
    out.push(b'{');
    for field in message.descriptor().fields() {
        let is_document = options.json_document.contains(field.full_name());
        if message.has_field(&field)
            || ((field.is_list() || field.is_map()) && options.always_present.contains(field.full_name()))
        {
            member(out, field.json_name())?;
            value(out, &message.get_field(&field), is_document)?;
        }
    }
    out.push(b'}');
    Ok(())
}

fn member(out: &mut Vec<u8>, name: &str) -> Result<()> {
    separate(out);
    quote(out, name)?;
    out.push(b':');
    Ok(())
}

fn separate(out: &mut Vec<u8>) {
    if !matches!(out.last(), Some(b'{' | b'[')) {
        out.push(b',');
    }
}

fn quote(out: &mut Vec<u8>, text: &str) -> Result<()> {
    serde_json::to_writer(out, text).map_err(IamError::internal)
}

fn value(out: &mut Vec<u8>, value: &Value, is_document: bool) -> Result<()> {
    match value {
        Value::Bool(value) => out.extend_from_slice(if *value { b"true" } else { b"false" }),
        Value::I32(number) => out.extend_from_slice(number.to_string().as_bytes()),
        Value::String(text) if is_document && is_json(text) => out.extend_from_slice(text.as_bytes()),
        Value::String(text) => quote(out, text)?,
        Value::Bytes(bytes) => quote(out, &STANDARD.encode(bytes))?,
        Value::Message(message) if message.descriptor().full_name() == "google.protobuf.Timestamp" => {
            time(out, message)
        }
        Value::Message(message) => structure(out, message)?,
        Value::List(items) => {
            out.push(b'[');
            for item in items {
                separate(out);
                self::value(out, item, is_document)?;
            }
            out.push(b']');
        }
        Value::Map(entries) => {
            let mut entries: Vec<(&MapKey, &Value)> = entries.iter().collect();
            entries.sort_by_key(|(key, _)| key.as_str().unwrap_or_default());
            out.push(b'{');
            for (key, entry) in entries {
                member(out, key.as_str().unwrap_or_default())?;
                self::value(out, entry, is_document)?;
            }
            out.push(b'}');
        }
        _ => return Err(IamError::internal("a response with a type that JSON protocols do not have")),
    }
    Ok(())
}

/// Whether a text is a JSON document. Another text is written as a string.
fn is_json(text: &str) -> bool {
    serde_json::from_str::<IgnoredAny>(text).is_ok()
}

/// Writes seconds since 1970, with milliseconds if there are any.
fn time(out: &mut Vec<u8>, time: &DynamicMessage) {
    let number = |name| time.get_field_by_name(name).and_then(|value| value.as_i64().or(value.as_i32().map(i64::from)));
    let (seconds, nanos) = (number("seconds").unwrap_or(0), number("nanos").unwrap_or(0));
    let millis = seconds.saturating_mul(1_000).saturating_add(nanos / 1_000_000);
    let sign = if millis < 0 { "-" } else { "" };
    let (whole, fraction) = (millis.unsigned_abs() / 1_000, millis.unsigned_abs() % 1_000);
    let text = if fraction == 0 { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction:03}") };
    out.extend_from_slice(text.as_bytes());
}

/// The fields with options that matter here, by full name.
struct Options {
    always_present: HashSet<String>,
    json_document: HashSet<String>,
}

impl Options {
    fn get() -> &'static Options {
        static OPTIONS: LazyLock<Options> = LazyLock::new(|| Options {
            always_present: fields("always_present"),
            json_document: fields("json_document"),
        });
        &OPTIONS
    }
}

/// The fields with a rule, or with one for the values of a map.
fn fields(rule: &str) -> HashSet<String> {
    let Some(rules) = pool().get_extension_by_name("bailiwick.options.v1.rules") else { return HashSet::new() };
    let has = |rules: &DynamicMessage| rules.get_field_by_name(rule).is_some_and(|value| value.as_bool() == Some(true));
    let is_wanted = |field: &FieldDescriptor| {
        let options = field.options();
        let Value::Message(rules) = &*options.get_extension(&rules) else { return false };
        let values = rules.get_field_by_name("values");
        has(rules) || values.as_deref().and_then(Value::as_message).is_some_and(has)
    };
    let all = pool().all_messages().flat_map(|message| message.fields().collect::<Vec<_>>());
    all.filter(is_wanted).map(|field| field.full_name().to_owned()).collect()
}
