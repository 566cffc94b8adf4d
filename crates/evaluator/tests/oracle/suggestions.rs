//! What an explanation suggests is what is lacking: all of it together allows the request, and less does not.

use bailiwick_evaluator::jsonl::evaluate_line;
use serde_json::{Value, json};

use super::{each_case, fast};

fn explained(case: &Value) -> Value {
    let answer: Value = serde_json::from_str(&evaluate_line(&case.to_string(), true).line).unwrap();
    answer["explanation"].clone()
}

/// Adds a suggested statement where the explanation says; false where the policy there is of the old version and would
/// have to become one of the new, which could mean something else.
fn add(case: &mut Value, suggestion: &Value) -> bool {
    let statement = &suggestion["statement"];
    let own = json!({"Version": "2012-10-17", "Statement": [statement]});
    let push = |list: &mut Value, document: Value| match list {
        Value::Array(list) => list.push(document),
        list => *list = json!([document]),
    };
    let slot = match suggestion["type"].as_str().unwrap() {
        "identity" => {
            push(&mut case["identityPolicies"], own);
            return true;
        }
        "session" => {
            push(&mut case["sessionPolicies"], own);
            return true;
        }
        "scp" => {
            let level = suggestion["level"].as_u64().unwrap() as usize;
            push(&mut case["scps"][level], own);
            return true;
        }
        "boundary" => "boundary",
        "resource" => "resourcePolicy",
        "trust" => "trust",
        "endpoint" => "endpointPolicy",
        other => panic!("nobody can add to {other}"),
    };
    let document = &mut case[slot];
    if document.is_null() {
        *document = own;
        return true;
    }
    if suggestion["needsVariables"] == true && document["Version"] != "2012-10-17" {
        return false;
    }
    let mut statements = statements(document);
    statements.push(statement.clone());
    document["Statement"] = statements.into();
    true
}

fn statements(document: &Value) -> Vec<Value> {
    match &document["Statement"] {
        Value::Array(statements) => statements.clone(),
        one => vec![one.clone()],
    }
}

/// The case without its Denies.
fn without_denies(case: &Value) -> Value {
    let mut case = case.clone();
    let allows = |document: &Value, principal: bool, resource: bool| {
        let mut kept = statements(document);
        kept.retain(|statement| statement["Effect"] == "Allow");
        if kept.is_empty() {
            let mut nothing = json!({"Effect": "Allow", "Action": "nothing:AtAll"});
            if principal {
                nothing["Principal"] = json!({"AWS": "999999999999"});
            }
            if resource {
                nothing["Resource"] = "*".into();
            }
            kept.push(nothing);
        }
        let mut document = document.clone();
        document["Statement"] = kept.into();
        document
    };
    for slot in ["identityPolicies", "groupPolicies", "sessionPolicies"] {
        for document in case.get_mut(slot).and_then(Value::as_array_mut).into_iter().flatten() {
            *document = allows(document, false, true);
        }
    }
    for level in case.get_mut("scps").and_then(Value::as_array_mut).into_iter().flatten() {
        for document in level.as_array_mut().into_iter().flatten() {
            *document = allows(document, false, true);
        }
    }
    case["rcps"] = json!([]);
    for (slot, principal, resource) in [
        ("boundary", false, true),
        ("resourcePolicy", true, true),
        ("trust", true, false),
        ("endpointPolicy", true, true),
    ] {
        if case.get(slot).is_some_and(|document| !document.is_null()) {
            case[slot] = allows(&case[slot], principal, resource);
        }
    }
    case
}

#[test]
fn suggestions_allow_only_together() {
    let (mut explicit, mut implicit, mut several, mut skipped) = (0, 0, 0, 0);
    each_case("suggestions_allow_only_together", 1_500, |_, case| {
        let decision = fast(case).unwrap();
        let explanation = explained(case);
        let suggestions = explanation["suggestions"].as_array().unwrap();
        if decision == "allowed" {
            assert!(suggestions.is_empty(), "{case}");
            return;
        }
        let denied = decision == "explicitDeny";
        assert_eq!(denied, !explanation["deniedBy"].as_array().unwrap().is_empty(), "{case}");
        let start = if denied { without_denies(case) } else { case.clone() };
        if suggestions.is_empty() {
            let text = explanation["text"].as_str().unwrap();
            let is_hopeless = text.contains("root can't assume roles") || text.contains("it could not be allowed");
            let expected = if is_hopeless { "implicitDeny" } else { "allowed" };
            assert_eq!(fast(&start).unwrap(), expected, "{case}\n{text}");
            return;
        }
        if denied {
            explicit += 1
        } else {
            implicit += 1
        }
        let mut all = start.clone();
        if !suggestions.iter().all(|suggestion| add(&mut all, suggestion)) {
            skipped += 1;
            return;
        }
        assert_eq!(fast(&all).unwrap(), "allowed", "{case}\nwith the suggestions\n{all}");
        several += usize::from(suggestions.len() > 1);
        for left_out in 0..suggestions.len() {
            let mut most = start.clone();
            for (at, suggestion) in suggestions.iter().enumerate() {
                assert!(at == left_out || add(&mut most, suggestion));
            }
            assert_eq!(fast(&most).unwrap(), "implicitDeny", "{case}\nwithout {}\n{most}", suggestions[left_out]);
        }
    });
    println!("{implicit} implicit, {explicit} explicit, {several} of several, {skipped} skipped");
    assert!(implicit > 100 && explicit > 20 && several > 50, "{implicit} {explicit} {several}");
    assert!(skipped * 20 < implicit, "{skipped}");
}

#[test]
fn required_policy_types_are_required() {
    each_case("required_policy_types_are_required", 1_000, |_, case| {
        if fast(case).unwrap() != "allowed" {
            return;
        }
        for said in explained(case)["policies"].as_array().unwrap() {
            // Without all that a type of policy says: is it still allowed?
            let mut less = case.clone();
            let nothing = json!({"Version": "2012-10-17", "Statement": {
                "Effect": "Allow", "Action": "nothing:AtAll", "Resource": "*"}});
            match said["type"].as_str().unwrap() {
                "identity" => {
                    less["identityPolicies"] = json!([]);
                    less["groupPolicies"] = json!([]);
                }
                "boundary" => less["boundary"] = nothing,
                "session" => less["sessionPolicies"] = json!([nothing]),
                "scp" => less["scps"][said["level"].as_u64().unwrap() as usize] = json!([]),
                _ => continue,
            }
            let still = fast(&less).unwrap() == "allowed";
            assert_eq!(said["required"] == true, !still, "{case}\n{said}");
        }
    });
}
