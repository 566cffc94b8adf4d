//! The texts of explanations. The cases are here, the texts in `explained.txt`.
//!
//! `UPDATE_EXPECT=1` rewrites the texts. Review them before they are committed.

#![allow(clippy::unwrap_used, reason = "a test that can't go on fails")]

use std::fmt::Write;

use bailiwick_evaluator::jsonl::evaluate_line;
use expect_test::expect_file;
use serde_json::{Value, json};

const BOB: &str = "arn:aws:iam::111122223333:user/bob";
const BUILD: &str = "arn:aws:sts::111122223333:assumed-role/Deployer/build";
const DEPLOYER: &str = "arn:aws:iam::111122223333:role/app/Deployer";
const FEDERATED: &str = "arn:aws:sts::111122223333:federated-user/jdoe";
const ROOT: &str = "arn:aws:iam::111122223333:root";
const OBJECT: &str = "arn:aws:s3:::photos/2024/ana.jpg";
const QUEUE: &str = "arn:aws:sqs:eu-west-1:444455556666:orders";

fn document(statements: Value) -> Value {
    json!({"Version": "2012-10-17", "Statement": statements})
}

fn allow(action: &str, resource: &str) -> Value {
    document(json!([{"Effect": "Allow", "Action": action, "Resource": resource}]))
}

fn grant(principal: Value, action: &str) -> Value {
    document(json!([{"Effect": "Allow", "Principal": principal, "Action": action, "Resource": "*"}]))
}

fn case(principal: &str, action: &str, resource: &str, rest: Value) -> Value {
    let mut case = json!({
        "id": "x",
        "request": {"principal": principal, "action": action, "resource": resource},
    });
    if resource.starts_with("arn:aws:s3") || resource == "*" {
        case["request"]["resourceAccount"] = "111122223333".into();
    }
    for (key, value) in rest.as_object().unwrap() {
        match key.as_str() {
            "context" | "resourceAccount" => case["request"][key] = value.clone(),
            _ => case[key] = value.clone(),
        }
    }
    case
}

fn explained(case: &Value) -> Value {
    let answer = evaluate_line(&case.to_string(), true);
    let answer: Value = serde_json::from_str(&answer.line).unwrap();
    assert!(answer["explanation"].is_object(), "{answer}");
    answer["explanation"].clone()
}

fn text(name: &str, value: &str) -> Value {
    json!({ name: {"type": "string", "values": [value]} })
}

