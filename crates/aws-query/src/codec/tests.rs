use std::borrow::Cow;
use std::collections::HashMap;

use bailiwick_api::{Operation, iam, op, sts};
use bailiwick_model::{ErrorCode, IamError};
use expect_test::{Expect, expect};
use prost::Message;
use prost_types::Timestamp;

use super::table::{Kind, ShapeId, Table};
use super::{decode_request, encode_error, encode_response, find_operation};

type Pair<'a> = (Cow<'a, str>, Cow<'a, str>);

fn pairs(text: &str) -> Vec<Pair<'_>> {
    let split = |p| str::split_once(p, '=').unwrap_or((p, ""));
    text.split('&').map(split).map(|(n, v)| (n.into(), v.into())).collect()
}

fn decode(text: &str) -> Result<bytes::Bytes, IamError> {
    let pairs = pairs(text);
    decode_request(find_operation(&pairs)?, &pairs)
}

fn check<M: Message + Default + std::fmt::Debug>(text: &str, expected: Expect) {
    let bytes = decode(text).unwrap();
    expected.assert_eq(&format!("{:?}", M::decode(bytes).unwrap()));
}

fn refused(text: &str, expected: Expect) {
    let error = decode(text).unwrap_err();
    expected.assert_eq(&format!("{} {}", error.code().wire(), error.message()));
}

fn answer<O: Operation>(response: &O::Response, json: bool) -> String {
    let encoded = encode_response(O::PATH, &response.encode_to_vec(), "id-1", json).unwrap();
    String::from_utf8(encoded.body).unwrap()
}

fn at(seconds: i64) -> Option<Timestamp> {
    Some(Timestamp { seconds, nanos: 999_999_999 })
}

#[test]
fn operations() {
    for (text, name) in [
        ("Action=GetUser&Version=2010-05-08", "GetUser"),
        ("Version=2011-06-15&Action=AssumeRoleWithSAML", "AssumeRoleWithSAML"),
        ("Action=GetCallerIdentity", "GetCallerIdentity"),
    ] {
        assert_eq!(find_operation(&pairs(text)).unwrap().name(), name);
    }
    refused("Version=2010-05-08", expect!["MissingAction the request has no `Action`"]);
    refused("Action=&Version=2010-05-08", expect!["MissingAction the request has no `Action`"]);
    refused("Action=getUser", expect!["InvalidAction Could not find operation getUser"]);
    refused(
        "Action=GetUser&Version=2011-06-15",
        expect!["InvalidAction Could not find operation GetUser for version 2011-06-15"],
    );
    refused(
        "Action=AssumeRoleWithLDAPIdentity&Version=2011-06-15&LDAPPassword=x",
        expect![[
            r#"InvalidAction Could not find operation AssumeRoleWithLDAPIdentity for version 2011-06-15: Bailiwick never asks for passwords of a directory. Connect the directory to an identity provider, such as AD FS, Entra ID or Keycloak, and call AssumeRoleWithSAML or AssumeRoleWithWebIdentity"#
        ]],
    );
    refused("Action=CreateAccount", expect!["InvalidAction Could not find operation CreateAccount"]);
    refused("Action=GetUser&Version=1", expect!["NoSuchVersion The requested version ( 1 ) is not valid."]);
    refused("Action=GetUser&Action=GetUser", expect!["InvalidQueryParameter parameter `Action` is there twice"]);
}

