//! Principals of resource-based policies.

use super::Cx;
use super::arn::{ArnParts, is_partition};
use super::code::*;
use crate::document::{Principal, PrincipalElement, Statement, Text};
use crate::json::quoted;
use crate::kind::PolicyKind;
use crate::operator::Family;
use crate::principal::{PrincipalKind, PrincipalName};

pub(super) fn check(cx: &mut Cx<'_>) {
    for statement in &cx.document().statements {
        for (kind, value) in named(statement) {
            let partition = ArnParts::parse(value).map(|parts| parts.partition);
            if let Some(unknown) = partition.filter(|_| PrincipalName::parse(kind, value).is_some())
                && !is_partition(unknown)
            {
                let details = format!("correct {}: there is no partition of that name", quoted(unknown));
                cx.report(INVALID_PARTITION, value.span, details);
            }
            match PrincipalName::parse(kind, value) {
                Some(PrincipalName::UniqueId(id)) => {
                    let (code, what) = if id.starts_with("AIDA") {
                        (INVALID_USER_REFERENCE, "user")
                    } else {
                        (INVALID_ROLE_REFERENCE, "role")
                    };
                    let details =
                        format!("replace {} with an ARN: it is what is left of a deleted {what}", quoted(value));
                    cx.report(code, value.span, details);
                }
                Some(PrincipalName::Everyone) if kind != PrincipalKind::Aws && cx.kind != PolicyKind::Trust => {
                    let details = format!("name the principal: `*` does not stand under `{}`", kind.name());
                    cx.report(UNSUPPORTED_WILDCARD_IN_PRINCIPAL, value.span, details);
                }
                Some(PrincipalName::Service(name)) if name.contains(|c: char| c.is_ascii_uppercase()) => {
                    let details = format!("write {} in lower case: so services are named", quoted(value));
                    cx.report(INVALID_SERVICE_PRINCIPAL_FORMAT, value.span, details);
                }
                Some(_) if kind == PrincipalKind::Federated && cx.is_for_aws() && !takes_federated(cx) => {
                    let details = format!("remove {}: this kind of policy has no federated principals", quoted(value));
                    cx.report(FEDERATED_PRINCIPAL_NOT_SUPPORTED, value.span, details);
                }
                _ => {}
            }
        }
    }
    for statement in cx.allowing() {
        if cx.kind == PolicyKind::Resource {
            sources(cx, statement);
        }
        if matches!(cx.kind, PolicyKind::Resource | PolicyKind::Trust) {
            absent(cx, statement);
        }
    }
}

/// Each principal that a statement names, with its kind.
pub(super) fn named(statement: &Statement) -> impl Iterator<Item = (PrincipalKind, &crate::Text)> {
    let entries = match statement.principal.as_ref().map(|element| &element.principal) {
        Some(Principal::Map(entries)) => entries.as_slice(),
        _ => &[],
    };
    entries.iter().flat_map(|entry| entry.values.iter().map(|value| (entry.kind, value)))
}

fn takes_federated(cx: &Cx<'_>) -> bool {
    match cx.kind {
        PolicyKind::Trust => true,
        // This cannot be decided without the type of the resource.
        PolicyKind::Resource => cx.validation.resource_type.is_none_or(|name| !name.starts_with("AWS::")),
        _ => false,
    }
}

/// What says on whose behalf a service acts.
const SOURCES: [&str; 4] = ["aws:SourceArn", "aws:SourceAccount", "aws:SourceOrgID", "aws:SourceOrgPaths"];

/// Keys about the credentials of a user or role, which service principals do not have.
const OF_CREDENTIALS: [&str; 12] = [
    "aws:PrincipalArn",
    "aws:PrincipalAccount",
    "aws:PrincipalOrgID",
    "aws:PrincipalOrgPaths",
    "aws:PrincipalType",
    "aws:userid",
    "aws:username",
    "aws:SourceIdentity",
    "aws:MultiFactorAuthPresent",
    "aws:MultiFactorAuthAge",
    "aws:TokenIssueTime",
    "aws:FederatedProvider",
];

/// The service principals that a statement names, unless it spares them.
fn services(statement: &Statement) -> Vec<&Text> {
    let services = named(statement).filter(|(kind, _)| *kind == PrincipalKind::Service).map(|(_, value)| value);
    match &statement.principal {
        Some(PrincipalElement { negated: false, .. }) => services.collect(),
        _ => Vec::new(),
    }
}

/// Services that act on behalf of any account.
fn sources(cx: &mut Cx<'_>, statement: &Statement) {
    let services = services(statement);
    let Some(first) = services.first() else { return };
    let has = |names: &[&str]| {
        statement.conditions.iter().find(|condition| names.iter().any(|name| condition.key.eq_ignore_ascii_case(name)))
    };
    if has(&SOURCES).is_none() {
        let details = format!(
            "add a condition on `aws:SourceArn` or `aws:SourceAccount`: as it stands, {} may come here on anyone's behalf",
            quoted(first)
        );
        cx.report(RESTRICT_ACCESS_TO_SERVICE_PRINCIPAL, first.span, details);
        for condition in &statement.conditions {
            let (prefix, name) = condition.key.split_once(':').unwrap_or_default();
            let narrows = ["sourcearn", "sourceaccount", "sourceowner", "referer"];
            let is_own = !prefix.is_empty() && SOURCES.iter().all(|source| !condition.key.eq_ignore_ascii_case(source));
            if is_own && narrows.contains(&&*name.to_ascii_lowercase()) {
                let details =
                    format!("use `aws:SourceArn` or `aws:SourceAccount` rather than {}", quoted(&condition.key));
                cx.report(RECOMMENDED_CONDITION_KEY_FOR_SERVICE_PRINCIPAL, condition.key.span, details);
            }
        }
    }
}

/// Conditions on what a service principal never brings.
fn absent(cx: &mut Cx<'_>, statement: &Statement) {
    let services = services(statement);
    // A statement that names others as well may mean the condition for those.
    if services.is_empty() || services.len() < named(statement).count() {
        return;
    }
    for condition in &statement.conditions {
        let operator = condition.operator;
        let needs_key = !operator.if_exists && !operator.base.is_negated() && operator.base.family() != Family::Null;
        let lower = condition.key.to_ascii_lowercase();
        // A session of Roles Anywhere has the fields of its certificate as tags while it is asked for.
        let certified = || services.iter().any(|name| name.eq_ignore_ascii_case("rolesanywhere.amazonaws.com"));
        let absent = OF_CREDENTIALS.iter().any(|name| name.eq_ignore_ascii_case(&lower))
            || lower.starts_with("aws:principaltag/") && !certified();
        if needs_key && absent {
            let details = format!(
                "remove {}: a service principal never brings it, so the statement allows nothing",
                quoted(&condition.key)
            );
            cx.report(UNSUPPORTED_CONDITION_KEY_FOR_SERVICE_PRINCIPAL, condition.key.span, details);
        }
    }
}