/// A title and a case each.
fn cases() -> Vec<(&'static str, Value)> {
    let everything = allow("*", "*");
    let role = || text("aws:PrincipalArn", DEPLOYER);
    let deny = |action: &str| json!({"Effect": "Deny", "Sid": "NoKeys", "Action": action, "Resource": "*"});
    vec![
        (
            "allowed by a user's own policy",
            case(
                BOB,
                "s3:GetObject",
                OBJECT,
                json!({"identityPolicies": [document(json!([{"Effect": "Allow", "Sid": "Read", "Action": "s3:Get*", "Resource": "*"}]))]}),
            ),
        ),
        (
            "allowed by a group's policy",
            case(
                BOB,
                "s3:GetObject",
                OBJECT,
                json!({"identityPolicies": [allow("sqs:*", "*")], "groupPolicies": [allow("s3:*", "arn:aws:s3:::photos/*")]}),
            ),
        ),
        (
            "allowed by a role's policy",
            case(BUILD, "s3:GetObject", OBJECT, json!({"identityPolicies": [everything], "context": role()})),
        ),
        (
            "allowed by a bucket policy alone",
            case(
                BOB,
                "s3:GetObject",
                OBJECT,
                json!({"boundary": allow("sqs:*", "*"), "resourcePolicy": grant(json!({"AWS": BOB}), "s3:GetObject")}),
            ),
        ),
        (
            "allowed across accounts",
            case(
                BOB,
                "sqs:SendMessage",
                QUEUE,
                json!({"identityPolicies": [everything], "resourcePolicy": grant(json!({"AWS": "111122223333"}), "sqs:*")}),
            ),
        ),
        ("allowed to root", case(ROOT, "s3:GetObject", OBJECT, json!({}))),
        ("needs no permission", case(BOB, "sts:GetCallerIdentity", "*", json!({}))),
        ("nothing at all", case(BOB, "s3:GetObject", OBJECT, json!({}))),
        (
            "near misses by every element",
            case(
                BOB,
                "s3:GetObject",
                OBJECT,
                json!({
                    "identityPolicies": [document(json!([
                        {"Effect": "Allow", "Action": "ec2:*", "Resource": "*"},
                        {"Effect": "Allow", "Action": ["s3:PutObject", "s3:DeleteObject"], "Resource": "*"},
                        {"Effect": "Allow", "Action": "s3:*", "Resource": ["arn:aws:s3:::thumbnails", "arn:aws:s3:::photo/*"]},
                        {"Effect": "Allow", "Sid": "WithMfa", "Action": "s3:GetObject", "Resource": "*",
                         "Condition": {"Bool": {"aws:MultiFactorAuthPresent": true}}},
                        {"Effect": "Allow", "Sid": "Tagged", "Action": "s3:GetObject", "Resource": "*",
                         "Condition": {"ForAnyValue:StringEquals": {"aws:TagKeys": ["x", "y"]}, "StringEquals": {"aws:username": "bob"}}},
                        {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::photos/*/${aws:username}.jpg"},
                        {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::photos/${aws:PrincipalTag/year}/*"},
                        {"Effect": "Allow", "NotAction": "s3:Get*", "Resource": "*"},
                    ]))],
                    "context": {"aws:TagKeys": {"type": "stringList", "values": ["a", "b"]},
                                "aws:username": {"type": "string", "values": ["bob"]}},
                }),
            ),
        ),
        (
            "conditions of each family",
            case(
                BOB,
                "s3:GetObject",
                OBJECT,
                json!({
                    "identityPolicies": [document(json!([
                        {"Effect": "Allow", "Action": "s3:*", "Resource": "*", "Condition": {
                            "IpAddress": {"aws:SourceIp": ["10.0.0.0/8", "192.0.2.0/24"]},
                            "DateLessThan": {"aws:CurrentTime": "2024-01-01T00:00:00Z"},
                            "NumericLessThanEquals": {"s3:max-keys": 10},
                            "StringNotEquals": {"aws:RequestedRegion": "us-east-1"},
                            "Null": {"aws:TokenIssueTime": false},
                            "ForAllValues:StringLike": {"aws:TagKeys": ["team-*", "cost"]},
                            "StringEquals": {"aws:ResourceTag/owner": "${aws:PrincipalTag/owner}"},
                            "ArnLike": {"aws:SourceArn": "arn:aws:sns:*:*:t"}}},
                        {"Effect": "Allow", "Action": "s3:*", "Resource": "*", "Condition": {"StringEquals": {"aws:TagKeys": "cost"}}},
                    ]))],
                    "context": {
                        "aws:SourceIp": {"type": "ip", "values": ["203.0.113.7"]},
                        "aws:CurrentTime": {"type": "date", "values": ["2024-06-15T12:30:00Z"]},
                        "s3:max-keys": {"type": "numeric", "values": ["50"]},
                        "aws:RequestedRegion": {"type": "string", "values": ["us-east-1"]},
                        "aws:TagKeys": {"type": "stringList", "values": ["cost", "owner"]},
                        "aws:ResourceTag/owner": {"type": "string", "values": ["ana"]},
                        "aws:SourceArn": {"type": "string", "values": ["arn:aws:sns:eu-west-1:111122223333:u"]}},
                }),
            ),
        ),
        (
            "a mistyped action, on no resource",
            case(
                BOB,
                "iam:ListUsrs",
                "*",
                json!({"identityPolicies": [document(json!([
                    {"Effect": "Allow", "Action": ["iam:ListUsers", "iam:ListRoles", "iam:ListGroups", "iam:ListPolicies", "iam:GetUser"], "Resource": "*"},
                    {"Effect": "Allow", "Action": "iam:*", "Resource": "arn:aws:iam::111122223333:user/*"}]))]}),
            ),
        ),
        (
            "a mistyped key, and the wrong kind of resource",
            case(
                BOB,
                "iam:GetUser",
                "arn:aws:iam::111122223333:group/staff",
                json!({"identityPolicies": [document(json!([
                    {"Effect": "Allow", "Action": "iam:Get*", "Resource": "*", "Condition": {"StringEquals": {
                        "aws:PrincipalOrgId": "o-1", "aws:SorceIp": "10.0.0.1", "iam:PassedToService": "x", "s3:prefix": "y"}}}]))]}),
            ),
        ),
        (
            "a boundary",
            case(
                BOB,
                "s3:GetObject",
                OBJECT,
                json!({"identityPolicies": [everything], "boundary": allow("s3:List*", "*")}),
            ),
        ),
        (
            "boundary and session policies",
            case(
                BUILD,
                "s3:GetObject",
                OBJECT,
                json!({"identityPolicies": [everything], "boundary": allow("s3:List*", "*"), "context": role(),
                       "sessionPolicies": [allow("sqs:*", "*"), allow("s3:GetObject", "arn:aws:s3:::photos/2023/*")]}),
            ),
        ),
        (
            "two levels of SCPs",
            case(
                BOB,
                "s3:GetObject",
                OBJECT,
                json!({"identityPolicies": [everything], "scps": [[everything], [allow("ec2:*", "*")], []]}),
            ),
        ),
        (
            "an RCP",
            case(
                BOB,
                "s3:GetObject",
                OBJECT,
                json!({"identityPolicies": [everything], "rcps": [[], [document(json!([
                    {"Sid": "Tls", "Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "*",
                     "Condition": {"Bool": {"aws:SecureTransport": "false"}}}]))]],
                    "context": {"aws:SecureTransport": {"type": "boolean", "values": ["false"]}}}),
            ),
        ),
        (
            "across accounts, both sides lacking",
            case(
                BOB,
                "sqs:SendMessage",
                QUEUE,
                json!({"resourcePolicy": grant(json!({"AWS": "arn:aws:iam::111122223333:user/alice"}), "sqs:*"),
                       "scps": [[everything]]}),
            ),
        ),
        (
            "a trust policy",
            case(
                BOB,
                "sts:AssumeRole",
                DEPLOYER,
                json!({"identityPolicies": [everything], "trust": document(json!([
                    {"Effect": "Allow", "Principal": {"AWS": BOB}, "Action": "sts:AssumeRole",
                     "Condition": {"StringEquals": {"sts:ExternalId": "7b3f"}}},
                    {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}]))}),
            ),
        ),
        (
            "an explicit deny with nothing lacking",
            case(
                BOB,
                "iam:CreateAccessKey",
                "arn:aws:iam::111122223333:user/bob",
                json!({"identityPolicies": [everything, document(json!([deny("iam:*AccessKey*")]))],
                       "groupPolicies": [document(json!([deny("iam:*")]))]}),
            ),
        ),
        (
            "an explicit deny with more lacking",
            case(
                BOB,
                "iam:CreateAccessKey",
                "arn:aws:iam::111122223333:user/*?",
                json!({"identityPolicies": [everything], "boundary": document(json!([
                    {"Effect": "Allow", "Action": "ec2:*", "Resource": "*"}, deny("iam:CreateAccessKey")]))}),
            ),
        ),
        (
            "root and a role",
            case(
                ROOT,
                "sts:AssumeRole",
                DEPLOYER,
                json!({"trust": document(json!([{"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole"}]))}),
            ),
        ),
        (
            "root and another account's queue",
            case(
                ROOT,
                "sqs:SendMessage",
                QUEUE,
                json!({"resourcePolicy": grant(json!({"AWS": "777788889999"}), "sqs:*")}),
            ),
        ),
        ("anonymous", case("*", "s3:GetObject", OBJECT, json!({"resourcePolicy": grant(json!({"AWS": BOB}), "s3:*")}))),
        (
            "a service",
            case(
                "events.amazonaws.com",
                "sqs:SendMessage",
                QUEUE,
                json!({"resourcePolicy": document(json!([{"Effect": "Allow", "Principal": {"Service": "events.amazonaws.com"},
                    "Action": "sqs:SendMessage", "Resource": "*",
                    "Condition": {"ArnEquals": {"aws:SourceArn": "arn:aws:events:eu-west-1:444455556666:rule/nightly"}}}])),
                    "scps": [[everything]],
                    "context": text("aws:SourceArn", "arn:aws:events:eu-west-1:444455556666:rule/hourly")}),
            ),
        ),
        ("an identity provider", case("accounts.google.com", "sts:AssumeRoleWithWebIdentity", DEPLOYER, json!({}))),
        (
            "a federated user without session policies",
            case(FEDERATED, "s3:GetObject", OBJECT, json!({"identityPolicies": [everything]})),
        ),
        (
            "a key policy",
            case(
                BOB,
                "kms:Decrypt",
                "arn:aws:kms:eu-west-1:111122223333:key/1234",
                json!({"identityPolicies": [everything],
                       "resourcePolicy": grant(json!({"AWS": ["arn:aws:iam::111122223333:user/eve", "arn:aws:iam::111122223333:user/ana",
                           "444455556666", "arn:aws:iam::111122223333:user/ida", "arn:aws:iam::111122223333:user/kim"]}), "kms:*")}),
            ),
        ),
        (
            "an endpoint",
            case(
                BOB,
                "s3:GetObject",
                OBJECT,
                json!({"identityPolicies": [everything], "endpointPolicy": grant(json!("*"), "s3:List*")}),
            ),
        ),
        (
            "a service-linked role",
            case(
                "arn:aws:sts::111122223333:assumed-role/AWSServiceRoleForX/s",
                "s3:GetObject",
                OBJECT,
                json!({"scps": [[]], "rcps": [[]],
                       "context": text("aws:PrincipalArn", "arn:aws:iam::111122223333:role/aws-service-role/x.amazonaws.com/AWSServiceRoleForX")}),
            ),
        ),
        (
            "what a terminal should not be sent",
            case(
                BOB,
                "s3:GetObject",
                "arn:aws:s3:::photos/${aws:username}/\u{1b}[31m\u{202e}\n日本?",
                json!({"identityPolicies": [document(json!([{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*",
                    "Condition": {"StringLike": {"aws:UserAgent": "curl/*"}}}]))],
                    "context": text("aws:UserAgent", &format!("\u{1b}]0;owned\u{7} {}", "x".repeat(400)))}),
            ),
        ),
    ]
}

#[test]
fn texts_of_explanations() {
    let mut all = String::new();
    for (title, case) in cases() {
        let explanation = explained(&case);
        let text = explanation["text"].as_str().unwrap();
        assert!(!text.lines().any(|line| line.ends_with(' ')), "{text}");
        assert!(!text.chars().any(|c| c.is_control() && c != '\n'), "{text}");
        let _ = writeln!(all, "=== {title} ===\n\n{text}");
    }
    expect_file!["explained.txt"].assert_eq(&all);
}
