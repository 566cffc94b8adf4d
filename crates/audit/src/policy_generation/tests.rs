use bailiwick_api::audit::UncoveredReason;
use expect_test::{Expect, expect};
use serde_json::{Value, json};

use super::found::Found;
use super::*;
use crate::RecordedCall;

const USER: &str = "arn:aws:iam::111122223333:user/ci/Ana";

/// A call of Ana with these checks: an action, a resource, and the context.
fn call(checks: &[(&str, &str, Value)]) -> Value {
    let checks: Vec<Value> = checks
        .iter()
        .map(|(action, resource, context)| json!({"action": action, "resource": resource, "context": context}))
        .collect();
    json!({
        "eventID": "0a1b2c3d-0000-0000-0000-000000000000", "eventName": "Call", "eventTime": "2026-03-01T12:00:00Z",
        "sourceIPAddress": "192.0.2.1", "userIdentity": {"arn": USER},
        "additionalEventData": {"decision": {"outcome": "ALLOW", "checks": checks}},
    })
}

fn on(kind: &str, name: &str) -> String {
    format!("arn:aws:iam::111122223333:{kind}/{name}")
}

fn found(calls: &[Value], with_address: bool) -> Found {
    let mut found = Found::default();
    for call in calls {
        found.note(&RecordedCall::read(&call.to_string()).unwrap(), with_address);
    }
    found
}

fn check(calls: &[Value], wildcards: Option<usize>, with_address: bool, expected: Expect) {
    let mut found = found(calls, with_address);
    wildcards.into_iter().for_each(|above| found.generalise(above));
    expected.assert_eq(&document::write(&found, with_address).unwrap().join("\n"));
}

