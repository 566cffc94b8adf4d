//! An explanation as JSON.

use serde_json::{Value, json};

use crate::{AbsentReason, Actual, Expected, Explanation, Failure, Located, PolicyKind, Variables};

pub(super) fn json(explanation: &Explanation<'_>) -> Value {
    let decision = &explanation.decision;
    json!({
        "step": decision.step.as_str(),
        "lacking": decision.lacking.map(kind_name),
        "statement": explanation.decided_by.as_ref().map(located),
        "policies": explanation.findings.iter().map(|finding| json!({
            "type": kind_name(finding.kind),
            "level": finding.level,
            "count": finding.policies,
            "verdict": finding.verdict.as_str(),
            "required": finding.required,
            "statement": finding.statement.as_ref().map(located),
        })).collect::<Vec<_>>(),
        "absent": explanation.absent.iter().map(|absent| json!({
            "type": kind_name(absent.kind),
            "why": match absent.why {
                AbsentReason::NoneThere => "none",
                AbsentReason::NoIdentity => "noIdentity",
                AbsentReason::ManagementAccount => "managementAccount",
                AbsentReason::ServiceLinkedRole => "serviceLinkedRole",
            },
        })).collect::<Vec<_>>(),
        "matched": explanation.matched.iter().map(located).collect::<Vec<_>>(),
        "nearMisses": explanation.near_misses.iter().map(|miss| json!({
            "statement": located(&miss.statement),
            "failed": failure(&miss.failure),
            "also": miss.also.iter().map(failure).collect::<Vec<_>>(),
        })).collect::<Vec<_>>(),
        "suggestions": explanation.suggestions.iter().map(|suggestion| json!({
            "type": kind_name(suggestion.kind),
            "level": suggestion.level,
            "attachTo": suggestion.attach_to,
            "statement": serde_json::from_str::<Value>(&suggestion.statement).unwrap_or_default(),
            "needsVariables": suggestion.needs_variables,
        })).collect::<Vec<_>>(),
        "deniedBy": explanation.denies.iter().map(located).collect::<Vec<_>>(),
        "notes": explanation.notes,
        "text": explanation.to_string(),
    })
}

fn located(statement: &Located<'_>) -> Value {
    let span = &statement.span;
    json!({
        "type": kind_name(statement.at.kind),
        "policy": statement.policy,
        "index": statement.at.statement,
        "sid": statement.sid,
        "effect": statement.effect.as_str(),
        "line": span.start.line,
        "column": span.start.column,
        "endLine": span.end.line,
        "endColumn": span.end.column,
    })
}

fn failure(failure: &Failure) -> Value {
    let patterns = |element: &str, negated: bool, expected: &[Expected], closest: Option<usize>| {
        let element = if negated { format!("Not{element}") } else { element.to_owned() };
        let mut out = json!({"element": element});
        wants(&mut out, expected);
        if let Some(closest) = closest.and_then(|at| expected.get(at)) {
            out["closest"] = (*closest.written).into();
        }
        out
    };
    match failure {
        Failure::Action { negated, expected, closest } => patterns("Action", *negated, expected, Some(*closest)),
        Failure::Resource { negated, expected, closest } => patterns("Resource", *negated, expected, Some(*closest)),
        Failure::Principal { negated, expected } => patterns("Principal", *negated, expected, None),
        Failure::Condition { operator, key, expected, actual, span } => {
            let mut out = json!({
                "element": "Condition",
                "operator": operator.to_string(),
                "key": &**key,
                "actual": match actual {
                    Actual::Absent => Value::Null,
                    Actual::One(value) => value.as_str().into(),
                    Actual::Many(values) => values.as_slice().into(),
                },
                "line": span.start.line,
                "column": span.start.column,
            });
            wants(&mut out, expected);
            out
        }
    }
}

/// The values as written and, where there are variables among them, as they are with those filled in.
fn wants(out: &mut Value, expected: &[Expected]) {
    out["expected"] = expected.iter().map(|one| Value::from(&*one.written)).collect();
    if expected.iter().any(|one| one.variables != Variables::None) {
        let filled = expected.iter().map(|one| match &one.variables {
            Variables::Unknown(_) => Value::Null,
            Variables::None | Variables::Filled(_) => one.text().into(),
        });
        out["filled"] = filled.collect();
    }
}

fn kind_name(kind: PolicyKind) -> &'static str {
    match kind {
        PolicyKind::Identity => "identity",
        PolicyKind::Boundary => "boundary",
        PolicyKind::Session => "session",
        PolicyKind::Scp => "scp",
        PolicyKind::Rcp => "rcp",
        PolicyKind::Resource => "resource",
        PolicyKind::Trust => "trust",
        PolicyKind::Endpoint => "endpoint",
    }
}
