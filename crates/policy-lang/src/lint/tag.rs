//! Conditions on tags, for services that send none.

use std::collections::HashMap;

use super::Cx;
use super::code::*;
use crate::catalogue::{Catalogue, Service};
use crate::document::{Condition, Effect, Statement};
use crate::glob::Steps;
use crate::json::quoted;
use crate::operator::Family;

pub(super) fn check(cx: &mut Cx<'_>) {
    for (statement, effect) in cx.effective() {
        // The services do not depend on the condition, nor does what they send on the tag.
        let mut services: Option<Vec<&Service>> = None;
        let mut silent: HashMap<&'static str, Vec<&Service>> = HashMap::new();
        for condition in &statement.conditions {
            // A missing key meets these, whatever the service sends.
            let indifferent = condition.operator.if_exists || condition.operator.base.family() == Family::Null;
            let Some(sample) = sample(&condition.key).filter(|_| !indifferent) else { continue };
            let services = services.get_or_insert_with(|| {
                cx.catalogue().services().filter(|service| names(statement, service, cx.steps)).collect()
            });
            let silent = silent.entry(sample).or_insert_with(|| {
                // The tags of any registered service's resources may be kept here, and then take part.
                let is_kept = |service: &Service| {
                    let own = Catalogue::builtin().service(&service.prefix).is_none();
                    own && !cx.is_for_aws() && sample == "aws:resourcetag/x"
                };
                let sends = |service: &Service| {
                    let enough = cx.steps.take(200 * (1 + service.actions().count()));
                    !enough || is_kept(service) || sends(service, sample)
                };
                services.iter().copied().filter(|service| !sends(service)).collect()
            });
            if !silent.is_empty() && cx.steps.take(20 * silent.len()) {
                unsupported(cx, statement, effect, condition, silent);
            }
        }
    }
}

/// A key of the same kind, among those about tags.
fn sample(key: &str) -> Option<&'static str> {
    let key = key.to_ascii_lowercase();
    match key.split('/').next() {
        Some("aws:tagkeys") if key == "aws:tagkeys" => Some("aws:tagkeys"),
        Some("aws:resourcetag") if key.contains('/') => Some("aws:resourcetag/x"),
        Some("aws:requesttag") if key.contains('/') => Some("aws:requesttag/x"),
        _ => None,
    }
}

fn unsupported(cx: &mut Cx<'_>, statement: &Statement, effect: Effect, condition: &Condition, services: &[&Service]) {
    let code = match (effect, statement.action.negated) {
        (Effect::Deny, false) => DENY_WITH_UNSUPPORTED_TAG_CONDITION_KEY_FOR_SERVICE,
        (Effect::Deny, true) => DENY_NOTACTION_WITH_UNSUPPORTED_TAG_CONDITION_KEY_FOR_SERVICE,
        (Effect::Allow, false) => ALLOW_WITH_UNSUPPORTED_TAG_CONDITION_KEY_FOR_SERVICE,
        (Effect::Allow, true) => ALLOW_NOTACTION_WITH_UNSUPPORTED_TAG_CONDITION_KEY_FOR_SERVICE,
    };
    let prefixes: Vec<_> = services.iter().map(|service| format!("`{}`", service.prefix)).collect();
    let not = if effect == Effect::Deny { "denied" } else { "allowed" };
    let details = format!(
        "do not rely on {} for {}: requests for it do not bring that key, so they are not {not} by this statement",
        quoted(&condition.key),
        prefixes.join(", ")
    );
    cx.report_at(code, &[condition.key.span, statement.action.span], details);
}

/// Whether the statement speaks of actions of this service.
fn names(statement: &Statement, service: &Service, steps: &Steps) -> bool {
    let named = |action: &str| {
        let (prefix, name) = action.split_once(':').unwrap_or((action, "*"));
        steps.matches(&prefix.to_ascii_lowercase(), &service.prefix) && service.has_action(name, steps)
    };
    // With `NotAction`, what is left of the service is all of it but for single actions.
    let whole = |action: &str| {
        let (prefix, name) = action.split_once(':').unwrap_or((action, "*"));
        name == "*" && steps.matches(&prefix.to_ascii_lowercase(), &service.prefix)
    };
    if statement.action.negated {
        !statement.action.patterns.iter().any(|action| whole(action))
    } else {
        statement.action.patterns.iter().any(|action| named(action))
    }
}

/// Whether any request for the service brings the key.
fn sends(service: &Service, key: &str) -> bool {
    service.actions().any(|action| service.brings(action, key))
}
