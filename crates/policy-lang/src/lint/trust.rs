//! Trust policies: who may assume the role, by which action, under which conditions.

use super::Cx;
use super::code::*;
use super::principal::named;
use crate::document::{Statement, Text};
use crate::glob;
use crate::json::quoted;
use crate::kind::PolicyKind;
use crate::principal::{PrincipalKind, PrincipalName};

pub(super) fn check(cx: &mut Cx<'_>) {
    if cx.kind != PolicyKind::Trust {
        return;
    }
    for (statement, _) in cx.effective() {
        wildcards(cx, statement);
        redundant(cx, statement);
    }
    for statement in cx.allowing() {
        let providers: Vec<_> = providers(statement).collect();
        mismatched(cx, statement, &providers);
        tagging(cx, statement);
        roles_anywhere(cx, statement);
        for (provider, text) in providers {
            if let Provider::Oidc(issuer) = provider {
                oidc(cx, statement, issuer, text);
            }
        }
    }
}

/// An identity provider that a statement names.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Provider<'a> {
    Saml,
    /// With host and path, which its condition keys begin with.
    Oidc(&'a str),
}

fn providers(statement: &Statement) -> impl Iterator<Item = (Provider<'_>, &Text)> {
    named(statement).filter_map(|(kind, text)| {
        Some((
            match PrincipalName::parse(kind, text)? {
                PrincipalName::SamlProvider(_) => Provider::Saml,
                PrincipalName::OidcProvider(arn) => Provider::Oidc(arn.split_once("oidc-provider/")?.1),
                PrincipalName::FederatedDomain(domain) => Provider::Oidc(domain),
                _ => return None,
            },
            text,
        ))
    })
}

/// Whether the statement's actions hold this one.
fn has_action(statement: &Statement, name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let covered = statement.action.patterns.iter().any(|action| glob::matches(&action.to_ascii_lowercase(), &name));
    covered != statement.action.negated
}

fn wildcards(cx: &mut Cx<'_>, statement: &Statement) {
    for (kind, value) in named(statement) {
        if &*value.value == "*" && kind != PrincipalKind::Aws {
            let details = format!("name the principal: `*` does not stand under `{}` in a trust policy", kind.name());
            cx.report(ROLE_TRUST_POLICY_UNSUPPORTED_WILDCARD_IN_PRINCIPAL, value.span, details);
        }
    }
}

fn redundant(cx: &mut Cx<'_>, statement: &Statement) {
    let names: Vec<_> =
        named(statement).filter_map(|(kind, text)| Some((PrincipalName::parse(kind, text)?, text))).collect();
    for (name, text) in &names {
        let PrincipalName::AssumedRole { account, role, .. } = name else { continue };
        let own = names.iter().find(|(other, _)| match other {
            PrincipalName::Role { account: other, path_and_name, .. } => {
                other == account && path_and_name.rsplit('/').next() == Some(role)
            }
            _ => false,
        });
        if let Some((_, role)) = own {
            let details = format!("remove {}: {} speaks to every session of that role", quoted(text), quoted(role));
            cx.report_at(REDUNDANT_PRINCIPAL_IN_ROLE_TRUST_POLICY, &[text.span, role.span], details);
        }
    }
}

fn mismatched(cx: &mut Cx<'_>, statement: &Statement, providers: &[(Provider<'_>, &Text)]) {
    for (provider, text) in providers {
        let action = match provider {
            Provider::Saml => "sts:AssumeRoleWithSAML",
            Provider::Oidc(_) => "sts:AssumeRoleWithWebIdentity",
        };
        if !has_action(statement, action) {
            let details = format!("add `{action}`: it is how {} assumes a role", quoted(text));
            cx.report_at(MISMATCHED_ACTION_FOR_PRINCIPAL, &[text.span, statement.action.span], details);
        }
    }
    for action in statement.action.patterns.iter().filter(|_| !statement.action.negated) {
        let wanted = match &*action.to_ascii_lowercase() {
            "sts:assumerolewithsaml" => {
                ("a SAML provider", providers.iter().any(|(provider, _)| *provider == Provider::Saml))
            }
            "sts:assumerolewithwebidentity" => {
                ("an OIDC provider", providers.iter().any(|(provider, _)| *provider != Provider::Saml))
            }
            _ => continue,
        };
        let (kind, found) = wanted;
        let everyone = named(statement).any(|(kind, value)| kind != PrincipalKind::Service && &*value.value == "*");
        if let (false, false, Some(principal)) = (found, everyone, &statement.principal) {
            if principal.principal == crate::Principal::Everyone {
                continue;
            }
            let details = format!("name {kind} under `Federated`: nobody else can use {}", quoted(action));
            cx.report_at(MISMATCHED_ACTION_FOR_PRINCIPAL, &[action.span, principal.span], details);
        }
    }
}

