//! The checks of every operation agree with the catalogue. The list of operations is that of `api`: none can be left out.
//!
//! Debug builds of the pipeline compare each check of each call with the catalogue and panic if they differ. So this test
//! only calls every operation: with the required members alone, and with one optional member after the other. The values
//! come from the names of the members. An operation without a valid request fails the test, unless it is in the list of
//! those that other tests call.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use bailiwick_api::find_operation;
use bailiwick_model::ErrorCode;
use bailiwick_service::{Coverage, Route};
use bailiwick_testing::{ALLOW_ALL, MAIN, Pipeline};
use prost::Message as _;
use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, MapKey, MessageDescriptor, Value};

/// The operations whose requests need more than a value for each member, such as a signed request or an id of another
/// call. The tests of `authz` call them, and compare their checks as well.
const ELSEWHERE: &[&str] = &[
    "AssumeRoleWithSAML",
    "AssumeRoot",
    "Authenticate",
    "Authorize",
    "AuthorizePassRole",
    "BatchAuthorize",
    "DeleteResourcePolicy",
    "DeleteSigningCertificate",
    "Explain",
    "GetDelegatedAccessToken",
    "GetMFADevice",
    "GetResourcePolicy",
    "ImportManagedPolicies",
    "ListTagsForResource",
    "PutResourcePolicy",
    "TagResource",
    "UntagResource",
    "UpdateOpenIDConnectProviderThumbprint",
    "UpdateSigningCertificate",
    "ValidatePolicy",
    "WhoCan",
];

