//! What would have to be added.

use std::fmt::Write;

use bailiwick_policy_lang::PolicyKind;

use super::Suggestion;
use crate::decide;
use crate::policies::Policies;
use crate::principal::Named;
use crate::request::{Principal, Request};
use crate::subject::Subject;

/// The types of policy that would have to allow, Denies aside, in the order in which a decision misses them. Empty
/// when nothing could help.
pub(super) fn wanting(request: &Request<'_>, policies: &Policies<'_>) -> Vec<PolicyKind> {
    let (mut short, mut long) = ([0; 128], Vec::new());
    let mut subject = Subject::new(request, policies.boundary.is_some(), &mut short, &mut long);
    subject.without_denies = true;
    let Some(mut found) = decide::gather_allows(&subject, policies) else { return Vec::new() };
    let mut kinds = Vec::new();
    loop {
        let decision = decide::conclude(request, policies, &found);
        match decision.lacking {
            None => return kinds,
            // The same type a second time: nothing that it could say would do.
            Some(kind) if kinds.contains(&kind) => return Vec::new(),
            Some(kind) => {
                found.suppose(kind, himself(&request.principal));
                kinds.push(kind);
            }
        }
    }
}

/// How a suggested statement names the caller.
fn himself(principal: &Principal<'_>) -> Named {
    match principal {
        Principal::Root { .. } => Named::ACCOUNT,
        Principal::User { .. } => Named::USER,
        Principal::RoleSession { .. } => Named::ROLE,
        Principal::FederatedUser { .. } => Named::SESSION,
        Principal::Service { .. } => Named::SERVICE,
        Principal::IdentityProvider { .. } => Named::PROVIDER,
        Principal::Anonymous => Named::EVERYONE,
    }
}

/// The smallest statement of a type that allows the request.
pub(super) fn statement(kind: PolicyKind, request: &Request<'_>) -> Suggestion {
    let mut out = String::from("{\"Effect\": \"Allow\"");
    match (kind, request.principal) {
        (PolicyKind::Resource | PolicyKind::Trust, principal) => {
            let (of, name) = match principal {
                Principal::RoleSession { role, .. } => ("AWS", role.arn),
                Principal::Service { name } => ("Service", name),
                Principal::IdentityProvider { name } => ("Federated", name),
                Principal::Anonymous => ("", "*"),
                Principal::Root { .. } | Principal::User { .. } | Principal::FederatedUser { .. } => {
                    ("AWS", principal.name())
                }
            };
            let name = json(name);
            let value = if of.is_empty() { name } else { format!("{{\"{of}\": {name}}}") };
            let _ = write!(out, ", \"Principal\": {value}");
        }
        (PolicyKind::Rcp | PolicyKind::Endpoint, _) => out.push_str(", \"Principal\": \"*\""),
        _ => {}
    }
    let _ = write!(out, ", \"Action\": {}", json(request.action));
    if kind != PolicyKind::Trust {
        let resource = if request.resource == "*" { "*".to_owned() } else { escaped(request.resource) };
        let _ = write!(out, ", \"Resource\": {}", json(&resource));
    }
    out.push('}');
    Suggestion { kind, statement: out }
}

/// A text as a pattern that means it (under version 2012-10-17).
fn escaped(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '*' => out.push_str("${*}"),
            '?' => out.push_str("${?}"),
            '$' if rest.peek() == Some(&'{') => out.push_str("${$}"),
            c => out.push(c),
        }
    }
    out
}

pub(super) fn json(text: &str) -> String {
    let mut out = String::from('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if c.is_control() => {
                let mut units = [0; 2];
                for unit in c.encode_utf16(&mut units) {
                    let _ = write!(out, "\\u{unit:04x}");
                }
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
