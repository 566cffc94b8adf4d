//! Trust policies: principals, actions and conditions for assuming a role.

use super::Cx;
use super::code::*;
use super::principal::named;
use crate::document::{Effect, Principal, PrincipalElement, Statement, Text};
use crate::glob;
use crate::json::quoted;
use crate::kind::PolicyKind;
use crate::principal::{PrincipalKind, PrincipalName};
use crate::save::ASSUME_ACTIONS;

pub(super) fn check(cx: &mut Cx<'_>) {
    if cx.kind == PolicyKind::Trust {
        for (statement, _) in cx.effective() {
            wildcards(cx, statement);
            redundant(cx, statement);
        }
    }
    for statement in cx.allowing() {
        if !is_of_role(cx, statement) {
            continue;
        }
        mismatched(cx, statement);
        tagging(cx, statement);
        if cx.is_for_aws() {
            roles_anywhere(cx, statement);
        } else {
            everyone(cx, statement);
        }
        for (provider, text) in providers(statement) {
            if let Provider::Oidc(issuer) = provider {
                oidc(cx, statement, issuer, text);
            }
        }
    }
}

/// Whether a statement speaks of a role: in a resource-based policy of no said type, by its actions.
fn is_of_role(cx: &Cx<'_>, statement: &Statement) -> bool {
    let assumes = |action: &Text| ASSUME_ACTIONS.contains(&&*action.to_ascii_lowercase());
    cx.kind == PolicyKind::Trust
        || cx.kind == PolicyKind::Resource
            && cx.validation.resource_type.is_none()
            && !statement.action.negated
            && !statement.action.patterns.is_empty()
            && statement.action.patterns.iter().all(assumes)
}

/// An identity provider that a statement names.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Provider<'a> {
    Saml,
    /// With host and path, which its condition keys begin with.
    Oidc(&'a str),
}

fn provider_of(name: PrincipalName<'_>) -> Option<Provider<'_>> {
    match name {
        PrincipalName::SamlProvider(_) => Some(Provider::Saml),
        PrincipalName::OidcProvider(arn) => Some(Provider::Oidc(arn.split_once("oidc-provider/")?.1)),
        PrincipalName::FederatedDomain(domain) => Some(Provider::Oidc(domain)),
        _ => None,
    }
}

fn providers(statement: &Statement) -> impl Iterator<Item = (Provider<'_>, &Text)> {
    named(statement).filter_map(|(kind, text)| Some((provider_of(PrincipalName::parse(kind, text)?)?, text)))
}

/// Whether the statement's actions hold this one.
fn has_action(statement: &Statement, name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let covered = statement.action.patterns.iter().any(|action| glob::matches(&action.to_ascii_lowercase(), &name));
    covered != statement.action.negated
}

fn wildcards(cx: &mut Cx<'_>, statement: &Statement) {
    if let Some(PrincipalElement { principal: Principal::Everyone, span, .. }) = &statement.principal
        && statement.effect == Effect::Allow
    {
        let details = "name who may assume the role, or write `{\"AWS\": \"*\"}` with a condition: `*` alone stands for \
                       everyone and everything";
        cx.report(ROLE_TRUST_POLICY_UNSUPPORTED_WILDCARD_IN_PRINCIPAL, *span, details);
    }
    for (kind, value) in named(statement) {
        // With `Deny` it can be saved here, and denies everyone of that kind.
        let matters = cx.is_for_aws() || statement.effect == Effect::Allow;
        if &*value.value == "*" && kind != PrincipalKind::Aws && matters {
            let details = format!("name the principal: `*` does not stand under `{}` in a trust policy", kind.name());
            cx.report(ROLE_TRUST_POLICY_UNSUPPORTED_WILDCARD_IN_PRINCIPAL, value.span, details);
        }
    }
}

/// `{"AWS": "*"}` without a condition.
fn everyone(cx: &mut Cx<'_>, statement: &Statement) {
    if cx.kind != PolicyKind::Trust || !statement.conditions.is_empty() {
        return;
    }
    for (_, value) in named(statement).filter(|(kind, value)| *kind == PrincipalKind::Aws && &*value.value == "*") {
        let details = "name who may assume the role, or add a condition such as one on `aws:PrincipalOrgID`: as it \
                       stands, every user and role of every account whose own policies allow it may assume the role";
        cx.report(ROLE_TRUST_POLICY_ALLOWS_EVERYONE, value.span, details);
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

/// Whether a principal can use an action: a provider, or one that is none.
type Suits = fn(Option<Provider<'_>>) -> bool;

/// The actions that assume a role, and the principals that can use them.
const ASSUMING: [(&str, Suits); 3] = [
    ("sts:AssumeRole", |provider| provider.is_none()),
    ("sts:AssumeRoleWithSAML", |provider| provider == Some(Provider::Saml)),
    ("sts:AssumeRoleWithWebIdentity", |provider| matches!(provider, Some(Provider::Oidc(_)))),
];

fn mismatched(cx: &mut Cx<'_>, statement: &Statement) {
    let principals: Vec<_> = named(statement)
        .filter(|(_, text)| &*text.value != "*")
        .filter_map(|(kind, text)| Some((provider_of(PrincipalName::parse(kind, text)?), text)))
        .collect();
    let everyone = principals.len() < named(statement).count();
    if statement.action.negated || everyone {
        return;
    }
    for (name, suits) in ASSUMING {
        let Some(action) = statement.action.patterns.iter().find(|action| action.eq_ignore_ascii_case(name)) else {
            continue;
        };
        let useless = !principals.iter().any(|(provider, _)| suits(*provider));
        // A principal with another action is not affected by this one.
        let stranded = |provider| !ASSUMING.iter().any(|(name, suits)| suits(provider) && has_action(statement, name));
        let wrong: Vec<_> = principals
            .iter()
            .filter(|(provider, _)| !suits(*provider) && (useless || stranded(*provider)))
            .map(|(_, text)| *text)
            .collect();
        let Some(first) = wrong.first() else { continue };
        let wanted = match name {
            "sts:AssumeRole" => "`sts:AssumeRoleWithSAML` for SAML, `sts:AssumeRoleWithWebIdentity` for OIDC providers",
            "sts:AssumeRoleWithSAML" => "a SAML provider under `Federated`",
            _ => "an OIDC provider under `Federated`",
        };
        let details = format!("use {wanted}: {} can't use {}", quoted(first), quoted(action));
        let spans: Vec<_> = [action.span].into_iter().chain(wrong.iter().map(|text| text.span)).collect();
        cx.report_at(MISMATCHED_ACTION_FOR_PRINCIPAL, &spans, details);
    }
}

/// Keys that only another action's permission lets a request bring.
fn tagging(cx: &mut Cx<'_>, statement: &Statement) {
    for condition in &statement.conditions {
        let key = condition.key.to_ascii_lowercase();
        let action = match &*key {
            "sts:sourceidentity" => "sts:SetSourceIdentity",
            "sts:transitivetagkeys" | "aws:tagkeys" => "sts:TagSession",
            "sts:requestcontextproviders" => "sts:SetContext",
            _ if key.starts_with("sts:requestcontext/") => "sts:SetContext",
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
