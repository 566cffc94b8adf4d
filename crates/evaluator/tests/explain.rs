//! What an explanation says, word for word.

#![allow(clippy::unwrap_used, reason = "a test that can't go on fails")]

use bailiwick_evaluator::jsonl::evaluate_line;
use expect_test::{Expect, expect};
use serde_json::{Value, json};

fn check(case: Value, expected: Expect) {
    let answer = evaluate_line(&case.to_string(), true);
    let answer: Value = serde_json::from_str(&answer.line).unwrap();
    expected.assert_eq(answer["explanation"]["text"].as_str().unwrap());
}

fn case(principal: &str, action: &str, resource: &str, policies: Value) -> Value {
    let mut case = json!({
        "id": "x",
        "request": {"principal": principal, "action": action, "resource": resource, "resourceAccount": "111122223333"},
    });
    for (key, value) in policies.as_object().unwrap() {
        match key.as_str() {
            "context" => case["request"]["context"] = value.clone(),
            "resourceAccount" => case["request"]["resourceAccount"] = value.clone(),
            _ => case[key] = value.clone(),
        }
    }
    case
}

fn document(statements: Value) -> Value {
    json!({"Version": "2012-10-17", "Statement": statements})
}

const BOB: &str = "arn:aws:iam::111122223333:user/bob";

