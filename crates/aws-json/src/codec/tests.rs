//! What is read and written, and every refusal.

use bailiwick_api::cloudtrail::{DescribeTrailsRequest, Event, LookupEventsRequest, LookupEventsResponse, Resource};
use bailiwick_api::iamtoolbox::{GetRequestAuthorizationDetailsResponse, GetRequestAuthorizationPolicyRequest};
use bailiwick_api::{OPERATIONS, find_operation};
use bailiwick_model::{ErrorCode, IamError};
use expect_test::{Expect, expect};
use http::Request;
use prost::Message;
use prost_reflect::{Kind, MessageDescriptor};

use super::*;

const CLOUDTRAIL: &str = "com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101";

fn read<M: Message + Default>(operation: &str, body: &str) -> Result<M> {
    let request = Request::post("/")
        .header("content-type", "application/x-amz-json-1.1")
        .header("x-amz-target", format!("{CLOUDTRAIL}.{operation}"));
    let (head, ()) = request.body(()).unwrap().into_parts();
    let decoded = decode_request(Protocol::Json11, &head, body.as_bytes()).unwrap();
    assert_eq!(decoded.operation.name, operation);
    decoded.message.map(|message| M::decode(message).unwrap())
}

#[test]
fn members_have_their_json_names() {
    let body = r#"{"LookupAttributes": [{"AttributeKey": "Username", "AttributeValue": "h\u00e9ron \ud83e\udeb6"}],
        "StartTime": 1480462412, "EndTime": 1480462412.1234, "MaxResults": 7, "NextToken": null, "__type": "x"}"#;
    let read_one = read::<LookupEventsRequest>("LookupEvents", body).unwrap();
    let attribute = &read_one.lookup_attributes[0];
    assert_eq!(attribute.attribute_value.as_deref(), Some("héron 🪶"));
    assert_eq!(read_one.max_results, Some(7));
    assert_eq!(read_one.next_token, None);
    let time = |time: Option<prost_types::Timestamp>| time.map(|time| (time.seconds, time.nanos));
    assert_eq!(time(read_one.start_time), Some((1_480_462_412, 0)));
    assert_eq!(time(read_one.end_time), Some((1_480_462_412, 123_400_000)));
    for empty in ["", "{}", " {\n} "] {
        assert_eq!(read::<LookupEventsRequest>("LookupEvents", empty).unwrap(), LookupEventsRequest::default());
    }
    let body = r#"{"trailNameList": [], "includeShadowTrails": false}"#;
    let expected = DescribeTrailsRequest { include_shadow_trails: Some(false), ..Default::default() };
    assert_eq!(read::<DescribeTrailsRequest>("DescribeTrails", body).unwrap(), expected);
    let before = read::<LookupEventsRequest>("LookupEvents", r#"{"StartTime": -0.25}"#).unwrap();
    assert_eq!(time(before.start_time), Some((-1, 750_000_000)));
    let up = read::<LookupEventsRequest>("LookupEvents", r#"{"StartTime": 5.9999999}"#).unwrap();
    assert_eq!(time(up.start_time), Some((6, 0)));
}

fn get(target: &str) -> Result<GetRequestAuthorizationPolicyRequest> {
    let (head, ()) = Request::get(target).body(()).unwrap().into_parts();
    let decoded = decode_request(Protocol::RestJson, &head, b"")?;
    assert_eq!(decoded.operation.name, "GetRequestAuthorizationPolicy");
    decoded.message.map(|message| GetRequestAuthorizationPolicyRequest::decode(message).unwrap())
}

#[test]
fn members_are_in_the_path_and_the_query_string() {
    let read = get("/authorization-details/0%61%2Fb/policy?policyUri=arn%3Aaws%3Aiam&X-Amz-Signature=00").unwrap();
    assert_eq!(read.authorization_id.as_deref(), Some("0a/b"));
    assert_eq!(read.policy_uri.as_deref(), Some("arn:aws:iam"));
    assert_eq!(get("/authorization-details/0/policy").unwrap().policy_uri, None);
    for (target, expected) in [
        ("/authorization-details/0/policy?policyUri=S3cret&policyUri=b", "the parameter `policyUri` occurs twice"),
        ("/authorization-details/0/policy?authorizationId=S3cret", "the query string has an unknown parameter"),
        ("/authorization-details/0/policy?nextToken=S3cret", "the query string has an unknown parameter"),
        ("/authorization-details/0/policy?policyUri=%zz", "a percent sign"),
        ("/authorization-details/%ff/policy", "the target is not UTF-8"),
        ("/authorization-details//policy", "there is no such operation"),
        ("/authorization-details/0/policy/", "there is no such operation"),
        ("/authorization-details", "there is no such operation"),
    ] {
        let error = get(target).unwrap_err();
        assert!(error.message().starts_with(expected) && !error.message().contains("S3cret"), "{target}: {error:?}");
    }
    let many = format!("/authorization-details/0/policy?{}", "a=b&".repeat(1_000));
    assert!(get(&many).is_err());
}

#[test]
fn every_other_body_is_refused_without_its_values() {
    let deep = format!("{{\"LookupAttributes\": {}", "[".repeat(100_000));
    let nested = format!("{{\"x\":{}", "{\"x\":".repeat(100_000));
    let many = format!("{{\"LookupAttributes\": [{}", "{},".repeat(340_000));
    for (body, expected) in [
        ("null", "the whole must be an object"),
        ("[{}]", "the whole must be an object"),
        ("\"S3cret\"", "the whole must be an object"),
        ("\u{feff}{}", "expected value"),
        ("{} {\"a\": \"S3cret\"}", "trailing characters"),
        ("{\"NextToken\": \"S3cret", "EOF while parsing a string"),
        ("{\"NextToken\": \"S3cret\",}", "trailing comma"),
        ("{'NextToken': 'S3cret'}", "key must be a string"),
        ("{\"NextToken\": \"\\ud800S3cret\"}", "unexpected end of hex escape"),
        ("{\"NextToken\": 5}", "NextToken must be a string"),
        ("{\"NextToken\": [\"S3cret\"]}", "NextToken must be a string"),
        ("{\"NextToken\": {\"a\": \"S3cret\"}}", "NextToken must be a string"),
        ("{\"MaxResults\": \"5\"}", "MaxResults must be a whole number of 32 bits"),
        ("{\"MaxResults\": 5.0}", "MaxResults must be a whole number of 32 bits"),
        ("{\"MaxResults\": 2147483648}", "MaxResults must be a whole number of 32 bits"),
        ("{\"MaxResults\": 18446744073709551615}", "MaxResults must be a whole number of 32 bits"),
        ("{\"MaxResults\": true}", "MaxResults must be a whole number of 32 bits"),
        ("{\"StartTime\": \"2026-01-01\"}", "StartTime must be a number of seconds since 1970"),
        ("{\"StartTime\": 1e300}", "StartTime must be a number of seconds since 1970"),
        ("{\"StartTime\": -1e300}", "StartTime must be a number of seconds since 1970"),
        ("{\"StartTime\": 253402300800}", "StartTime must be a number of seconds since 1970"),
        ("{\"StartTime\": 1e999}", "number out of range"),
        ("{\"LookupAttributes\": {}}", "LookupAttributes must be a list"),
        ("{\"LookupAttributes\": \"S3cret\"}", "LookupAttributes must be a list"),
        ("{\"LookupAttributes\": [{}, null]}", "LookupAttributes[2] must be an object"),
        ("{\"LookupAttributes\": [{\"AttributeKey\": 1}]}", "LookupAttributes[1].AttributeKey must be a string"),
        ("{\"LookupAttributes\": [{\"Key\": 1}]}", "LookupAttributes[1] has the unknown member `Key`"),
        ("{\"nextToken\": \"S3cret\"}", "the whole has the unknown member `nextToken`"),
        ("{\"S3cret and more\": 1}", "the whole has the unknown member"),
        ("{\"NextToken\": \"a\", \"NextToken\": \"S3cret\"}", "the whole has the member `NextToken` twice"),
        ("{\"NextToken\": null, \"NextToken\": null}", "the whole has the member `NextToken` twice"),
        ("{\"__type\": \"a\", \"__type\": \"b\"}", "the whole has the member `__type` twice"),
        ("{\"__type\": {}}", "__type must be a string"),
        (&deep, "LookupAttributes[1] must be an object"),
        (&nested, "the whole has the unknown member `x`"),
        (&many, "LookupAttributes has more than 2000 items"),
    ] {
        let error = read::<LookupEventsRequest>("LookupEvents", body).unwrap_err();
        let message = error.message();
        assert!(message.starts_with("the body: ") && message.contains(expected), "{body:.80}: {message}");
        assert!(!message.contains("S3cret"), "{message}");
        assert_eq!(error.code(), ErrorCode::MalformedInput);
    }
    let not_utf8 = b"{\"NextToken\": \"\xff\"}";
    assert!(decode::object(find_operation("LookupEvents").unwrap().request_descriptor().unwrap(), not_utf8).is_err());
}

fn check_response(message: &impl Message, operation: &str, expected: &Expect) {
    let body = encode_response(find_operation(operation).unwrap(), &message.encode_to_vec()).unwrap();
    expected.assert_eq(&String::from_utf8(body).unwrap());
}

#[test]
fn responses_have_what_is_set() {
    let none = expect![[r#"{"Events":[]}"#]];
    check_response(&LookupEventsResponse::default(), "LookupEvents", &none);
    let event = Event {
        event_id: Some("1".into()),
        event_time: Some(prost_types::Timestamp { seconds: 1_480_462_412, nanos: 5_000_000 }),
        username: Some("a\"\\\n🪶".into()),
        resources: vec![Resource { resource_type: None, resource_name: Some(String::new()) }],
        cloud_trail_event: Some("{\"a\":1}".into()),
        ..Event::default()
    };
    let response = LookupEventsResponse { events: vec![event], next_token: Some("t".into()) };
    let expected = expect![[
        r#"{"Events":[{"EventId":"1","EventTime":1480462412.005,"Username":"a\"\\\n🪶","Resources":[{"ResourceName":""}],"CloudTrailEvent":"{\"a\":1}"}],"NextToken":"t"}"#
    ]];
    check_response(&response, "LookupEvents", &expected);
}

#[test]
fn documents_are_json_and_required_maps_are_there() {
    let none = expect![[r#"{"requestContext":{},"evaluations":[],"policies":[]}"#]];
    let operation = "GetRequestAuthorizationDetails";
    check_response(&GetRequestAuthorizationDetailsResponse::default(), operation, &none);
    let response = GetRequestAuthorizationDetailsResponse {
        request_context: [("b".into(), r#"["x", "y"]"#.into()), ("a".into(), "\"x\"".into())].into(),
        ..Default::default()
    };
    let expected = expect![[r#"{"requestContext":{"a":"x","b":["x", "y"]},"evaluations":[],"policies":[]}"#]];
    check_response(&response, operation, &expected);
}

#[test]
fn errors_have_the_names_of_the_protocols() {
    for (code, json, rest) in [
        (ErrorCode::AccessDenied, (400, "AccessDeniedException"), (403, "AccessDeniedException")),
        (ErrorCode::InvalidClientTokenId, (400, "UnrecognizedClientException"), (403, "UnrecognizedClientException")),
        (ErrorCode::SignatureDoesNotMatch, (400, "InvalidSignatureException"), (403, "InvalidSignatureException")),
        (ErrorCode::ExpiredToken, (400, "ExpiredTokenException"), (403, "ExpiredTokenException")),
        (ErrorCode::ExpiredTokenException, (400, "ExpiredTokenException"), (403, "ExpiredTokenException")),
        (ErrorCode::IncompleteSignature, (400, "IncompleteSignatureException"), (403, "IncompleteSignatureException")),
        (ErrorCode::Throttling, (400, "ThrottlingException"), (429, "ThrottlingException")),
        (ErrorCode::ValidationError, (400, "ValidationException"), (400, "ValidationException")),
        (ErrorCode::MalformedInput, (400, "SerializationException"), (400, "SerializationException")),
        (ErrorCode::MalformedQueryString, (400, "SerializationException"), (400, "SerializationException")),
        (ErrorCode::InvalidAction, (400, "UnknownOperationException"), (404, "UnknownOperationException")),
        (ErrorCode::TrailNotFound, (400, "TrailNotFoundException"), (400, "TrailNotFoundException")),
        (ErrorCode::ServiceFailure, (500, "InternalFailure"), (500, "InternalServerException")),
        (ErrorCode::ServiceUnavailable, (503, "ServiceUnavailableException"), (503, "ServiceUnavailableException")),
        (
            ErrorCode::RequestEntityTooLarge,
            (413, "RequestEntityTooLargeException"),
            (413, "RequestEntityTooLargeException"),
        ),
    ] {
        let error = IamError::new(code, "not <here>");
        for (protocol, (status, name)) in [(Protocol::Json11, json), (Protocol::RestJson, rest)] {
            assert_eq!(error_type(protocol, &error), name);
            assert_eq!(encode_error(protocol, &error).0, status, "{name}");
        }
    }
    let error = IamError::new(ErrorCode::TrailNotFound, "a \"trail\"");
    let shown = |protocol| String::from_utf8(encode_error(protocol, &error).1).unwrap();
    assert_eq!(shown(Protocol::Json11), r#"{"__type":"TrailNotFoundException","message":"a \"trail\""}"#);
    assert_eq!(shown(Protocol::RestJson), r#"{"message":"a \"trail\""}"#);
}

/// The codec has every type that the served operations use.
#[test]
fn every_type_is_supported() {
    fn check(message: &MessageDescriptor) {
        for field in message.fields() {
            match field.kind() {
                Kind::String | Kind::Bool | Kind::Int32 | Kind::Bytes => {}
                Kind::Message(inner) if inner.full_name() == "google.protobuf.Timestamp" => {}
                Kind::Message(inner) if inner != *message => check(&inner),
                other => panic!("{} has the type {other:?}", field.full_name()),
            }
        }
    }
    let served: Vec<_> = OPERATIONS.iter().filter(|o| ["cloudtrail", "iamtoolbox"].contains(&o.module)).collect();
    assert!(served.len() >= 8);
    for operation in served {
        check(&operation.request_descriptor().unwrap());
        check(&operation.response_descriptor().unwrap());
    }
}