#[tokio::test]
async fn the_checks_of_every_operation_agree_with_the_catalogue() {
    let pipeline = Pipeline::new().await;
    let admin = pipeline.user(&pipeline.root, "Heron").await;
    let session = pipeline.role(&admin, "Diver").await;
    let mut wrong = Vec::new();
    for route in Route::all().iter().filter(|route| route.coverage != Coverage::NotImplemented) {
        // It would end the session of the caller. Its own tests compare its checks.
        if route.name == "RevokeSessions" {
            continue;
        }
        let descriptor = find_operation(route.name).unwrap().request_descriptor().unwrap();
        let required = filled(&descriptor, &|field| is_required(field));
        let mut requests = vec![("required members".to_owned(), required.clone())];
        for field in descriptor.fields().filter(|field| !is_required(field)) {
            let mut request = required.clone();
            request.set_field(&field, value(&field));
            requests.push((field.name().to_owned(), request));
        }
        let mut is_planned = false;
        for (members, request) in requests {
            for caller in [&admin, &session] {
                let outcome = pipeline.send(route, caller, request.encode_to_vec(), None).await;
                let code = outcome.as_ref().err().map(|error| error.code());
                if code == Some(ErrorCode::ServiceFailure) {
                    wrong.push(format!("{} with {members}: {outcome:?}", route.name));
                }
                is_planned |= !matches!(code, Some(ErrorCode::ValidationError | ErrorCode::ServiceFailure));
            }
        }
        if is_planned == ELSEWHERE.contains(&route.name) {
            wrong.push(format!("{}: add values for its members, or change the list ELSEWHERE", route.name));
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

fn is_required(field: &FieldDescriptor) -> bool {
    let rules = bailiwick_api::pool().get_extension_by_name("bailiwick.options.v1.rules").unwrap();
    let options = field.options();
    let Value::Message(rules) = options.get_extension(&rules).into_owned() else { return false };
    rules.get_field_by_name("required").is_some_and(|required| required.as_bool() == Some(true))
}

fn filled(descriptor: &MessageDescriptor, is_wanted: &dyn Fn(&FieldDescriptor) -> bool) -> DynamicMessage {
    let mut message = DynamicMessage::new(descriptor.clone());
    for field in descriptor.fields().filter(is_wanted) {
        message.set_field(&field, value(&field));
    }
    message
}

/// A value for a member, by its name and type.
fn value(field: &FieldDescriptor) -> Value {
    if field.json_name() == "Properties" {
        let property = (MapKey::String("RoleManager/Enabled".into()), Value::String("true".into()));
        return Value::Map([property].into());
    }
    if field.is_map() {
        return Value::Map(Default::default());
    }
    let one = match field.kind() {
        Kind::String => Value::String(text(field.json_name())),
        Kind::Bool => Value::Bool(true),
        Kind::Int32 => Value::I32(3_600),
        Kind::Int64 => Value::I64(3_600),
        Kind::Uint32 => Value::U32(1),
        Kind::Bytes => Value::Bytes(Default::default()),
        Kind::Enum(of) => Value::EnumNumber(of.values().last().unwrap().number()),
        Kind::Message(of) => {
            Value::Message(filled(&of, &|inner| inner.containing_oneof().is_none() || is_first(inner)))
        }
        other => panic!("{} has the type {other:?}", field.full_name()),
    };
    if field.is_list() { Value::List(vec![one]) } else { one }
}

/// Whether a field is the first of its alternatives.
fn is_first(field: &FieldDescriptor) -> bool {
    field.containing_oneof().and_then(|oneof| oneof.fields().next()).is_some_and(|first| first == *field)
}

fn text(name: &str) -> String {
    let lower = name.to_lowercase();
    match lower.as_str() {
        "authorizationid" => "0".repeat(32),
        "link" => "A".repeat(100),
        "samlmetadatadocument" => "x".repeat(1_000),
        "samlproviderarn" => format!("arn:aws:iam::{MAIN}:saml-provider/P"),
        _ if lower.ends_with("document") || lower == "policy" || lower.ends_with("policyinput") => ALLOW_ALL.to_owned(),
        "policyarn" | "arn" | "permissionsboundary" => format!("arn:aws:iam::{MAIN}:policy/P"),
        "rolearn" | "resourcearn" | "policysourcearn" | "principalarn" => format!("arn:aws:iam::{MAIN}:role/Diver"),
        "templatearn" => "arn:aws:iam::aws:role-template/IdentityAuditor".to_owned(),
        "policytemplatearn" => "arn:aws:iam:::delegation-template/IdentityReview".to_owned(),
        "entityarn" => format!("arn:aws:iam::{MAIN}:delegation-request/00000000-0000-4000-8000-000000000000"),
        "ownerid" => format!("arn:aws:iam::{MAIN}:user/Heron"),
        "delegationrequestid" => "00000000-0000-4000-8000-000000000000".to_owned(),
        "redirecturl" => "https://heron.example.com/".to_owned(),
        "type" => "string".to_owned(),
        _ if lower.ends_with("arn") => format!("arn:aws:iam::{MAIN}:user/Heron"),
        "serialnumber" => format!("arn:aws:iam::{MAIN}:mfa/Heron"),
        _ if lower.ends_with("accountid") => MAIN.to_owned(),
        _ if lower.ends_with("accesskeyid") => "AKIAIOSFODNN7EXAMPLE".to_owned(),
        "rolename" => "Diver".to_owned(),
        "sshpublickeyid" => "APKAIOSFODNN7EXAMPLEA".to_owned(),
        "servicespecificcredentialid" => "ACCAIOSFODNN7EXAMPLEA".to_owned(),
        "encoding" => "SSH".to_owned(),
        "signingalgorithm" => "ES384".to_owned(),
        "email" => "heron@example.com".to_owned(),
        "path" | "pathprefix" | "newpath" => "/".to_owned(),
        "status" => "Active".to_owned(),
        "versionid" => "v1".to_owned(),
        "marker" => "x".to_owned(),
        "action" => "s3:GetObject".to_owned(),
        "resource" => "arn:aws:s3:::bucket/key".to_owned(),
        "serviceprefix" | "service" => "photos".to_owned(),
        "servicename" | "awsservicename" | "serviceprincipal" => "photos.example.com".to_owned(),
        "authenticationcode1" | "authenticationcode2" | "tokencode" => "123456".to_owned(),
        "url" => "https://id.example.com".to_owned(),
        "globalendpointtokenversion" => "v2Token".to_owned(),
        "jobid" => "00000000-0000-4000-8000-000000000000".to_owned(),
        "entitypath" => "o-0000000000/r-0000/".to_owned(),
        "organizationspolicyid" => "p-FullAWSAccess".to_owned(),
        "servicenamespace" => "s3".to_owned(),
        "accountalias" => "pond".to_owned(),
        _ => "Heron".to_owned(),
    }
}
