use crate::{Validate, Violations};
use crate::{account, audit, authz, cloudtrail, iam, sts};

fn check(request: impl Validate, expected: &str) {
    let violations = request.validate();
    assert_eq!(if violations.is_empty() { String::new() } else { violations.to_string() }, expected);
}

fn tag(key: &str, value: Option<&str>) -> iam::Tag {
    iam::Tag { key: Some(key.into()), value: value.map(Into::into) }
}

#[test]
fn valid_requests_have_no_violations() {
    check(
        iam::CreateUserRequest { user_name: Some("Bob".into()), tags: vec![tag("a", Some(""))], ..Default::default() },
        "",
    );
}

#[test]
fn required() {
    check(
        iam::CreateUserRequest::default(),
        "1 validation error detected: Value at 'userName' failed to satisfy constraint: Member must not be null",
    );
    // The operation answers an empty list.
    check(iam::TagUserRequest { user_name: Some("a".into()), tags: vec![] }, "");
    check(
        iam::SimulateCustomPolicyRequest { policy_input_list: vec!["{}".into()], ..Default::default() },
        "1 validation error detected: Value at 'actionNames' failed to satisfy constraint: Member must not be null",
    );
}

#[test]
fn all_at_once_depth_first_in_awss_order() {
    check(
        iam::CreateUserRequest {
            path: Some(format!("/{}/", "p".repeat(511))),
            user_name: Some("n".repeat(65)),
            tags: vec![tag("ok", Some("ok")), tag("", None)],
            ..Default::default()
        },
        "5 validation errors detected: \
         Value at 'path' failed to satisfy constraint: Member must have length less than or equal to 512; \
         Value at 'userName' failed to satisfy constraint: Member must have length less than or equal to 64; \
         Value at 'tags.2.member.value' failed to satisfy constraint: Member must not be null; \
         Value at 'tags.2.member.key' failed to satisfy constraint: Member must satisfy regular expression pattern: [\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]+; \
         Value at 'tags.2.member.key' failed to satisfy constraint: Member must have length greater than or equal to 1",
    );
}

/// The orders are those of AWS's recorded answers, which are not those of the model.
#[test]
fn members_are_reported_in_awss_order() {
    fn order(request: impl Validate, expected: &[&str]) {
        let violations = request.validate();
        let mut members: Vec<&str> = violations.iter().map(|violation| violation.member.as_str()).collect();
        members.dedup();
        assert_eq!(members, expected);
    }
    order(
        iam::UpdateAccountPasswordPolicyRequest {
            max_password_age: Some(0),
            minimum_password_length: Some(0),
            password_reuse_prevention: Some(0),
            ..Default::default()
        },
        &["minimumPasswordLength", "passwordReusePrevention", "maxPasswordAge"],
    );
    order(
        iam::CreateOpenIdConnectProviderRequest {
            url: Some("u".repeat(256)),
            client_id_list: vec!["c".repeat(256)],
            thumbprint_list: vec!["t".into()],
            tags: vec![tag("", None)],
            ..Default::default()
        },
        &["clientIDList", "thumbprintList", "url", "tags.1.member.value", "tags.1.member.key"],
    );
}

#[test]
fn a_message_has_at_most_ten_violations() {
    let request = iam::TagUserRequest { user_name: Some("a".into()), tags: vec![iam::Tag::default(); 6] };
    let violations = request.validate();
    assert_eq!(violations.iter().count(), 12);
    let message = violations.to_string();
    assert!(message.starts_with("10 validation errors detected: Value at 'tags.1.member.value' "), "{message}");
    assert_eq!((message.matches("Value at ").count(), message.contains("tags.6.")), (10, false), "{message}");
}

#[test]
fn a_request_with_very_many_violations_is_not_checked_to_its_end() {
    let request = iam::TagUserRequest { user_name: Some("a".into()), tags: vec![iam::Tag::default(); 500_000] };
    let violations = request.validate();
    assert!((100..=102).contains(&violations.iter().count()), "{}", violations.iter().count());
    assert!(violations.to_string().contains("Member must have length less than or equal to 50"), "{violations}");
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
        "1 validation error detected: Value at 'status' failed to satisfy constraint: \
         Member must satisfy enum value set: [Active, Inactive, Expired]",
    );
    check(
        iam::ListUsersRequest { max_items: Some(1001), ..Default::default() },
        "1 validation error detected: Value at 'maxItems' failed to satisfy constraint: \
         Member must have value less than or equal to 1000",
    );
    check(
        iam::ListUsersRequest { max_items: Some(0), ..Default::default() },
        "1 validation error detected: Value at 'maxItems' failed to satisfy constraint: \
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
         Member must satisfy regular expression pattern: [\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]+, Member must not be null]",
    );
}

