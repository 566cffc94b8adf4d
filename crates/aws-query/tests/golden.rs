//! The XML of every operation's response: one file of `golden` each, with every member, and with none.
//!
//! The messages are made from the descriptors, so a member that comes, goes or changes its place shows in the difference
//! of a file. `UPDATE_EXPECT=1 cargo nextest run -p bailiwick-aws-query --test golden` writes the files.

#![allow(clippy::unwrap_used, reason = "a test that cannot continue fails")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use bailiwick_api::{OPERATIONS, OperationInfo};
use bailiwick_aws_query::codec::encode_response;
use expect_test::expect_file;
use prost::Message as _;
use prost_reflect::{Cardinality, DynamicMessage, FieldDescriptor, Kind, MapKey, MessageDescriptor, Value};

/// 2026-01-02T03:04:05Z.
const DATE: i64 = 1_767_323_045;
/// More than the nesting of any response.
const DEEPEST: usize = 10;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

/// The operations of AWS.
fn operations() -> impl Iterator<Item = &'static OperationInfo> {
    OPERATIONS.iter().filter(|operation| matches!(operation.module, "iam" | "sts"))
}

/// A message with every member.
fn full(descriptor: MessageDescriptor, depth: usize) -> DynamicMessage {
    assert!(depth < DEEPEST, "{} contains itself", descriptor.full_name());
    let mut message = DynamicMessage::new(descriptor.clone());
    if descriptor.full_name() == "google.protobuf.Timestamp" {
        message.set_field_by_name("seconds", Value::I64(DATE));
        return message;
    }
    for field in descriptor.fields() {
        let value = match field.kind() {
            Kind::Message(entry) if field.is_map() => {
                let key = MapKey::String("Key".to_owned());
                Value::Map([(key, single(&entry.map_entry_value_field(), depth))].into())
            }
            _ if field.cardinality() == Cardinality::Repeated => Value::List(vec![single(&field, depth); 2]),
            _ => single(&field, depth),
        };
        message.set_field(&field, value);
    }
    message
}

/// One value of a member: its name, where it is a text.
fn single(field: &FieldDescriptor, depth: usize) -> Value {
    let name = field.json_name();
    match field.kind() {
        Kind::Message(descriptor) => Value::Message(full(descriptor, depth + 1)),
        Kind::String if name.contains("Document") => Value::String(r#"{"Version":"2012-10-17"}"#.to_owned()),
        Kind::String => Value::String(name.to_owned()),
        Kind::Bytes => Value::Bytes(name.as_bytes().to_vec().into()),
        Kind::Bool => Value::Bool(true),
        Kind::Int32 => Value::I32(32),
        Kind::Int64 => Value::I64(64),
        Kind::Double => Value::F64(1.5),
        Kind::Float => Value::F32(1.5),
        other => panic!("{}: there is no value for {other:?}", field.full_name()),
    }
}

/// The XML, with a line for each element.
fn xml(operation: &OperationInfo, message: &DynamicMessage) -> String {
    let encoded = encode_response(operation.path, &message.encode_to_vec(), "request-id", false).unwrap();
    String::from_utf8(encoded.body).unwrap().replace("><", ">\n<")
}

#[test]
fn responses_are_those_of_the_files() {
    for operation in operations() {
        let descriptor = operation.response_descriptor().unwrap();
        let (every, none) = (full(descriptor.clone(), 0), DynamicMessage::new(descriptor));
        let text = format!("{}\n\n{}\n", xml(operation, &every), xml(operation, &none));
        expect_file![folder().join(format!("{}.xml", operation.name))].assert_eq(&text);
    }
}

#[test]
fn every_file_is_of_an_operation() {
    let expected: BTreeSet<String> = operations().map(|operation| format!("{}.xml", operation.name)).collect();
    let files = fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    assert_eq!(files.collect::<BTreeSet<_>>(), expected);
}
