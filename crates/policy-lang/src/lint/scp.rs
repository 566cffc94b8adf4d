//! Service control and resource control policies.

use super::Cx;
use super::code::*;
use crate::document::{Effect, Statement};
use crate::json::quoted;
use crate::kind::PolicyKind;
use crate::operator::Family;

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
        if effect == Effect::Allow && !statement.is_full_access() {
            let details = "use `Deny`: under resource control policies everything is allowed until it is denied";
            cx.report(RCP_SYNTAX_ERROR_ALLOW, statement.effect_span, details);
        }
        if statement.action.negated {
            let details = "use `Action`: `NotAction` is not taken";
            cx.report(RCP_SYNTAX_ERROR_NOTACTION, statement.action.span, details);
        }
        let unnamed = |action: &str| action.split(':').next().is_some_and(|service| service.contains(['*', '?']));
        if effect == Effect::Deny {
            for action in statement.action.patterns.iter().filter(|action| unnamed(action)) {
                let details =
                    format!("name the service in {}: an action of every service is not taken", quoted(action));
                cx.report(RCP_SYNTAX_ERROR_ACTION, action.span, details);
            }
            services(cx, statement);
        }
    }
}

/// Keys about users and roles, which service principals do not have.
const OF_PRINCIPALS: [&str; 4] =
    ["aws:PrincipalAccount", "aws:PrincipalArn", "aws:PrincipalOrgID", "aws:PrincipalOrgPaths"];
/// Keys that service principals alone bring.
const OF_SERVICES: [&str; 4] = ["aws:SourceAccount", "aws:SourceArn", "aws:SourceOrgID", "aws:SourceOrgPaths"];

/// Conditions that hold if their key is absent, and so deny principals that never have it.
fn services(cx: &mut Cx<'_>, statement: &Statement) {
    let has = |key: &str, family: Family, wanted: &str| {
        statement.conditions.iter().any(|condition| {
            condition.key.eq_ignore_ascii_case(key)
                && condition.operator.base.family() == family
                && condition.values.iter().all(|value| value.text.eq_ignore_ascii_case(wanted))
        })
    };
    let is_service = |wanted: &str| has("aws:PrincipalIsAWSService", Family::Bool, wanted);
    let null_check = has("aws:SourceAccount", Family::Null, "false") || has("aws:SourceArn", Family::Null, "false");
    for condition in &statement.conditions {
        let operator = condition.operator;
        if operator.base.family() == Family::Null || !(operator.base.is_negated() || operator.if_exists) {
            continue;
        }
        let named = |names: &[&str]| names.iter().any(|name| condition.key.eq_ignore_ascii_case(name));
        let (key, span) = (quoted(&condition.key), condition.key.span);
        let of_tag = condition.key.to_ascii_lowercase().starts_with("aws:principaltag/");
        if (named(&OF_PRINCIPALS) || of_tag) && !is_service("false") {
            let details = format!(
                "add `\"BoolIfExists\": {{\"aws:PrincipalIsAWSService\": \"false\"}}`: service principals bring no \
                 {key}, so the statement denies them all"
            );
            cx.report(RCP_MISSING_RELATED_PRINCIPAL_CONDITION_KEY, span, details);
        }
        if named(&OF_SERVICES) {
            if !is_service("true") {
                let details = format!(
                    "add `\"BoolIfExists\": {{\"aws:PrincipalIsAWSService\": \"true\"}}`: service principals alone \
                     bring {key}, so the statement denies everyone else"
                );
                cx.report(RCP_MISSING_RELATED_SERVICE_PRINCIPAL_CONDITION_KEY, span, details);
            }
            if !null_check {
                let details = format!(
                    "add `\"Null\": {{\"aws:SourceAccount\": \"false\"}}`: not every request of a service brings \
                     {key}, and the statement denies those that do not"
                );
                cx.report(RCP_MISSING_SERVICE_CONDITION_KEY_NULL_CHECK, span, details);
            }
        }
    }
}