#[test]
fn sts_shows_values_and_iam_does_not() {
    check(
        sts::AssumeRoleRequest {
            role_arn: Some(String::new()),
            role_session_name: Some("s".into()),
            ..Default::default()
        },
        "3 validation errors detected: \
         Value 's' at 'roleSessionName' failed to satisfy constraint: Member must have length greater than or equal to 2; \
         Value '' at 'roleArn' failed to satisfy constraint: Member must satisfy regular expression pattern: \
         [\\u0009\\u000A\\u000D\\u0020-\\u007E\\u0085\\u00A0-\\uD7FF\\uE000-\\uFFFD\\u10000-\\u10FFFF]+; \
         Value '' at 'roleArn' failed to satisfy constraint: Member must have length greater than or equal to 20",
    );
    check(
        sts::AssumeRoleRequest {
            role_arn: Some("arn:aws:iam::111122223333:role/R".into()),
            role_session_name: Some("a b".into()),
            duration_seconds: Some(60),
            ..Default::default()
        },
        "2 validation errors detected: \
         Value '60' at 'durationSeconds' failed to satisfy constraint: Member must have value greater than or equal to 900; \
         Value 'a b' at 'roleSessionName' failed to satisfy constraint: Member must satisfy regular expression pattern: [\\w+=,.@-]*",
    );
    check(
        sts::AssumeRoleRequest { role_session_name: Some("ab".into()), ..Default::default() },
        "1 validation error detected: Value null at 'roleArn' failed to satisfy constraint: Member must not be null",
    );
}

#[test]
fn ids_of_service_specific_credentials_have_the_generic_sentence() {
    check(
        iam::DeleteServiceSpecificCredentialRequest {
            service_specific_credential_id: Some("an-id-with-hyphens-in-it".into()),
            ..Default::default()
        },
        "1 validation error detected: Value at 'serviceSpecificCredentialId' failed to satisfy constraint: \
         Member must satisfy regular expression pattern: [\\w]+",
    );
}

#[test]
fn names_paths_and_documents_have_specific_sentences() {
    let names = "It must contain only alphanumeric characters and/or the following: +=,.@_-";
    let path = "It must begin and end with / and contain only alphanumeric characters and/or / characters.";
    let prefix = "It must begin with the / character and contain only alphanumeric characters and/or / characters.";
    let printable = "It must contain only printable ASCII characters.";
    let check_sentence = |request: Violations, member: &str, words: &str| {
        assert_eq!(request.to_string(), format!("The specified value for {member} is invalid. {words}"));
    };
    let text = |value: &str| Some(value.to_owned());
    check_sentence(iam::GetUserRequest { user_name: text("a b") }.validate(), "userName", names);
    check_sentence(iam::GetUserRequest { user_name: text("") }.validate(), "userName", names);
    check_sentence(
        iam::GetGroupRequest { group_name: text("a/b"), ..Default::default() }.validate(),
        "groupName",
        names,
    );
    check_sentence(iam::GetRoleRequest { role_name: text("a:b") }.validate(), "roleName", names);
    check_sentence(
        iam::UpdateUserRequest { user_name: text("a"), new_user_name: text("ä"), ..Default::default() }.validate(),
        "newUserName",
        names,
    );
    check_sentence(
        iam::GetUserPolicyRequest { user_name: text("a"), policy_name: text("p\n") }.validate(),
        "policyName",
        names,
    );
    check_sentence(
        iam::GetInstanceProfileRequest { instance_profile_name: text("*") }.validate(),
        "instanceProfileName",
        names,
    );
    check_sentence(
        iam::GetServerCertificateRequest { server_certificate_name: text("a b") }.validate(),
        "serverCertificateName",
        names,
    );
    check_sentence(
        iam::CreateSamlProviderRequest {
            name: text("a+b"),
            saml_metadata_document: text(&"x".repeat(1000)),
            ..Default::default()
        }
        .validate(),
        "name",
        "It must contain only alphanumeric characters and/or the following: ._-",
    );
    check_sentence(
        iam::GetAccessKeyLastUsedRequest { access_key_id: text("AKIA-AAAAAAAAAAAAAAA") }.validate(),
        "accessKeyId",
        "It must contain only alphanumeric characters.",
    );
    check_sentence(
        iam::CreateUserRequest { user_name: text("a"), path: text("a"), ..Default::default() }.validate(),
        "path",
        path,
    );
    check_sentence(
        iam::CreatePolicyRequest {
            policy_name: text("a"),
            path: text("/a b/"),
            policy_document: text("{}"),
            ..Default::default()
        }
        .validate(),
        "path",
        path,
    );
    check_sentence(
        iam::ListUsersRequest { path_prefix: text("a"), ..Default::default() }.validate(),
        "pathPrefix",
        prefix,
    );
    check_sentence(
        iam::ListPoliciesRequest { path_prefix: text("/a"), ..Default::default() }.validate(),
        "pathPrefix",
        prefix,
    );
    check_sentence(
        iam::CreatePolicyRequest { policy_name: text("a"), policy_document: text("☃"), ..Default::default() }
            .validate(),
        "policyDocument",
        printable,
    );
    // The specific sentence comes before all other violations.
    let both = iam::ListUsersRequest { path_prefix: text("a"), max_items: Some(0), ..Default::default() }.validate();
    let members: Vec<&str> = both.iter().map(|violation| violation.member.as_str()).collect();
    assert_eq!(members, ["maxItems", "pathPrefix"]);
    check_sentence(both, "pathPrefix", prefix);
    // AWS reports the pattern for these.
    check(
        iam::GetPolicyVersionRequest {
            policy_arn: text("arn:aws:iam::aws:policy/ReadOnlyAccess"),
            version_id: text("1"),
        },
        "1 validation error detected: Value at 'versionId' failed to satisfy constraint: \
         Member must satisfy regular expression pattern: v[1-9][0-9]*(\\.[A-Za-z0-9-]*)?",
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
        "The specified value for oldPassword is invalid. It must contain only printable ASCII characters."
    );
}

