//! The description of the API compared with `proto/baseline.txt`, one line for each element: a removed rpc or field, another
//! number, type or JSON name, another option of authentication, audit or validation fails and is named.
//!
//! `cargo xtask proto --bless` accepts a reviewed change by writing the file.

use std::collections::BTreeMap;
use std::path::Path;

use bailiwick_api::pool;
use prost_reflect::{DynamicMessage, EnumDescriptor, FieldDescriptor, Kind, MessageDescriptor, Value};

/// Each element of our packages with its properties.
fn elements() -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    let is_ours = |package: &str| package.starts_with("bailiwick.");
    for file in pool().files().filter(|file| is_ours(file.package_name())) {
        all.insert(format!("file {}", file.name()), options(&file.options()));
        for service in file.services() {
            for method in service.methods() {
                let (input, output) = (method.input().full_name().to_owned(), method.output().full_name().to_owned());
                let streams = |streams: bool| if streams { "stream " } else { "" };
                let (to, from) = (streams(method.is_client_streaming()), streams(method.is_server_streaming()));
                let value = format!("({to}{input}) returns ({from}{output}){}", options(&method.options()));
                all.insert(format!("rpc /{}/{}", service.full_name(), method.name()), value);
            }
        }
        file.enums().for_each(|of| enumeration(&of, &mut all));
        file.messages().for_each(|of| message(&of, &mut all));
        for extension in file.extensions() {
            let value = format!("{} of {}", extension.number(), extension.containing_message().full_name());
            all.insert(format!("extension {}", extension.full_name()), value);
        }
    }
    all
}

fn message(of: &MessageDescriptor, all: &mut BTreeMap<String, String>) {
    all.insert(format!("message {}", of.full_name()), options(&of.options()));
    of.fields().for_each(|field| drop(all.insert(format!("field {}", field.full_name()), properties(&field))));
    of.child_enums().for_each(|of| enumeration(&of, all));
    of.child_messages().filter(|child| !child.is_map_entry()).for_each(|child| message(&child, all));
}

fn enumeration(of: &EnumDescriptor, all: &mut BTreeMap<String, String>) {
    for value in of.values() {
        let properties = format!("{}{}", value.number(), options(&value.options()));
        all.insert(format!("value {}.{}", of.full_name(), value.name()), properties);
    }
}

fn properties(field: &FieldDescriptor) -> String {
    let kind = match field.kind() {
        _ if field.is_map() => format!("map {:?}", field.kind()),
        Kind::Message(of) => of.full_name().to_owned(),
        Kind::Enum(of) => of.full_name().to_owned(),
        scalar => format!("{scalar:?}").to_lowercase(),
    };
    let label = match field.containing_oneof() {
        _ if field.is_list() => "repeated ".to_owned(),
        Some(oneof) if !oneof.name().starts_with('_') => format!("oneof {} ", oneof.name()),
        _ if field.supports_presence() => "optional ".to_owned(),
        _ => String::new(),
    };
    format!("{} {label}{kind} {}{}", field.number(), field.json_name(), options(&field.options()))
}

/// The options that are set, in the order of their numbers.
fn options(of: &DynamicMessage) -> String {
    let mut set: Vec<(u32, String)> =
        of.fields().map(|(field, value)| (field.number(), format!("{}={}", field.name(), text(value)))).collect();
    let extensions =
        of.extensions().map(|(field, value)| (field.number(), format!("{}={}", field.name(), text(value))));
    set.extend(extensions);
    set.sort();
    set.iter().map(|(_, option)| format!(" {option}")).collect()
}

fn text(value: &Value) -> String {
    match value {
        Value::Message(message) => format!("{{{} }}", options(message)),
        Value::List(values) => format!("[{}]", values.iter().map(text).collect::<Vec<_>>().join(", ")),
        Value::String(text) => format!("{text:?}"),
        Value::EnumNumber(number) | Value::I32(number) => number.to_string(),
        Value::U32(number) => number.to_string(),
        Value::Bool(set) => set.to_string(),
        other => format!("{other:?}"),
    }
}

/// The differences of two descriptions, one line each.
fn differences(baseline: &BTreeMap<String, String>, current: &BTreeMap<String, String>) -> Vec<String> {
    let mut found = Vec::new();
    for (element, was) in baseline {
        match current.get(element) {
            None => found.push(format!("{element} was removed")),
            Some(is) if is != was => found.push(format!("{element} was `{was}` and is `{is}`")),
            Some(_) => {}
        }
    }
    found.extend(current.keys().filter(|element| !baseline.contains_key(*element)).map(|new| format!("{new} is new")));
    found
}

fn read(text: &str) -> BTreeMap<String, String> {
    text.lines().filter_map(|line| line.split_once(": ")).map(|(key, value)| (key.into(), value.into())).collect()
}

#[test]
fn the_description_is_the_baseline() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../proto/baseline.txt");
    let current = elements();
    if std::env::var_os("BAILIWICK_BLESS").is_some() {
        let lines: String = current.iter().map(|(element, is)| format!("{element}: {}\n", is.trim_start())).collect();
        std::fs::write(&file, lines).unwrap();
    }
    assert!(
        current.values().any(|is| is.contains("idempotency_level=1"))
            && current.values().any(|is| is.contains("secret=true"))
    );
    let baseline = read(&std::fs::read_to_string(&file).unwrap_or_default());
    let current = current.into_iter().map(|(element, is)| (element, is.trim_start().to_owned())).collect();
    let found = differences(&baseline, &current);
    assert!(
        found.is_empty(),
        "{} differences from proto/baseline.txt; `cargo xtask proto --bless` accepts them after a review:\n  {}",
        found.len(),
        found.join("\n  ")
    );
}

#[test]
fn a_difference_names_its_element() {
    let user = "field bailiwick.iam.v1.CreateUserRequest.user_name";
    let rpc = "rpc /bailiwick.sts.v1.AssumeRoleService/AssumeRole";
    let current = elements();
    assert!(current[user].starts_with("2 optional string UserName rules={ required=true"), "{}", current[user]);
    let check = |change: fn(&mut BTreeMap<String, String>, &str), element: &str, expected: &str| {
        let mut changed = current.clone();
        change(&mut changed, element);
        let found = differences(&current, &changed);
        assert!(found.len() == 1 && found[0].starts_with(element) && found[0].contains(expected), "{found:?}");
    };
    check(|all, element| drop(all.remove(element)), user, "was removed");
    check(|all, element| drop(all.remove(element)), rpc, "was removed");
    check(|all, element| all.get_mut(element).unwrap().insert(0, '9'), user, "and is `9");
    check(
        |all, element| *all.get_mut(element).unwrap() = all[element].replace("UserName", "userName"),
        user,
        "userName",
    );
    check(|all, element| *all.get_mut(element).unwrap() = all[element].replace("string", "bytes"), user, "bytes");
    // How a call is authenticated is part of the description.
    check(
        |all, element| *all.get_mut(element).unwrap() = all[element].replace("authentication=", "authentication=9"),
        rpc,
        "authentication=9",
    );
    assert_eq!(
        differences(&BTreeMap::new(), &BTreeMap::from([("rpc /A/B".into(), String::new())])),
        ["rpc /A/B is new"]
    );
}
