//! The shared vectors of condition values: conditions match by them.

#![allow(clippy::unwrap_used, reason = "a test that can't go on fails")]

use std::fs;

use bailiwick_evaluator::jsonl::evaluate_line;
use serde_json::{Value, json};

/// Whether a Deny whose condition lists `listed` under `operator` applies to a request whose context key has `given`.
fn denies(operator: &str, listed: &str, given: &str) -> bool {
    let case = json!({
        "id": "values",
        "request": {
            "principal": "arn:aws:iam::111122223333:user/bob",
            "action": "s3:GetObject",
            "resource": "arn:aws:s3:::b/k",
            "resourceAccount": "111122223333",
            "context": {"photos:key": {"type": "string", "values": [given]}},
        },
        "identityPolicies": [{
            "Version": "2012-10-17",
            "Statement": [
                {"Effect": "Allow", "Action": "*", "Resource": "*"},
                {"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": {operator: {"photos:key": listed}}},
            ],
        }],
    });
    let answer = evaluate_line(&case.to_string(), false);
    match answer.decision.unwrap().outcome.as_str() {
        "explicitDeny" => true,
        "allowed" => false,
        other => panic!("{other}: {case}"),
    }
}

/// The equality operator of a family, and its negation if there is one.
fn operators(family: &str) -> (&'static str, Option<&'static str>) {
    match family {
        "Numeric" => ("NumericEquals", Some("NumericNotEquals")),
        "Date" => ("DateEquals", Some("DateNotEquals")),
        "Bool" => ("Bool", None),
        "Binary" => ("BinaryEquals", None),
        "Ip" => ("IpAddress", Some("NotIpAddress")),
        other => panic!("{other}"),
    }
}

/// A well-formed value of the family.
fn well_formed(family: &str) -> &'static str {
    match family {
        "Numeric" | "Date" => "5",
        "Bool" => "true",
        "Binary" => "AQID",
        "Ip" => "10.0.0.1",
        other => panic!("{other}"),
    }
}

#[test]
fn well_formed_values_match_and_malformed_ones_match_nothing() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/vectors/condition-values.jsonl");
    for line in fs::read_to_string(path).unwrap().lines() {
        let vector: Value = serde_json::from_str(line).unwrap();
        let (family, text) = (vector["family"].as_str().unwrap(), vector["text"].as_str().unwrap());
        let (equals, negated) = operators(family);
        let check = |listed: &str, given: &str, equal: bool| {
            assert_eq!(denies(equals, listed, given), equal, "{equals} {listed} {given}");
            if let Some(negated) = negated {
                assert_eq!(denies(negated, listed, given), !equal, "{negated} {listed} {given}");
            }
        };
        let (policy, context) = (vector["policy"] == true, vector["context"] == true);
        if policy && context {
            check(text, text, true);
        }
        for other in vector["equals"].as_array().into_iter().flatten() {
            check(text, other.as_str().unwrap(), true);
            if context {
                check(other.as_str().unwrap(), text, true);
            }
        }
        if !policy {
            check(text, well_formed(family), false);
        }
        if !context {
            check(well_formed(family), text, false);
            check(text, text, false);
        }
        // Ordered families: a malformed value is neither smaller nor greater than another.
        if let "Numeric" | "Date" = family {
            let ordered = denies(&format!("{family}LessThanEquals"), "5", text)
                || denies(&format!("{family}GreaterThan"), "5", text);
            assert_eq!(ordered, context, "{vector}");
            let ordered = denies(&format!("{family}LessThanEquals"), text, "5")
                || denies(&format!("{family}GreaterThan"), text, "5");
            assert_eq!(ordered, policy, "{vector}");
        }
    }
}
