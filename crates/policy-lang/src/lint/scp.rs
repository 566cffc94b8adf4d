//! Service control and resource control policies.

use super::Cx;
use super::code::*;
use crate::document::Effect;
use crate::json::quoted;
use crate::kind::PolicyKind;

pub(super) fn check(cx: &mut Cx<'_>) {
    match cx.kind {
        PolicyKind::Scp if cx.validation.small_scp => small(cx),
        PolicyKind::Rcp => rcp(cx),
        _ => {}
    }
}

/// The language that service control policies had until September 2025.
fn small(cx: &mut Cx<'_>) {
    for (statement, effect) in cx.effective() {
        for action in &statement.action.patterns {
            if action.find(['*', '?']).is_some_and(|at| at + 1 != action.len()) {
                let details = format!("move the wildcard of {} to its end", quoted(action));
                cx.report(SCP_SYNTAX_ERROR_ACTION_WILDCARD, action.span, details);
            }
        }
        if let Some(resource) = &statement.resource {
            if resource.negated {
                cx.report(SCP_SYNTAX_ERROR_NOTRESOURCE, resource.span, "use `Resource`: `NotResource` is not taken");
            } else if effect == Effect::Allow && resource.patterns.iter().any(|pattern| &*pattern.value != "*") {
                cx.report(SCP_SYNTAX_ERROR_ALLOW_RESOURCE, resource.span, "with `Allow`, set `Resource` to `*`");
            }
        }
        if effect == Effect::Allow && statement.action.negated {
            let details = "with `Allow`, use `Action`: `NotAction` is not taken";
            cx.report(SCP_SYNTAX_ERROR_ALLOW_NOTACTION, statement.action.span, details);
        }
        if let (Effect::Allow, Some(condition)) = (effect, statement.conditions.first()) {
            let details = "with `Allow`, remove the condition";
            cx.report(SCP_SYNTAX_ERROR_ALLOW_CONDITION, condition.operator_span, details);
        }
    }
}

fn rcp(cx: &mut Cx<'_>) {
    for (statement, effect) in cx.effective() {
        if effect == Effect::Allow {
            let details = "use `Deny`: a resource control policy takes away, what everyone may is allowed already";
            cx.report(RCP_SYNTAX_ERROR_ALLOW, statement.effect_span, details);
        }
        if statement.action.negated {
            let details = "use `Action`: `NotAction` is not taken";
            cx.report(RCP_SYNTAX_ERROR_NOTACTION, statement.action.span, details);
        }
        for action in statement.action.patterns.iter().filter(|action| &*action.value == "*") {
            let details = "name the service: `*` alone is not taken";
            cx.report(RCP_SYNTAX_ERROR_ACTION_WILDCARD, action.span, details);
        }
    }
}
