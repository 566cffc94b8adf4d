use crate::Validate;
use crate::{account, authz, iam, sts};

fn check(request: impl Validate, expected: &str) {
    let violations = request.validate();
    assert_eq!(if violations.is_empty() { String::new() } else { violations.to_string() }, expected);
}

fn tag(key: &str, value: Option<&str>) -> iam::Tag {
    iam::Tag { key: Some(key.into()), value: value.map(Into::into) }
}

#[test]
fn nothing_wrong() {
    check(
        iam::CreateUserRequest { user_name: Some("Bob".into()), tags: vec![tag("a", Some(""))], ..Default::default() },
        "",
    );
}

#[test]
fn required() {
    check(
        iam::CreateUserRequest::default(),
        "1 validation error detected: Value null at 'userName' failed to satisfy constraint: Member must not be null",
    );
    check(
        iam::TagUserRequest { user_name: Some("a".into()), tags: vec![] },
        "1 validation error detected: Value null at 'tags' failed to satisfy constraint: Member must not be null",
    );
}

#[test]
fn all_at_once_depth_first_in_member_order() {
    check(
        iam::CreateUserRequest {
            path: Some("x".into()),
            user_name: Some("n".repeat(65)),
            tags: vec![tag("ok", Some("ok")), tag("", None)],
            ..Default::default()
        },
        "5 validation errors detected: \
         Value 'x' at 'path' failed to satisfy constraint: Member must satisfy regular expression pattern: (\\u002F)|(\\u002F[\\u0021-\\u007E]+\\u002F); \
         Value at 'userName' failed to satisfy constraint: Member must have length less than or equal to 64; \
         Value '' at 'tags.2.member.key' failed to satisfy constraint: Member must satisfy regular expression pattern: [\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]+; \
         Value at 'tags.2.member.key' failed to satisfy constraint: Member must have length greater than or equal to 1; \
         Value null at 'tags.2.member.value' failed to satisfy constraint: Member must not be null",
    );
}

#[test]
fn characters_are_counted_rather_than_bytes() {
    let value =
        |n: usize| iam::TagUserRequest { user_name: Some("a".into()), tags: vec![tag("k", Some(&"値".repeat(n)))] };
    check(value(256), "");
    check(
        value(257),
        "1 validation error detected: Value at 'tags.1.member.value' failed to satisfy constraint: \
         Member must have length less than or equal to 256",
    );
}

#[test]
fn allowed_values_and_ranges() {
    check(
        iam::UpdateAccessKeyRequest {
            access_key_id: Some("AKIAIOSFODNN7EXAMPLE".into()),
            status: Some("active".into()),
            ..Default::default()
        },
        "1 validation error detected: Value 'active' at 'status' failed to satisfy constraint: \
         Member must satisfy enum value set: [Active, Inactive, Expired]",
    );
    check(
        iam::ListUsersRequest { max_items: Some(1001), ..Default::default() },
        "1 validation error detected: Value '1001' at 'maxItems' failed to satisfy constraint: \
         Member must have value less than or equal to 1000",
    );
    check(
        iam::ListUsersRequest { max_items: Some(0), ..Default::default() },
        "1 validation error detected: Value '0' at 'maxItems' failed to satisfy constraint: \
         Member must have value greater than or equal to 1",
    );
}

#[test]
fn lists() {
    check(
        iam::TagUserRequest { user_name: Some("a".into()), tags: vec![tag("k", Some("v")); 51] },
        "1 validation error detected: Value at 'tags' failed to satisfy constraint: \
         Member must have length less than or equal to 50",
    );
    check(
        iam::UntagUserRequest { user_name: Some("a".into()), tag_keys: vec!["a".into(), "*".into()] },
        "1 validation error detected: Value at 'tagKeys' failed to satisfy constraint: Member must satisfy constraint: \
         [Member must have length less than or equal to 128, Member must have length greater than or equal to 1, \
         Member must satisfy regular expression pattern: [\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]+]",
    );
}

#[test]
fn sts_names_values_of_every_length() {
    check(
        sts::AssumeRoleRequest {
            role_arn: Some(String::new()),
            role_session_name: Some("s".into()),
            ..Default::default()
        },
        "3 validation errors detected: \
         Value '' at 'roleArn' failed to satisfy constraint: Member must satisfy regular expression pattern: \
         [\\u0009\\u000A\\u000D\\u0020-\\u007E\\u0085\\u00A0-\\uD7FF\\uE000-\\uFFFD\\u10000-\\u10FFFF]+; \
         Value '' at 'roleArn' failed to satisfy constraint: Member must have length greater than or equal to 20; \
         Value 's' at 'roleSessionName' failed to satisfy constraint: Member must have length greater than or equal to 2",
    );
}

#[test]
fn secrets_are_never_named() {
    let shown =
        iam::ChangePasswordRequest { old_password: Some("pass\u{100}word".into()), new_password: Some("x".into()) }
            .validate()
            .to_string();
    assert_eq!(
        shown,
        "1 validation error detected: Value at 'oldPassword' failed to satisfy constraint: \
         Member must satisfy regular expression pattern: [\\u0009\\u000A\\u000D\\u0020-\\u00FF]+"
    );
}

#[test]
fn first_letter_alone_is_lowered() {
    let violations = iam::GetSshPublicKeyRequest::default().validate();
    let members: Vec<&str> = violations.iter().map(|v| v.member.as_str()).collect();
    assert_eq!(members, ["userName", "sSHPublicKeyId", "encoding"]);
}

#[test]
fn own_operations() {
    check(
        account::CreateAccountRequest {
            account_name: Some("Test".into()),
            email: Some("nobody".into()),
            ..Default::default()
        },
        "1 validation error detected: Value 'nobody' at 'email' failed to satisfy constraint: \
         Member must satisfy regular expression pattern: [^\\s@]+@[^\\s@]+\\.[^\\s@]+",
    );
    check(
        authz::AuthorizeRequest { action: "s3:GetObject".into(), resource: "*".into(), ..Default::default() },
        "1 validation error detected: Value null at 'caller' failed to satisfy constraint: Member must not be null",
    );
    let who = authz::caller::Who::PrincipalArn("short".into());
    check(
        authz::AuthorizeRequest {
            caller: Some(authz::Caller { who: Some(who) }),
            action: "s3:GetObject".into(),
            resource: "*".into(),
            context: vec![authz::ContextEntry::default()],
            ..Default::default()
        },
        "2 validation errors detected: \
         Value at 'caller.principalArn' failed to satisfy constraint: Member must have length greater than or equal to 20; \
         Value null at 'context.1.member.key' failed to satisfy constraint: Member must not be null",
    );
}
