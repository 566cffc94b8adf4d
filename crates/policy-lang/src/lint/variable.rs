//! Policy variables where they mean nothing.

use super::code::*;
use super::{Cx, FindingType};
use crate::document::{Text, ValueType};
use crate::json::quoted;
use crate::span::Span;
use crate::template::{Piece, Template};

pub(super) fn check(cx: &mut Cx<'_>) {
    if cx.document().version.has_variables() { elements(cx) } else { version(cx) }
}

/// Returns whether a text has a variable, in versions with variables.
fn has_variable(text: &str) -> bool {
    Template::is_needed(text) && Template::new(text).any(|piece| !matches!(piece, Ok(Piece::Literal(_)) | Err(_)))
}

fn version(cx: &mut Cx<'_>) {
    for (span, text) in values(cx) {
        if has_variable(&text) {
            let details =
                format!("set `Version` to `2012-10-17`: in an older document {} is plain text", quoted(&text));
            cx.report(VARIABLE_UNSUPPORTED_IN_VERSION, span, details);
        }
    }
}

/// The resources and the strings of conditions.
fn values(cx: &Cx<'_>) -> Vec<(Span, String)> {
    let mut values = Vec::new();
    for statement in &cx.document().statements {
        let resources = statement.resource.iter().flat_map(|resource| &resource.patterns);
        values.extend(resources.map(|resource| (resource.span, resource.to_string())));
        for condition in statement.conditions.iter().filter(|condition| condition.operator.base.takes_variables()) {
            let strings = condition.values.iter().filter(|value| value.value_type == ValueType::String);
            values.extend(strings.map(|value| (value.span, value.text.to_string())));
        }
    }
    values
}

/// Variables of keys that do not exist: what they stand in matches nothing.
fn keys(cx: &mut Cx<'_>) {
    for (span, text) in values(cx) {
        let Ok(pieces) = Template::parse(&text) else { continue };
        for piece in pieces {
            let Piece::Variable { key, .. } = piece else { continue };
            if cx.catalogue().key(key).is_some() {
                continue;
            }
            let (prefix, _) = key.split_once(':').unwrap_or_default();
            let meant = cx.did_you_mean(key, |catalogue| catalogue.nearest_key(key));
            let (code, what) = if prefix.eq_ignore_ascii_case("aws") {
                (INVALID_GLOBAL_CONDITION_KEY, "there is no such global condition key".to_owned())
            } else if cx.catalogue().service(prefix).is_some() {
                (INVALID_SERVICE_CONDITION_KEY, format!("`{prefix}` has no such condition key"))
            } else if !meant.is_empty() {
                let code = INVALID_SERVICE.graded(FindingType::Warning);
                (code, "no service of that prefix is registered".to_owned())
            } else {
                continue;
            };
            let details = format!("correct the variable {}: {what}{meant}", quoted(key));
            cx.report(code, span, details);
        }
    }
}

fn elements(cx: &mut Cx<'_>) {
    let document = cx.document();
    let plain_sids = cx.kind.has_plain_sids();
    let unsupported = |cx: &mut Cx<'_>, text: &Text| {
        if has_variable(text) {
            let details = format!("remove the variable from {}: this element has none", quoted(text));
            cx.report(VARIABLE_UNSUPPORTED_IN_ELEMENT, text.span, details);
        }
    };
    if let Some(id) = &document.id {
        unsupported(cx, id);
    }
    if !cx.is_for_aws() {
        keys(cx);
    }
    for statement in &document.statements {
        // Where a `Sid` is letters and digits, the grammar has refused it; so has it in actions and principals.
        for sid in statement.sid.iter().filter(|_| !plain_sids) {
            unsupported(cx, sid);
        }
        for condition in &statement.conditions {
            unsupported(cx, &condition.key);
            if condition.operator.base.takes_variables() {
                continue;
            }
            for value in condition.values.iter().filter(|value| has_variable(&value.text)) {
                let details = format!(
                    "remove the variable from {}: `{}` takes it as plain text",
                    quoted(&value.text),
                    condition.operator
                );
                cx.report(INVALID_VARIABLE_FOR_OPERATOR, value.span, details);
            }
        }
    }
}