#[test]
fn an_allowed_request_names_the_statement() {
    check(
        case(
            BOB,
            "s3:GetObject",
            "arn:aws:s3:::b/k",
            json!({"identityPolicies": [document(json!([{"Effect": "Allow", "Sid": "Read", "Action": "s3:Get*", "Resource": "*"}]))]}),
        ),
        expect![[r#"
            Allowed by identity-based policy `identityPolicies[0]` statement 1 `Read` (line 1, column 15).
              who:      arn:aws:iam::111122223333:user/bob
              action:   s3:GetObject
              resource: arn:aws:s3:::b/k

            What the policies say:
              identity-based policy: allows, by `identityPolicies[0]` statement 1 `Read` (line 1, column 15)
        "#]],
    );
}

#[test]
fn an_implicit_deny_tells_what_came_near() {
    let policy = document(json!([
        {"Effect": "Allow", "Action": "ec2:*", "Resource": "*"},
        {"Effect": "Allow", "Action": ["s3:PutObject", "s3:DeleteObject"], "Resource": "*"},
        {"Effect": "Allow", "Action": "s3:*", "Resource": ["arn:aws:s3:::c", "arn:aws:s3:::c/*"]},
        {"Effect": "Allow", "Sid": "WithMfa", "Action": "s3:GetObject", "Resource": "*",
         "Condition": {"Bool": {"aws:MultiFactorAuthPresent": true}}},
        {"Effect": "Allow", "Sid": "Tagged", "Action": "s3:GetObject", "Resource": "*",
         "Condition": {"ForAnyValue:StringEquals": {"aws:TagKeys": ["x", "y"]}, "StringEquals": {"aws:username": "bob"}}},
    ]));
    check(
        case(
            BOB,
            "s3:GetObject",
            "arn:aws:s3:::b/k",
            json!({
                "identityPolicies": [policy],
                "context": {"aws:TagKeys": {"type": "stringList", "values": ["a", "b"]},
                            "aws:username": {"type": "string", "values": ["bob"]}},
            }),
        ),
        expect![[r#"
            Denied: no identity-based policy allows it.
              who:      arn:aws:iam::111122223333:user/bob
              action:   s3:GetObject
              resource: arn:aws:s3:::b/k

            What the policies say:
              identity-based policy: silent

            Nearest misses:
              1. identity-based policy `identityPolicies[0]` statement 4 `WithMfa` (line 1, column 228): condition Bool aws:MultiFactorAuthPresent: wants `true`, the request has no such key
              2. identity-based policy `identityPolicies[0]` statement 5 `Tagged` (line 1, column 359): condition ForAnyValue:StringEquals aws:TagKeys: wants `x`, `y`, the request has `a`, `b` (a multi-valued key)
              3. identity-based policy `identityPolicies[0]` statement 3 (line 1, column 144): the resource is not `arn:aws:s3:::c`, `arn:aws:s3:::c/*`
              4. identity-based policy `identityPolicies[0]` statement 2 (line 1, column 66): the action is not `s3:PutObject`, `s3:DeleteObject`

            Suggestion, if this is to be allowed; add to the identity-based policy:
                {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/k"}
        "#]],
    );
}

#[test]
fn an_explicit_deny_stands_in_the_way() {
    let boundary = document(json!([
        {"Effect": "Allow", "Action": "ec2:*", "Resource": "*"},
        {"Effect": "Deny", "Sid": "NoKeys", "Action": "iam:CreateAccessKey", "Resource": "*"},
    ]));
    check(
        case(
            BOB,
            "iam:CreateAccessKey",
            "arn:aws:iam::111122223333:user/*?",
            json!({"identityPolicies": [document(json!([{"Effect": "Allow", "Action": "*", "Resource": "*"}]))], "boundary": boundary}),
        ),
        expect![[r#"
            Denied by permissions boundary `boundary` statement 2 `NoKeys` (line 1, column 66): an explicit deny wins.
              who:      arn:aws:iam::111122223333:user/bob
              action:   iam:CreateAccessKey
              resource: arn:aws:iam::111122223333:user/*?

            What the policies say:
              identity-based policy: allows, by `identityPolicies[0]` statement 1 (line 1, column 15)
              permissions boundary: denies, by `boundary` statement 2 `NoKeys` (line 1, column 66)

            Suggestion, if this is to be allowed; add to the permissions boundary:
                {"Effect": "Allow", "Action": "iam:CreateAccessKey", "Resource": "arn:aws:iam::111122223333:user/${*}${?}"}

            Warning: no Allow helps as long as these deny:
              - permissions boundary `boundary` statement 2 `NoKeys` (line 1, column 66)
        "#]],
    );
}

#[test]
fn across_accounts_both_sides_are_wanted() {
    let key_policy = document(json!([
        {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111122223333:user/alice"}, "Action": "sqs:*", "Resource": "*"},
    ]));
    check(
        case(
            BOB,
            "sqs:SendMessage",
            "arn:aws:sqs:eu-west-1:444455556666:q",
            json!({"resourceAccount": "444455556666", "resourcePolicy": key_policy,
                   "scps": [[document(json!([{"Effect": "Allow", "Action": "*", "Resource": "*"}]))], []]}),
        ),
        expect![[r#"
            Denied: no service control policy allows it.
              who:      arn:aws:iam::111122223333:user/bob
              action:   sqs:SendMessage
              resource: arn:aws:sqs:eu-west-1:444455556666:q

            What the policies say:
              identity-based policy: silent, there is none
              service control policy, level 1: allows, by `scps[0][0]` statement 1 (line 1, column 15)
              service control policy, level 2: silent, there is none
              resource-based policy: silent

            Nearest misses:
              1. resource-based policy `resourcePolicy` statement 1 (line 1, column 15): the caller is not `arn:aws:iam::111122223333:user/alice`

            Suggestion, if this is to be allowed; add to the service control policy:
                {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": "arn:aws:sqs:eu-west-1:444455556666:q"}
              and to the identity-based policy:
                {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": "arn:aws:sqs:eu-west-1:444455556666:q"}
              and to the resource-based policy:
                {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111122223333:user/bob"}, "Action": "sqs:SendMessage", "Resource": "arn:aws:sqs:eu-west-1:444455556666:q"}
        "#]],
    );
}

#[test]
fn root_assumes_no_role() {
    check(
        case(
            "arn:aws:iam::111122223333:root",
            "sts:AssumeRole",
            "arn:aws:iam::111122223333:role/r",
            json!({"trust": document(json!([{"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole"}]))}),
        ),
        expect![[r#"
            Denied: root can't assume roles.
              who:      arn:aws:iam::111122223333:root
              action:   sts:AssumeRole
              resource: arn:aws:iam::111122223333:role/r

            What the policies say:
              identity-based policy: silent, there is none
              trust policy: allows, by `trust` statement 1 (line 1, column 15)
        "#]],
    );
}

#[test]
fn exceptions_say_so() {
    check(
        case(BOB, "sts:GetCallerIdentity", "*", json!({})),
        expect![[r#"
        Allowed: this action needs no permission.
          who:      arn:aws:iam::111122223333:user/bob
          action:   sts:GetCallerIdentity
          resource: *
    "#]],
    );
}