/// Keys that only another action's permission lets a request bring.
fn tagging(cx: &mut Cx<'_>, statement: &Statement) {
    for condition in &statement.conditions {
        let key = condition.key.to_ascii_lowercase();
        let action = match &*key {
            "sts:sourceidentity" => "sts:SetSourceIdentity",
            "sts:transitivetagkeys" | "aws:tagkeys" => "sts:TagSession",
            _ if key.starts_with("aws:requesttag/") => "sts:TagSession",
            _ => continue,
        };
        if !has_action(statement, action) {
            let details =
                format!("add `{action}` to the actions: without it no request may bring {}", quoted(&condition.key));
            cx.report_at(MISSING_ACTION_FOR_CONDITION_KEY, &[condition.key.span, statement.action.span], details);
        }
    }
}

fn roles_anywhere(cx: &mut Cx<'_>, statement: &Statement) {
    let Some((_, service)) = named(statement).find(|(kind, value)| {
        *kind == PrincipalKind::Service && value.eq_ignore_ascii_case("rolesanywhere.amazonaws.com")
    }) else {
        return;
    };
    let needed = ["sts:AssumeRole", "sts:SetSourceIdentity", "sts:TagSession"];
    let missing: Vec<_> =
        needed.iter().filter(|name| !has_action(statement, name)).map(|name| format!("`{name}`")).collect();
    if !missing.is_empty() {
        let details = format!("add {}: {} needs all three actions", missing.join(" and "), quoted(service));
        cx.report_at(MISSING_ACTION_FOR_ROLES_ANYWHERE_TRUST_POLICY, &[statement.action.span, service.span], details);
    }
}

const GITHUB: &str = "token.actions.githubusercontent.com";

fn oidc(cx: &mut Cx<'_>, statement: &Statement, issuer: &str, provider: &Text) {
    let claim = |key: &str| {
        let (prefix, claim) = key.rsplit_once(':')?;
        prefix.eq_ignore_ascii_case(issuer).then(|| claim.to_ascii_lowercase())
    };
    let claims: Vec<_> =
        statement.conditions.iter().filter_map(|condition| Some((claim(&condition.key)?, condition))).collect();
    if claims.is_empty() {
        let details = format!(
            "add a condition on `{issuer}:sub` or `{issuer}:aud`: as it stands, everyone with a token of {} may assume \
             the role",
            quoted(provider)
        );
        cx.report(MISSING_CONDITION_KEY_FOR_OIDC_PRINCIPAL, provider.span, details);
    }
    if !issuer.eq_ignore_ascii_case(GITHUB) {
        return;
    }
    let subjects: Vec<_> = claims.iter().filter(|(claim, _)| claim == "sub").collect();
    if subjects.is_empty() {
        let details =
            format!("add a condition on `{GITHUB}:sub`: without it every repository of GitHub may assume the role");
        cx.report(MISSING_GITHUB_REPO_CONDITION_KEY, provider.span, details);
    }
    for value in subjects
        .iter()
        .filter(|(_, condition)| condition.operator.base.takes_wildcards())
        .flat_map(|(_, condition)| &condition.values)
    {
        if let Some(at) = value.text.find(['*', '?']) {
            let start = value.text[..at].chars().count();
            let details = format!("name organization, repository and branch in {}", quoted(&value.text));
            cx.report_part(SPECIFIC_GITHUB_REPO_AND_BRANCH_RECOMMENDED, value.span, start, 1, details);
        }
    }
}