#[test]
fn actions_on_the_same_resources_are_one_statement() {
    let [a, b] = ["a", "b"].map(|name| on("user", name));
    let calls = [
        call(&[("iam:GetUser", &a, json!({})), ("iam:TagUser", &a, json!({}))]),
        call(&[("iam:GetUser", &b, json!({})), ("iam:TagUser", &b, json!({}))]),
        call(&[("iam:DeleteUser", &b, json!({"aws:ResourceTag/team": "x"}))]),
        call(&[("iam:ListUsers", "*", json!({})), ("sts:GetCallerIdentity", "*", json!({}))]),
    ];
    let expected = expect![[r#"
        {
          "Version": "2012-10-17",
          "Statement": [
            {
              "Effect": "Allow",
              "Action": "iam:DeleteUser",
              "Resource": "arn:aws:iam::111122223333:user/b"
            },
            {
              "Effect": "Allow",
              "Action": [
                "iam:GetUser",
                "iam:TagUser"
              ],
              "Resource": [
                "arn:aws:iam::111122223333:user/a",
                "arn:aws:iam::111122223333:user/b"
              ]
            },
            {
              "Effect": "Allow",
              "Action": "iam:ListUsers",
              "Resource": "*"
            }
          ]
        }"#]];
    check(&calls, None, false, expected);
    // The order of the calls does not matter.
    let mut reversed = calls.clone();
    reversed.reverse();
    let write = |calls: &[Value]| document::write(&found(calls, false), false).unwrap();
    assert_eq!(write(&calls), write(&reversed));
}

#[test]
fn passed_roles_have_their_services_as_a_condition() {
    let pass = |role: &str, service: Value| call(&[("iam:PassRole", &on("role", role), service)]);
    let to = |service: &str| json!({"iam:PassedToService": service});
    let calls = [
        pass("web", to("ec2.amazonaws.com")),
        pass("web", to("lambda.amazonaws.com")),
        pass("any", to("ec2.amazonaws.com")),
        // One use without the key: a condition would refuse it.
        pass("any", json!({})),
    ];
    let expected = expect![[r#"
        {
          "Version": "2012-10-17",
          "Statement": [
            {
              "Effect": "Allow",
              "Action": "iam:PassRole",
              "Resource": "arn:aws:iam::111122223333:role/any"
            },
            {
              "Effect": "Allow",
              "Action": "iam:PassRole",
              "Resource": "arn:aws:iam::111122223333:role/web",
              "Condition": {
                "StringEquals": {
                  "iam:PassedToService": [
                    "ec2.amazonaws.com",
                    "lambda.amazonaws.com"
                  ]
                }
              }
            }
          ]
        }"#]];
    check(&calls, None, false, expected);
}

#[test]
fn wildcards_replace_many_resources_under_one_path() {
    let get = |resource: &str| call(&[("s3:GetObject", resource, json!({}))]);
    let calls: Vec<Value> = ["logs/2026/a", "logs/2026/b", "logs/2026/c", "keys/a", "*?$"]
        .iter()
        .map(|key| get(&format!("arn:aws:s3:::bucket/{key}")))
        .collect();
    let expected = expect![[r#"
        {
          "Version": "2012-10-17",
          "Statement": [
            {
              "Effect": "Allow",
              "Action": "s3:GetObject",
              "Resource": [
                "arn:aws:s3:::bucket/${*}${?}${$}",
                "arn:aws:s3:::bucket/keys/a",
                "arn:aws:s3:::bucket/logs/2026/*"
              ]
            }
          ]
        }"#]];
    check(&calls, Some(2), false, expected);
    // A wildcard stays one, however the reading is divided.
    let mut divided = found(&calls[..3], false);
    divided.generalise(2);
    let state = State { found: divided, ..State::default() };
    let mut divided = State::open(&state.seal().unwrap()).unwrap().found;
    divided.note(&RecordedCall::read(&get("arn:aws:s3:::bucket/logs/2026/d").to_string()).unwrap(), false);
    divided.generalise(2);
    assert_eq!(divided.actions["s3:GetObject"].len(), 1);
}

#[test]
fn addresses_are_a_condition_if_asked_for() {
    let expected = expect![[r#"
        {
          "Version": "2012-10-17",
          "Statement": [
            {
              "Effect": "Allow",
              "Action": "iam:ListUsers",
              "Resource": "*",
              "Condition": {
                "IpAddress": {
                  "aws:SourceIp": "192.0.2.1"
                }
              }
            }
          ]
        }"#]];
    check(&[call(&[("iam:ListUsers", "*", json!({}))])], None, true, expected);
}

#[test]
fn long_policies_are_several_documents() {
    let calls: Vec<Value> =
        (0..400).map(|n| call(&[("iam:GetUser", &on("user", &format!("user-with-a-name-{n}")), json!({}))])).collect();
    let documents = document::write(&found(&calls, false), false).unwrap();
    assert!(documents.len() > 3, "{}", documents.len());
    let mut named = 0;
    for text in &documents {
        assert!(text.chars().filter(|c| !c.is_whitespace()).count() <= 6_144);
        named += text.matches("user-with-a-name").count();
    }
    assert_eq!(named, 400);
}

#[test]
fn what_is_not_covered_is_said() {
    let a = on("user", "a");
    let changed = |path: &str, value: Value| {
        let mut call = call(&[("iam:GetUser", &a, json!({}))]);
        *call.pointer_mut(path).unwrap() = value;
        call
    };
    let mut failed = call(&[("iam:GetUser", &a, json!({}))]);
    failed["errorCode"] = json!("NoSuchEntity");
    let mut open = call(&[]);
    open["additionalEventData"] = json!({});
    let calls = [
        failed,
        open,
        changed("/additionalEventData/decision/outcome", json!("IMPLICIT_DENY")),
        changed("/additionalEventData/decision/checks", json!([])),
        changed("/additionalEventData/decision/checks/0/resource", json!("")),
        changed("/additionalEventData/decision/checks/0/resource", json!("arn:aws:iam::111122223333:user/[masked]")),
        changed("/additionalEventData/decision/checks/0/resource", json!("arn:aws:iam::111122223333:user/\u{1}")),
        changed("/sourceIPAddress", json!("")),
    ];
    let found = found(&calls, true);
    let reasons: Vec<_> = found.uncovered().map(|one| (one.reason(), one.calls)).collect();
    let expected = [
        (UncoveredReason::ChecksNotRecorded, 1),
        (UncoveredReason::ResourceNotRecorded, 3),
        (UncoveredReason::NoSourceIp, 1),
    ];
    assert_eq!((found.covered, found.failed, &*reasons), (0, 2, &expected[..]));
    assert_eq!(document::write(&found, true).unwrap(), [""; 0]);
}
