#![allow(clippy::unwrap_used, reason = "a test that cannot read its own files has failed")]
//! The shared vectors of condition values: the grammar, validation and saving agree.

use std::fs;

use bailiwick_policy_lang::value::{Base64, Instant, IpRange, Number, is_context_value, is_policy_value, parse_bool};
use bailiwick_policy_lang::{Family, PolicyKind, SaveRules, Validation, parse_strict, validate};
use serde_json::{Value, json};

fn vectors() -> Vec<Value> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/vectors/condition-values.jsonl");
    fs::read_to_string(path).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The family, an operator of it, and the validation codes of its malformed values.
fn family(name: &str) -> (Family, &'static str, &'static str) {
    match name {
        "Numeric" => (Family::Numeric, "NumericEquals", "TYPE_MISMATCH_NUMBER"),
        "Date" => (Family::Date, "DateEquals", "TYPE_MISMATCH_DATE"),
        "Bool" => (Family::Bool, "Bool", "TYPE_MISMATCH_BOOLEAN"),
        "Binary" => (Family::Binary, "BinaryEquals", "TYPE_MISMATCH_STRING"),
        "Ip" => (Family::Ip, "IpAddress", "TYPE_MISMATCH_IP_RANGE"),
        other => panic!("{other}"),
    }
}

#[test]
fn the_grammar_accepts_exactly_the_listed_values() {
    for vector in vectors() {
        let (family, ..) = family(vector["family"].as_str().unwrap());
        let text = vector["text"].as_str().unwrap();
        assert_eq!(is_policy_value(family, text), vector["policy"], "{vector}");
        assert_eq!(is_context_value(family, text), vector["context"], "{vector}");
    }
}

#[test]
fn equal_values_compare_equal() {
    for vector in vectors() {
        let (family, ..) = family(vector["family"].as_str().unwrap());
        let text = vector["text"].as_str().unwrap();
        for other in vector["equals"].as_array().into_iter().flatten() {
            let other = other.as_str().unwrap();
            let equal = match family {
                Family::Numeric => Number::parse(text).unwrap() == Number::parse(other).unwrap(),
                Family::Date => Instant::parse(text).unwrap() == Instant::parse(other).unwrap(),
                Family::Binary => Base64::parse(text).unwrap() == Base64::parse(other).unwrap(),
                Family::Ip => IpRange::parse(text).unwrap().contains(other.parse().unwrap()),
                _ => parse_bool(text).unwrap() == parse_bool(other).unwrap(),
            };
            assert!(equal, "{text} {other}");
        }
    }
}

#[test]
fn validation_and_saving_refuse_exactly_the_malformed_values() {
    for vector in vectors() {
        let (family, operator, code) = family(vector["family"].as_str().unwrap());
        let text = vector["text"].as_str().unwrap();
        let document = json!({
            "Version": "2012-10-17",
            "Statement": {
                "Effect": "Deny", "Action": "*", "Resource": "*", "Condition": {operator: {"photos:key": text}},
            },
        })
        .to_string();
        // A policy has characters beyond U+00FF as escapes only.
        let escape = |c: char| if c > 'ÿ' { format!("\\u{:04x}", u32::from(c)) } else { c.to_string() };
        let document: String = document.chars().map(escape).collect();
        let findings = validate(&document, PolicyKind::Identity, &Validation::default());
        let is_refused = findings.iter().any(|finding| finding.code.name == code);
        let is_valid = vector["policy"] == true && vector["saved"] != false;
        assert_eq!(is_refused, !is_valid, "{vector}: {findings:?}");
        // Malformed dates are the only values that AWS refuses to save.
        let is_saved = parse_strict(&document, PolicyKind::Identity, &SaveRules::default()).is_ok();
        assert_eq!(is_saved, family != Family::Date || is_valid, "{vector}");
    }
}
