//! Actions: do they exist, and can this policy govern them?

use super::code::*;
use super::{Cx, FindingType};
use crate::glob;
use crate::json::quoted;
use crate::kind::PolicyKind;
use crate::save::ASSUME_ACTIONS;

pub(super) fn check(cx: &mut Cx<'_>) {
    for statement in &cx.document().statements {
        for action in &statement.action.patterns {
            let Some((service, name)) = action.split_once(':') else { continue };
            // What the grammar refuses has been said.
            if service.is_empty() || name.is_empty() || name.contains(':') {
                continue;
            }
            if service.contains(['*', '?']) {
                let details = format!(
                    "name the service in {}: with a wildcard there it reaches every service whose prefix matches, \
                     also ones that come later",
                    quoted(action)
                );
                cx.report(WILDCARD_IN_SERVICE_NAME, action.span, details);
            } else {
                known(cx, action, service, name);
            }
            governed(cx, action, service);
        }
    }
}

fn known(cx: &mut Cx<'_>, action: &crate::Text, service: &str, name: &str) {
    match cx.catalogue().service(service) {
        Some(known) if !known.has_action(name, cx.steps) => {
            let meant = cx.did_you_mean(action, |catalogue| catalogue.nearest_action(action));
            let details = format!("correct or remove {}: `{}` has no such action{meant}", quoted(action), known.prefix);
            cx.report(INVALID_ACTION, action.span, details);
        }
        None if cx.catalogue().complete => {
            let meant = cx.did_you_mean(service, |all| all.nearest_service(service, None).map(str::to_owned));
            let details = format!("correct {}: there is no service of that prefix{meant}", quoted(service));
            cx.report(INVALID_SERVICE_IN_ACTION, action.span, details);
        }
        // A service of that prefix may exist without being registered, but hardly with the actions of another one.
        None if !cx.is_for_aws() => {
            let meant = cx.did_you_mean(action, |catalogue| catalogue.nearest_action(action));
            if !meant.is_empty() {
                let details = format!("check {}: no service of that prefix is registered{meant}", quoted(action));
                cx.report(INVALID_SERVICE_IN_ACTION.graded(FindingType::Warning), action.span, details);
            }
        }
        _ => {}
    }
}

fn governed(cx: &mut Cx<'_>, action: &crate::Text, service: &str) {
    let pattern = action.to_ascii_lowercase();
    if cx.kind == PolicyKind::Trust {
        if !ASSUME_ACTIONS.iter().any(|name| glob::matches(&pattern, name)) {
            let details = format!("remove {}: a trust policy governs the assuming of its role alone", quoted(action));
            cx.report(UNSUPPORTED_ACTION_IN_POLICY, action.span, details);
        }
        return;
    }
    let Some(own) = cx.resource_service() else { return };
    // What an unknown service acts on is its own business.
    if !cx.is_for_aws() && cx.catalogue().service(service).is_none() {
        return;
    }
    if !glob::matches(&service.to_ascii_lowercase(), own) {
        let details = format!("remove {}: the policy is attached to a resource of `{own}`", quoted(action));
        cx.report(UNSUPPORTED_ACTION_IN_POLICY, action.span, details);
    }
}