#[test]
fn first_letter_alone_is_lowered() {
    let violations = iam::GetSshPublicKeyRequest::default().validate();
    let members: Vec<&str> = violations.iter().map(|v| v.member.as_str()).collect();
    assert_eq!(members, ["sSHPublicKeyId", "userName", "encoding"]);
}

#[test]
fn own_operations() {
    check(
        account::CreateAccountRequest {
            account_name: Some("Test".into()),
            email: Some("nobody".into()),
            ..Default::default()
        },
        "1 validation error detected: Value at 'email' failed to satisfy constraint: \
         Member must satisfy regular expression pattern: [^\\s@]+@[^\\s@]+\\.[^\\s@]+",
    );
    check(
        authz::AuthorizeRequest { action: "s3:GetObject".into(), resource: "*".into(), ..Default::default() },
        "1 validation error detected: Value at 'caller' failed to satisfy constraint: Member must not be null",
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
         Value at 'context.1.member.key' failed to satisfy constraint: Member must not be null",
    );
}

/// A time that no calendar has passed validation, and each handler had to refuse it in its own words.
#[test]
fn times() {
    let wrong = [(-62_135_596_801, 0), (253_402_300_800, 0), (i64::MIN, 0), (i64::MAX, 0), (0, -1), (0, 1_000_000_000)];
    let right = [(-62_135_596_800, 0), (253_402_300_799, 999_999_999), (0, 0)];
    let at = |(seconds, nanos)| Some(prost_types::Timestamp { seconds, nanos });
    let is = |member: &str| {
        format!(
            "1 validation error detected: Value at '{member}' failed to satisfy constraint: \
             Member must be a time of the years 1 to 9999, with 0 to 999999999 nanoseconds"
        )
    };
    let all = |time, [start, end]: [&str; 2]| {
        let principal_arn = format!("arn:aws:iam::111122223333:user/{}", "a".repeat(9));
        check(audit::SearchEventsRequest { start_time: at(time), ..Default::default() }, start);
        check(audit::SearchEventsRequest { end_time: at(time), ..Default::default() }, end);
        let request = audit::GeneratePolicyRequest { principal_arn, start_time: at(time), ..Default::default() };
        check(request, start);
        let changes = vec![audit::PolicyChange { change: None }];
        check(audit::ReplayRequest { changes, end_time: at(time), ..Default::default() }, end);
    };
    wrong.into_iter().for_each(|time| all(time, [&is("startTime"), &is("endTime")]));
    right.into_iter().for_each(|time| all(time, ["", ""]));
    let request = cloudtrail::LookupEventsRequest { start_time: at(wrong[0]), ..Default::default() };
    check(request, &is("startTime"));
}

/// The test above has every request with a time.
#[test]
fn requests_with_times() {
    let has_time = |message: prost_reflect::MessageDescriptor| {
        let is_time =
            |kind| matches!(kind, prost_reflect::Kind::Message(of) if of.full_name() == "google.protobuf.Timestamp");
        message.fields().any(|field| is_time(field.kind()))
    };
    let methods = crate::pool().services().flat_map(|service| service.methods().collect::<Vec<_>>());
    let mut found: Vec<String> =
        methods.filter(|method| has_time(method.input())).map(|method| method.name().to_owned()).collect();
    found.sort();
    assert_eq!(found, ["GeneratePolicy", "LookupEvents", "Replay", "SearchEvents"]);
}
