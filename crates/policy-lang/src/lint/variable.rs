//! Policy variables where they mean nothing.

use super::Cx;
use super::code::*;
use crate::document::{Text, ValueType};
use crate::json::quoted;
use crate::span::Span;
use crate::template::{Piece, Template};

pub(super) fn check(cx: &mut Cx<'_>) {
    if cx.document().version.has_variables() { elements(cx) } else { version(cx) }
}

/// Whether a text holds something that is a variable where there are variables.
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
