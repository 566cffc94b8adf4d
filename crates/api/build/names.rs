//! Spelling of proto names in Rust, by prost and by us.

use heck::{ToSnakeCase, ToUpperCamelCase};
use prost_reflect::{FieldDescriptor, MessageDescriptor, OneofDescriptor};

/// The module of a package: `iam` for `bailiwick.iam.v1`.
pub(crate) fn module(package: &str) -> &str {
    package.split('.').nth(1).unwrap_or(package)
}

/// The path of a message's type from within the crate.
pub(crate) fn message(message: &MessageDescriptor) -> String {
    match message.full_name() {
        "google.protobuf.Timestamp" => "::prost_types::Timestamp".into(),
        _ => format!("crate::{}::{}", module(message.package_name()), message.name().to_upper_camel_case()),
    }
}

/// The path of a oneof's enum from within the crate.
pub(crate) fn oneof(oneof: &OneofDescriptor) -> String {
    let parent = oneof.parent_message();
    format!(
        "crate::{}::{}::{}",
        module(parent.package_name()),
        parent.name().to_snake_case(),
        oneof.name().to_upper_camel_case()
    )
}

/// The fields of a message as its file declares them, which is AWS's order; numbers follow when a member was added.
pub(crate) fn declared(message: &MessageDescriptor) -> impl Iterator<Item = FieldDescriptor> {
    let numbers = message.descriptor_proto().field.iter().filter_map(|f| u32::try_from(f.number()).ok());
    numbers.filter_map(|number| message.get_field(number))
}

/// The fields of a message in the order in which AWS reports their violations: that of a Java `HashMap` of their names.
/// Recorded answers have it, and the model's order does not explain them.
pub(crate) fn checked(message: &MessageDescriptor) -> Vec<FieldDescriptor> {
    let mut fields: Vec<FieldDescriptor> = declared(message).collect();
    // A map of Java grows when it is three quarters full.
    let buckets = u32::try_from((fields.len() * 4).div_ceil(3).next_power_of_two()).unwrap_or(u32::MAX).max(16);
    fields.sort_by_key(|field| {
        let hash =
            member(field).encode_utf16().fold(0u32, |hash, unit| hash.wrapping_mul(31).wrapping_add(unit.into()));
        (hash ^ (hash >> 16)) & (buckets - 1)
    });
    fields
}

/// Returns whether an operation answers an empty list itself: those that add tags or remove them, and the one that
/// replaces thumbprints. Each noun has its own error in AWS, or none.
pub(crate) fn may_be_empty(field: &FieldDescriptor) -> bool {
    let message = field.parent_message();
    let name = message.name();
    match field.name() {
        "tags" | "tag_keys" => name.starts_with("Tag") || name.starts_with("Untag"),
        "thumbprint_list" => name.starts_with("Update"),
        _ => false,
    }
}

/// A oneof's variant for a field.
pub(crate) fn variant(field: &FieldDescriptor) -> String {
    field.name().to_upper_camel_case()
}

/// A field, as prost names it.
pub(crate) fn field(name: &str) -> String {
    let name = name.to_snake_case();
    match name.as_str() {
        "type" | "ref" | "use" | "where" | "match" | "move" | "mod" | "in" | "as" => format!("r#{name}"),
        _ => name,
    }
}

/// A member as AWS names it in messages: the wire name with its first letter in lower case.
pub(crate) fn member(field: &FieldDescriptor) -> String {
    let mut letters = field.json_name().chars();
    letters.next().map(|first| first.to_lowercase().chain(letters).collect()).unwrap_or_default()
}
