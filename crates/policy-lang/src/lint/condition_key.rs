//! Condition keys: do they exist, and do the actions bring them?

use std::collections::{HashMap, HashSet};

use super::code::*;
use super::{Cx, FindingType};
use crate::catalogue::{Action, Service};
use crate::document::{Condition, Statement, Text};
use crate::json::quoted;
use crate::kind::PolicyKind;
use crate::operator::Family;

pub(super) fn check(cx: &mut Cx<'_>) {
    for statement in &cx.document().statements {
        let actions = known_actions(cx, statement);
        let mut never = Never::new();
        for condition in &statement.conditions {
            exists(cx, condition);
            applies(cx, &actions, condition, &mut never);
            relevant(cx, condition);
        }
        twice(cx, statement);
        paired(cx, statement);
    }
}

/// Names of keys, whatever the service, that are the beginning of a tag's key.
const TAG_PREFIXES: [&str; 6] =
    ["resourcetag", "requesttag", "principaltag", "existingobjecttag", "requestobjecttag", "requestcontext"];

fn exists(cx: &mut Cx<'_>, condition: &Condition) {
    let (key, span) = (&*condition.key.value, condition.key.span);
    if key.is_empty() {
        return;
    }
    let lower = key.to_ascii_lowercase();
    let Some((prefix, name)) = lower.split_once(':').filter(|(prefix, name)| !prefix.is_empty() && !name.is_empty())
    else {
        let details = format!("write {} as `service:name`", quoted(key));
        return cx.report(INVALID_CONDITION_KEY_FORMAT, span, details);
    };
    // A service may have such a key that is whole.
    let whole = !name.ends_with('/') && cx.catalogue().key(key).is_some();
    if !whole && TAG_PREFIXES.contains(&name.trim_end_matches('/')) {
        let details = format!("add the tag's key: `{}/…`", key.trim_end_matches('/'));
        return cx.report(MISSING_TAG_KEY_IN_CONDITION, span, details);
    }
    if lower == "aws:arn" {
        let details = "use `aws:PrincipalArn` or `aws:SourceArn`: no request brings `aws:ARN`";
        cx.report(UNSUPPORTED_GLOBAL_CONDITION_KEY, span, details);
        let details = "replace the old `aws:ARN` with `aws:PrincipalArn` or `aws:SourceArn`";
        return cx.report(DEPRECATED_GLOBAL_CONDITION_KEY, span, details);
    }
    if cx.catalogue().key(key).is_some() || name.contains("${") {
        return;
    }
    let meant = |cx: &Cx<'_>| cx.did_you_mean(key, |catalogue| catalogue.nearest_key(key));
    if prefix == "aws" {
        let details = format!("correct {}: there is no such global condition key{}", quoted(key), meant(cx));
        cx.report(INVALID_GLOBAL_CONDITION_KEY, span, details);
    } else if prefix.contains('.') {
        // A claim of an identity provider.
    } else if cx.catalogue().service(prefix).is_none() {
        if cx.catalogue().complete {
            let details = format!("correct {}: there is no service of that prefix{}", quoted(key), meant(cx));
            cx.report(INVALID_SERVICE, span, details);
        } else if !cx.is_for_aws() && !meant(cx).is_empty() {
            let details = format!("check {}: no service of that prefix is registered{}", quoted(key), meant(cx));
            cx.report(INVALID_SERVICE.graded(FindingType::Warning), span, details);
        }
    } else {
        let details = format!("correct {}: `{prefix}` has no such condition key{}", quoted(key), meant(cx));
        cx.report(INVALID_SERVICE_CONDITION_KEY, span, details);
    }
}

/// An action that stands in a statement, as the catalogue knows it.
type KnownAction<'a> = (&'a Text, &'a Service, &'a Action);

/// The actions of a statement that are named in full and known, each once.
fn known_actions<'a>(cx: &Cx<'a>, statement: &'a Statement) -> Vec<KnownAction<'a>> {
    let mut seen = HashSet::new();
    let patterns = statement.action.patterns.iter().filter(|_| !statement.action.negated);
    let known = patterns.filter_map(|text| {
        let (prefix, name) = text.split_once(':')?;
        let service = cx.catalogue().service(prefix)?;
        let action = service.action(name)?;
        seen.insert(std::ptr::from_ref(action)).then_some((text, service, action))
    });
    known.collect()
}

/// The most actions that one finding names.
const NAMED: usize = 8;

