//! Properties that hold for all policies.

use bailiwick_policy_lang::{PolicyKind, parse, to_json};
use serde_json::{Value, json};

use super::random::Random;
use super::{each_case, fast};

const SLOTS: &[(&str, PolicyKind)] = &[
    ("identityPolicies", PolicyKind::Identity),
    ("groupPolicies", PolicyKind::Identity),
    ("boundary", PolicyKind::Boundary),
    ("sessionPolicies", PolicyKind::Session),
    ("scps", PolicyKind::Scp),
    ("rcps", PolicyKind::Rcp),
    ("resourcePolicy", PolicyKind::Resource),
    ("trust", PolicyKind::Trust),
    ("endpointPolicy", PolicyKind::Endpoint),
];

/// Every document of a case, with its kind.
fn each_document(case: &mut Value, visit: &mut dyn FnMut(PolicyKind, &mut Value)) {
    fn walk(kind: PolicyKind, value: &mut Value, visit: &mut dyn FnMut(PolicyKind, &mut Value)) {
        match value {
            Value::Array(values) => values.iter_mut().for_each(|value| walk(kind, value, visit)),
            Value::Object(_) => visit(kind, value),
            _ => {}
        }
    }
    for (slot, kind) in SLOTS {
        if let Some(value) = case.get_mut(slot) {
            walk(*kind, value, visit);
        }
    }
}

/// Adds a statement to one of the documents; false when there is none to add to.
fn add(random: &mut Random, case: &mut Value, effect: &str, matching: bool, only: Option<&[PolicyKind]>) -> bool {
    let fits = |kind| only.is_none_or(|kinds| kinds.contains(&kind));
    let mut count = 0;
    each_document(case, &mut |kind, _| count += usize::from(fits(kind)));
    if count == 0 {
        return false;
    }
    let (chosen, mut at) = (random.below(count), 0);
    let request = case["request"].clone();
    let (action, resource) = match (matching, random.below(3)) {
        (true, _) | (_, 0) => (json!("*"), json!("*")),
        (_, 1) => (request["action"].clone(), json!("*")),
        _ => (json!("sqs:*"), json!("arn:aws:sqs:*:*:orders*")),
    };
    each_document(case, &mut |kind, document| {
        if !fits(kind) {
            return;
        }
        if at == chosen {
            let mut statement = json!({"Effect": effect, "Action": action});
            if kind.has_resource() {
                statement["Resource"] = resource.clone();
            }
            if kind.has_principal() {
                statement["Principal"] = json!("*");
            }
            let statements = document["Statement"].take();
            let mut statements = match statements {
                Value::Array(statements) => statements,
                one => vec![one],
            };
            statements.push(statement);
            document["Statement"] = statements.into();
        }
        at += 1;
    });
    true
}

const ALLOWS: &[PolicyKind] = &[
    PolicyKind::Identity,
    PolicyKind::Boundary,
    PolicyKind::Session,
    PolicyKind::Scp,
    PolicyKind::Resource,
    PolicyKind::Trust,
    PolicyKind::Endpoint,
];

/// Cases whose outcome no policy changes, or whose SCPs and RCPs do not apply.
fn is_free(case: &Value) -> bool {
    case["request"]["action"] == "sts:GetCallerIdentity"
        || case["request"]["action"].as_str().unwrap().eq_ignore_ascii_case("sts:GetCallerIdentity")
        || case.to_string().contains(":role/aws-service-role/")
        || !case["request"]["principal"].as_str().unwrap().starts_with("arn:")
        || case["request"]["principal"].as_str().unwrap().contains(":saml-provider/")
}

#[test]
fn an_explicit_deny_always_wins() {
    each_case("an_explicit_deny_always_wins", 1_500, |random, case| {
        let mut denied = case.clone();
        if !is_free(case) && add(random, &mut denied, "Deny", true, None) {
            assert_eq!(fast(&denied).unwrap(), "explicitDeny", "{denied}");
        }
    });
}

#[test]
fn an_additional_allow_never_denies() {
    each_case("an_additional_allow_never_denies", 1_500, |random, case| {
        let before = fast(case).unwrap();
        let mut more = case.clone();
        if add(random, &mut more, "Allow", false, Some(ALLOWS)) {
            let after = fast(&more).unwrap();
            assert!(after == before || before == "implicitDeny" && after == "allowed", "{before} {after}\n{more}");
        }
    });
}

#[test]
fn an_additional_deny_never_allows() {
    each_case("an_additional_deny_never_allows", 1_500, |random, case| {
        let before = fast(case).unwrap();
        let mut more = case.clone();
        if add(random, &mut more, "Deny", false, None) {
            let after = fast(&more).unwrap();
            assert!(after == before || after == "explicitDeny", "{before} {after}\n{more}");
        }
    });
}

#[test]
fn boundaries_and_session_policies_never_grant() {
    let all = json!({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}});
    each_case("boundaries_and_session_policies_never_grant", 1_500, |_, case| {
        let before = fast(case).unwrap();
        // Without session policies a federated user has no permissions.
        let federated = case["request"]["principal"].as_str().unwrap().contains(":federated-user/");
        for (slot, value) in [("boundary", all.clone()), ("sessionPolicies", json!([all]))] {
            if case.get(slot).is_none() && !(federated && slot == "sessionPolicies") {
                let mut limited = case.clone();
                limited[slot] = value;
                let after = fast(&limited).unwrap();
                // A boundary keeps NotPrincipal from sparing, so it can bring a Deny about.
                assert!(after == before || after == "explicitDeny", "{slot}: {before} {after}\n{limited}");
            }
        }
    });
}

#[test]
fn order_changes_nothing() {
    each_case("order_changes_nothing", 1_500, |random, case| {
        let mut turned = case.clone();
        each_document(&mut turned, &mut |_, document| {
            if let Value::Array(statements) = &mut document["Statement"] {
                let by = random.below(statements.len());
                statements.rotate_left(by);
                statements.reverse();
            }
        });
        for slot in ["identityPolicies", "groupPolicies", "sessionPolicies"] {
            if let Some(Value::Array(documents)) = turned.get_mut(slot) {
                documents.reverse();
            }
        }
        assert_eq!(fast(case).unwrap(), fast(&turned).unwrap(), "{case}\n{turned}");
    });
}

#[test]
fn printing_and_parsing_again_decides_the_same() {
    each_case("printing_and_parsing_again_decides_the_same", 1_500, |_, case| {
        let mut printed = case.clone();
        each_document(&mut printed, &mut |kind, document| {
            let escape = |c: char| if c > '\u{ff}' { format!("\\u{:04x}", u32::from(c)) } else { c.to_string() };
            let text: String = document.to_string().chars().map(escape).collect();
            let parsed = parse(&text, kind).unwrap();
            *document = serde_json::from_str(&to_json(&parsed)).unwrap();
        });
        assert_eq!(fast(case).unwrap(), fast(&printed).unwrap(), "{case}\n{printed}");
    });
}