#[test]
fn members() {
    check::<iam::GetUserRequest>("Action=GetUser&Version=2010-05-08", expect!["GetUserRequest"]);
    check::<iam::GetUserRequest>("Action=GetUser&UserName=", expect![[r#"GetUserRequest { user_name: "" }"#]]);
    check::<iam::CreateUserRequest>(
        "Tags.member.2.Value=&UserName=Bob&Tags.member.1.Key=a&Tags.member.2.Key=b&Tags.member.1.Value=v&Action=CreateUser",
        expect![[
            r#"CreateUserRequest { user_name: "Bob", tags: [Tag { key: "a", value: "v" }, Tag { key: "b", value: "" }] }"#
        ]],
    );
    check::<iam::UpdateAccountPasswordPolicyRequest>(
        "Action=UpdateAccountPasswordPolicy&MinimumPasswordLength=8&RequireSymbols=true&HardExpiry=0",
        expect![
            "UpdateAccountPasswordPolicyRequest { minimum_password_length: 8, require_symbols: true, hard_expiry: false }"
        ],
    );
    check::<iam::SimulateCustomPolicyRequest>(
        "Action=SimulateCustomPolicy&ActionNames.member.1=s3:GetObject&ContextEntries.member.1.ContextKeyValues.member.2=b\
         &ContextEntries.member.1.ContextKeyValues.member.1=a&PolicyInputList.member.1={}",
        expect![[
            r#"SimulateCustomPolicyRequest { policy_input_list: ["{}"], action_names: ["s3:GetObject"], context_entries: [ContextEntry { context_key_values: ["a", "b"] }] }"#
        ]],
    );
    check::<sts::AssumeRoleRequest>(
        "Action=AssumeRole&PolicyArns.member.1.arn=arn:x&TokenCode=123456",
        expect![[
            r#"AssumeRoleRequest { policy_arns: [PolicyDescriptorType { arn: "arn:x" }], token_code: [redacted] }"#
        ]],
    );
}

#[test]
fn an_empty_list_is_an_empty_parameter() {
    check::<iam::TagUserRequest>("Action=TagUser&Tags=", expect!["TagUserRequest"]);
    refused("Action=TagUser&Tags=x", expect!["MalformedInput Unexpected list element termination"]);
}

#[test]
fn maps() {
    check::<iam::PutAccountPropertiesRequest>(
        "Action=PutAccountProperties&Properties.entry.1.key=a/b&Properties.entry.1.value=true",
        expect![[r#"PutAccountPropertiesRequest { properties: {"a/b": "true"} }"#]],
    );
    check::<iam::AcquireRoleRequest>(
        "Action=AcquireRole&ReplacementValues.entry.1.value.Values.member.1=x&ReplacementValues.entry.1.key=k",
        expect![[r#"AcquireRoleRequest { replacement_values: {"k": ReplacementValueEntry { values: ["x"] }} }"#]],
    );
    let put = |rest: &str| format!("Action=PutAccountProperties&Properties.{rest}");
    refused(&put("entry.1.key=a"), expect!["MalformedInput `Properties.entry.1` needs a key and a value"]);
    refused(&put("entry.1.value=a"), expect!["MalformedInput `Properties.entry.1` needs a key and a value"]);
    refused(&put("entry.1=a"), expect!["MalformedInput Unexpected complex element termination"]);
    refused(
        &put("member.1.key=a"),
        expect!["InvalidQueryParameter PutAccountProperties does not know the parameter `Properties.member.1.key`"],
    );
    refused(
        &put("entry.1.key=a&Properties.entry.1.value=x&Properties.entry.2.key=a&Properties.entry.2.value=y"),
        expect!["InvalidQueryParameter parameter `Properties.entry.2.key` is there twice"],
    );
}

#[test]
fn invalid_parameters_are_refused() {
    refused("Action=GetUser&Foo=1", expect!["InvalidQueryParameter GetUser does not know the parameter `Foo`"]);
    refused(
        "Action=GetUser&username=1",
        expect!["InvalidQueryParameter GetUser does not know the parameter `username`"],
    );
    refused(
        "Action=GetUser&UserName=a&UserName=b",
        expect!["InvalidQueryParameter parameter `UserName` is there twice"],
    );
    refused(
        "Action=GetUser&UserName.member.1=a",
        expect!["MalformedInput Start of structure or map found where not expected"],
    );
    refused("Action=TagUser&Tags.member.1=a", expect!["MalformedInput Unexpected complex element termination"]);
    refused(
        "Action=TagUser&Tags.1.Key=a",
        expect!["InvalidQueryParameter TagUser does not know the parameter `Tags.1.Key`"],
    );
    refused(
        "Action=TagUser&Tags.member.1.Key=a&Tags.member.1.Key=b",
        expect!["InvalidQueryParameter parameter `Tags.member.1.Key` is there twice"],
    );
    refused("Action=TagUser&Tags=&Tags=", expect!["InvalidQueryParameter parameter `Tags` is there twice"]);
    refused("Action=TagUser&Tags.member.2.Key=a", expect!["MalformedInput list `Tags` has item 2 but no item 1"]);
    refused(
        "Action=TagUser&Tags.member.1.Key=a&Tags.member.3.Key=c",
        expect!["MalformedInput list `Tags` has item 3 but no item 2"],
    );
    for index in ["0", "01", "+1", "-1", "2001", "99999999999999999999", "", "x", "1 "] {
        let error = decode(&format!("Action=TagUser&Tags.member.{index}.Key=a")).unwrap_err();
        assert_eq!(error.code(), ErrorCode::MalformedInput, "{index}");
    }
    for number in ["", "abc", "1.5", "+1", "2147483648", " 1", "0x1", "١"] {
        let error = decode(&format!("Action=ListUsers&MaxItems={number}")).unwrap_err();
        assert_eq!(error.message(), "the value of `MaxItems` is not an integer", "{number}");
    }
    refused(
        "Action=CreateLoginProfile&PasswordResetRequired=yes",
        expect!["MalformedInput boolean must follow xsd1.1 definition"],
    );
}

#[test]
fn refusals_contain_no_secrets() {
    let error = decode("Action=ChangePassword&OldPassword.x=hush&NewPassword=hush2").unwrap_err();
    assert!(!format!("{error:?} {}", error.message()).contains("hush"));
}

#[test]
fn xml() {
    let user = iam::User {
        path: Some("/a/".into()),
        user_name: Some("B&b<'\"".into()),
        create_date: at(1_767_323_045),
        tags: vec![iam::Tag { key: Some("k".into()), value: Some("é\r\n\u{1}\u{ffff}🙂".into()) }],
        ..Default::default()
    };
    expect!["<GetUserResponse xmlns=\"https://iam.amazonaws.com/doc/2010-05-08/\"><GetUserResult><User><Path>/a/</Path><UserName>B&amp;b&lt;&apos;&quot;</UserName><CreateDate>2026-01-02T03:04:05Z</CreateDate><Tags><member><Key>k</Key><Value>é&#xD;\n��🙂</Value></member></Tags></User></GetUserResult><ResponseMetadata><RequestId>id-1</RequestId></ResponseMetadata></GetUserResponse>"]
        .assert_eq(&answer::<op::GetUser>(&iam::GetUserResponse { user: Some(user) }, false));
}

#[test]
fn no_output_no_result() {
    expect![[r#"<DeleteUserResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><ResponseMetadata><RequestId>id-1</RequestId></ResponseMetadata></DeleteUserResponse>"#]]
        .assert_eq(&answer::<op::DeleteUser>(&iam::DeleteUserResponse {}, false));
    // The only operation with an output without members.
    let shown = answer::<op::UpdateRole>(&iam::UpdateRoleResponse {}, false);
    assert!(shown.contains("<UpdateRoleResult></UpdateRoleResult><ResponseMetadata>"), "{shown}");
}

#[test]
fn empty_lists_are_written_where_aws_writes_them() {
    let response = iam::ListUsersResponse { is_truncated: Some(false), ..Default::default() };
    let shown = answer::<op::ListUsers>(&response, false);
    assert!(shown.contains("<ListUsersResult><Users/><IsTruncated>false</IsTruncated></ListUsersResult>"), "{shown}");
    let shown = answer::<op::ListEntitiesForPolicy>(&Default::default(), false);
    assert!(shown.contains("Result><PolicyGroups/><PolicyUsers/><PolicyRoles/></List"), "{shown}");
    let shown = answer::<op::GetUser>(&iam::GetUserResponse { user: Some(Default::default()) }, false);
    assert!(shown.contains("<GetUserResult><User></User></GetUserResult>"), "{shown}");
}

#[test]
fn an_empty_map_is_written_before_a_later_member() {
    let check = |resources, expected: Expect| {
        let result = iam::EvaluationResult {
            eval_decision: Some("allowed".into()),
            resource_specific_results: resources,
            ..Default::default()
        };
        let response = iam::SimulateCustomPolicyResponse { evaluation_results: vec![result], ..Default::default() };
        let shown = answer::<op::SimulateCustomPolicy>(&response, false);
        let (_, member) = shown.split_once("<EvaluationResults>").unwrap();
        expected.assert_eq(member.split_once("</EvaluationResults>").unwrap().0);
    };
    check(
        vec![],
        expect!["<member><EvalDecision>allowed</EvalDecision><MatchedStatements/><MissingContextValues/></member>"],
    );
    check(
        vec![Default::default()],
        expect![
            "<member><EvalDecision>allowed</EvalDecision><MatchedStatements/><MissingContextValues/><EvalDecisionDetails></EvalDecisionDetails><ResourceSpecificResults><member><MatchedStatements/><MissingContextValues/></member></ResourceSpecificResults></member>"
        ],
    );
}

#[test]
fn documents_are_percent_encoded_once() {
    let role = iam::Role {
        assume_role_policy_document: Some("{\"a b\": \"é%3A*-._~\"}\n".into()),
        description: Some("a b".into()),
        ..Default::default()
    };
    let shown = answer::<op::GetRole>(&iam::GetRoleResponse { role: Some(role) }, false);
    let expected = "<AssumeRolePolicyDocument>%7B%22a%20b%22%3A%20%22%C3%A9%253A%2A-._~%22%7D%0A</AssumeRolePolicyDocument><Description>a b</Description>";
    assert!(shown.contains(expected), "{shown}");
}

#[test]
fn maps_and_bytes() {
    let summary_map = HashMap::from([("Users".into(), 3), ("AccountMFAEnabled".into(), 0), ("Groups".into(), 15)]);
    let shown = answer::<op::GetAccountSummary>(&iam::GetAccountSummaryResponse { summary_map }, false);
    let expected = "<SummaryMap><entry><key>AccountMFAEnabled</key><value>0</value></entry><entry><key>Groups</key><value>15</value></entry><entry><key>Users</key><value>3</value></entry></SummaryMap>";
    assert!(shown.contains(expected), "{shown}");
    let response = iam::GetCredentialReportResponse { content: Some("user,arn".into()), ..Default::default() };
    let shown = answer::<op::GetCredentialReport>(&response, false);
    assert!(shown.contains("<Content>dXNlcixhcm4=</Content>"), "{shown}");
}

#[test]
fn json() {
    let credentials = sts::Credentials {
        access_key_id: Some("ASIA".into()),
        secret_access_key: Some("s\"\\\u{1}".into()),
        session_token: Some("t".into()),
        expiration: at(1_767_323_045),
    };
    let response =
        sts::AssumeRoleResponse { credentials: Some(credentials), packed_policy_size: Some(0), ..Default::default() };
    expect![[r#"{"AssumeRoleResponse":{"AssumeRoleResult":{"Credentials":{"AccessKeyId":"ASIA","SecretAccessKey":"s\"\\\u0001","SessionToken":"t","Expiration":1767323045},"PackedPolicySize":0},"ResponseMetadata":{"RequestId":"id-1"}}}"#]]
        .assert_eq(&answer::<op::AssumeRole>(&response, true));
    let parsed: serde_json::Value = serde_json::from_str(&answer::<op::AssumeRole>(&response, true)).unwrap();
    assert_eq!(parsed["AssumeRoleResponse"]["AssumeRoleResult"]["Credentials"]["SecretAccessKey"], "s\"\\\u{1}");
}

#[test]
fn errors() {
    let error = IamError::new(ErrorCode::NoSuchEntity, "The user with name <b> cannot be found.");
    let encoded = encode_error("iam", &error, "id-1");
    assert_eq!(encoded.content_type, "text/xml");
    expect![[r#"<ErrorResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><Error><Type>Sender</Type><Code>NoSuchEntity</Code><Message>The user with name &lt;b&gt; cannot be found.</Message></Error><RequestId>id-1</RequestId></ErrorResponse>"#]]
        .assert_eq(&String::from_utf8(encoded.body).unwrap());
    let shown = String::from_utf8(encode_error("sts", &IamError::internal("disk"), "id-2").body).unwrap();
    assert!(shown.starts_with("<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">"), "{shown}");
    assert!(shown.contains("<Type>Receiver</Type><Code>ServiceFailure</Code>") && !shown.contains("disk"), "{shown}");
}

#[test]
fn invalid_response_bytes_are_a_service_failure() {
    for bytes in
        [&[0x0a][..], &[0x0a, 5, 1], &[0x0d, 0, 0, 0, 0], &[0xfa, 0x7f, 0], &[0x08, 1], &[0x0a, 1, 0x08], &[0x80; 11]]
    {
        let error = encode_response(op::GetUser::PATH, bytes, "id", false).unwrap_err();
        assert_eq!(error.code(), ErrorCode::ServiceFailure, "{bytes:x?}");
    }
    assert!(encode_response("/bailiwick.account.v1.AccountService/ListAccounts", &[], "id", false).is_err());
}

/// Features that the codec does not support, because neither model uses them.
#[test]
fn requests_have_no_dates() {
    fn walk(table: &Table, id: ShapeId) {
        for member in &table.shape(id).members {
            match member.kind {
                Kind::Structure(inner) | Kind::Map(inner) => walk(table, inner),
                kind => assert_ne!(kind, Kind::Time, "{}", member.name),
            }
        }
    }
    let table = Table::read().expect("every descriptor can be carried");
    let operations = bailiwick_api::OPERATIONS.iter().filter_map(|o| table.operation(o.name));
    assert_eq!(operations.map(|o| walk(&table, o.request)).count(), 193);
}

mod properties {
    use proptest::prelude::*;
    use quick_xml::events::Event;

    use super::*;

    /// All text of a document, as parsed.
    fn text_of(document: &str) -> String {
        let mut reader = quick_xml::Reader::from_str(document);
        let mut text = String::new();
        loop {
            match reader.read_event().unwrap() {
                Event::Text(part) => text.push_str(&part),
                Event::GeneralRef(reference) => match reference.resolve_char_ref().unwrap() {
                    Some(c) => text.push(c),
                    None => text.push_str(quick_xml::escape::resolve_predefined_entity(&reference).unwrap()),
                },
                Event::Eof => return text,
                _ => {}
            }
        }
    }

    proptest! {
        #[test]
        fn any_text_survives_xml(value in any::<String>()) {
            let user = iam::User { user_name: Some(value.clone()), ..Default::default() };
            let shown = answer::<op::GetUser>(&iam::GetUserResponse { user: Some(user) }, false);
            let carried: String = value
                .chars()
                .map(|c| if matches!(c, '\0'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}') { '\u{fffd}' } else { c })
                .collect();
            prop_assert_eq!(text_of(&shown), format!("{carried}id-1"));
        }

        #[test]
        fn order_does_not_matter(mut order in Just((0..12usize).collect::<Vec<_>>()).prop_shuffle()) {
            let all: Vec<String> = (1..=6).flat_map(|i| [format!("Tags.member.{i}.Key"), format!("Tags.member.{i}.Value")]).collect();
            let spell = |order: &[usize]| {
                let parts: Vec<String> = order.iter().map(|i| format!("{}={i}", all[*i])).collect();
                decode(&format!("Action=TagUser&{}", parts.join("&"))).unwrap()
            };
            let shuffled = spell(&order);
            order.sort_unstable();
            prop_assert_eq!(shuffled, spell(&order));
        }

        #[test]
        fn nothing_panics(name in "[A-Za-z.0-9]{0,40}", value in any::<String>(), action in "TagUser|SimulateCustomPolicy|AssumeRole") {
            let pairs: Vec<Pair<'_>> = vec![("Action".into(), action.into()), (name.clone().into(), value.clone().into()), (format!("Tags.member.1.{name}").into(), value.into())];
            let _ = decode_request(find_operation(&pairs).unwrap(), &pairs);
        }

        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = encode_response(op::GetAccountAuthorizationDetails::PATH, &bytes, "id", false);
            let _ = encode_response(op::AssumeRole::PATH, &bytes, "id", true);
        }
    }
}

/// The same message is written with an empty list by the operations that AWS writes it for, and without by others.
#[test]
fn lists_that_one_operation_shows_when_empty() {
    let policy = Some(iam::Policy { policy_name: Some("P".into()), ..Default::default() });
    let shown = answer::<op::GetPolicy>(&iam::GetPolicyResponse { policy: policy.clone() }, false);
    assert!(shown.contains("<Policy><PolicyName>P</PolicyName><Tags/></Policy>"), "{shown}");
    let made = answer::<op::CreatePolicy>(&iam::CreatePolicyResponse { policy: policy.clone() }, false);
    assert!(made.contains("<Policy><PolicyName>P</PolicyName></Policy>"), "{made}");
    let listed = iam::ListPoliciesResponse { policies: policy.into_iter().collect(), ..Default::default() };
    let listed = answer::<op::ListPolicies>(&listed, false);
    assert!(listed.contains("<member><PolicyName>P</PolicyName></member>"), "{listed}");
}
