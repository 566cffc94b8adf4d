//! The proto files generate stubs in any language, and follow one naming convention each.

use std::collections::HashSet;

use bailiwick_api::pool;
use prost_reflect::FileDescriptor;

fn files() -> impl Iterator<Item = FileDescriptor> {
    pool().files().filter(|file| file.package_name().starts_with("bailiwick."))
}

/// `iam` of `bailiwick.iam.v1`.
fn package(file: &FileDescriptor) -> String {
    file.package_name().split('.').nth(1).unwrap_or_default().to_owned()
}

#[test]
fn every_file_says_where_stubs_go() {
    for file in files() {
        let name = package(&file);
        let capitalized = heck::ToUpperCamelCase::to_upper_camel_case(&*name);
        let options = file.file_descriptor_proto().options.as_ref().unwrap();
        assert_eq!(options.go_package(), format!("bailiwick/{name}/v1;{name}v1"), "{}", file.name());
        assert_eq!(options.java_package(), format!("bailiwick.{name}.v1"), "{}", file.name());
        assert_eq!(options.csharp_namespace(), format!("Bailiwick.{capitalized}.V1"), "{}", file.name());
        assert!(options.java_multiple_files(), "{}", file.name());
        // Otherwise the class of `role.proto` would be `Role`, which is also a message of another file.
        let class = heck::ToUpperCamelCase::to_upper_camel_case(file.name().rsplit('/').next().unwrap());
        assert_eq!(options.java_outer_classname(), class, "{}", file.name());
    }
}

/// Some generators omit the folder.
#[test]
fn names_of_files_are_unique_without_their_folder() {
    let mut seen = HashSet::new();
    for file in files() {
        let name = file.name().rsplit('/').next().unwrap().to_owned();
        assert!(seen.insert(name), "{}", file.name());
    }
}

/// protoc before 22 refuses `debug_redact`.
#[test]
fn no_option_is_younger_than_the_oldest_protoc() {
    for field in pool().all_messages().flat_map(|m| m.fields().collect::<Vec<_>>()) {
        let redact = field.options().get_field_by_name("debug_redact").and_then(|value| value.as_bool());
        assert_ne!(redact, Some(true), "{}", field.full_name());
    }
}

/// `CreateDate` in AWS's packages, `createDate` in ours.
#[test]
fn json_names_follow_their_package() {
    for message in pool().all_messages().filter(|m| m.package_name().starts_with("bailiwick.")) {
        let of_aws =
            matches!(message.package_name(), "bailiwick.cloudtrail.v1" | "bailiwick.iam.v1" | "bailiwick.sts.v1");
        for field in message.fields().filter(|_| !message.is_map_entry()) {
            // AWS has members that begin with a small letter, such as `arn` of a session policy; wire-check knows them.
            let camel = heck::ToLowerCamelCase::to_lower_camel_case(field.name());
            assert!(of_aws || field.json_name() == camel, "{} is {}", field.full_name(), field.json_name());
            let plain = |name: &str| name.replace('_', "").to_lowercase();
            assert_eq!(plain(field.json_name()), plain(field.name()), "{}", field.full_name());
        }
    }
}