/// A key of a service with actions of that service that never bring it.
fn applies(cx: &mut Cx<'_>, actions: &[KnownAction<'_>], condition: &Condition, never: &mut Never) {
    if condition.operator.if_exists || condition.operator.base.family() == Family::Null {
        return;
    }
    let Some((prefix, name)) = condition.key.split_once(':') else { return };
    // Global keys are brought by nearly everything, and what brings those on tags is another check.
    let Some(known) = cx.catalogue().service(prefix).filter(|_| cx.catalogue().key(&condition.key).is_some()) else {
        return;
    };
    // What follows a slash is a tag, of which it does not depend.
    let id = (known.prefix.clone(), name.split('/').next().unwrap_or(name).to_ascii_lowercase());
    let places = never.entry(id).or_insert_with(|| {
        let own = actions.iter().enumerate().filter(|(_, (_, service, _))| service.prefix == known.prefix);
        own.filter(|(_, (_, _, action))| !known.brings(action, &condition.key)).map(|(at, _)| at).collect()
    });
    if places.is_empty() {
        return;
    }
    let texts = || places.iter().take(NAMED).map(|&at| actions[at].0);
    let mut names: Vec<_> = texts().map(|action| quoted(action)).collect();
    if places.len() > NAMED {
        names.push(format!("{} more", places.len() - NAMED));
    }
    let details = format!(
        "move {} to a statement without {}: requests for it never bring that key",
        names.join(", "),
        quoted(&condition.key)
    );
    let spans: Vec<_> = texts().map(|action| action.span).chain([condition.span]).collect();
    cx.report_at(UNSUPPORTED_ACTION_FOR_CONDITION_KEY, &spans, details);
}

/// Which of a statement's actions never bring a key, by service and name without tag.
type Never = HashMap<(Box<str>, String), Vec<usize>>;

/// Keys that say nothing about the resource that the policy is attached to.
fn relevant(cx: &mut Cx<'_>, condition: &Condition) {
    // What says whose the resource is, the policy of that resource knows.
    if cx.resource_service() == Some("s3") && condition.key.eq_ignore_ascii_case("s3:ResourceAccount") {
        let details = format!(
            "remove {}: the bucket's account is known, it is an identity's policy that asks",
            quoted(&condition.key)
        );
        return cx.report(IRRELEVANT_CONDITION_KEY_IN_POLICY, condition.key.span, details);
    }
    let own = match (cx.kind, cx.resource_service()) {
        (PolicyKind::Trust, _) => &["aws", "sts", "saml", "iam"][..],
        (PolicyKind::Resource, Some(service)) => &["aws", service][..],
        _ => return,
    };
    let Some((prefix, name)) = condition.key.split_once(':') else { return };
    let resource_tag = prefix.eq_ignore_ascii_case("iam") && name.to_ascii_lowercase().starts_with("resourcetag/");
    // The keys of services with unknown prefixes are not known.
    if cx.kind == PolicyKind::Resource && !cx.is_for_aws() && cx.catalogue().service(prefix).is_none() {
        return;
    }
    let is_own = own.iter().any(|own| own.eq_ignore_ascii_case(prefix)) || prefix.contains(['.', '/']);
    if is_own && (!prefix.eq_ignore_ascii_case("iam") || resource_tag || cx.kind != PolicyKind::Trust) {
        return;
    }
    let details = format!("remove {}: no request that this policy decides brings it", quoted(&condition.key));
    cx.report(IRRELEVANT_CONDITION_KEY_IN_POLICY, condition.key.span, details);
}

/// One key twice under one operator, in different case.
fn twice(cx: &mut Cx<'_>, statement: &Statement) {
    let mut first: HashMap<(String, String), &Condition> = HashMap::new();
    for condition in &statement.conditions {
        let id = (condition.operator.to_string(), condition.key.to_ascii_lowercase());
        let earlier = *first.entry(id).or_insert(condition);
        if earlier.key.value != condition.key.value {
            let details = format!(
                "put the values of {} and {} into one list: it is the same key, since case does not count",
                quoted(&earlier.key),
                quoted(&condition.key)
            );
            cx.report_at(DUPLICATE_KEYS_WITH_DIFFERENT_CASE, &[condition.key.span, earlier.key.span], details);
        }
    }
}

/// Keys whose value means something only beside another key's.
const PAIRS: [(&str, &[&str]); 2] = [
    ("aws:VpcSourceIp", &["aws:SourceVpc", "aws:SourceVpce", "aws:SourceVpcArn"]),
    ("aws:Ec2InstanceSourcePrivateIPv4", &["aws:Ec2InstanceSourceVpc"]),
];

fn paired(cx: &mut Cx<'_>, statement: &Statement) {
    let has = |name: &str| statement.conditions.iter().any(|condition| condition.key.eq_ignore_ascii_case(name));
    for condition in &statement.conditions {
        let pair = PAIRS.iter().find(|(key, _)| condition.key.eq_ignore_ascii_case(key));
        let Some((key, companions)) = pair.filter(|(_, companions)| !companions.iter().any(|name| has(name))) else {
            continue;
        };
        let details = format!(
            "add a condition on `{}`: the same address is in use in other networks, so `{key}` alone says little",
            companions[0]
        );
        cx.report(MISSING_PAIRED_CONDITION_KEYS, condition.key.span, details);
    }
}
