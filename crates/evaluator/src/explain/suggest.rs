//! The smallest statement of a type that allows a request.

use std::fmt::Write;

use bailiwick_policy_lang::{PolicyKind, parse};

use super::Suggestion;
use crate::policy::Policy;
use crate::prepared::PreparedRequest;
use crate::request::{Principal, Request};

/// The suggestion, if the language can say it: no statement names an action or a resource that is none.
pub(super) fn suggestion(
    kind: PolicyKind,
    level: u32,
    subject: &PreparedRequest<'_>,
    steps: &mut u64,
) -> Option<Suggestion> {
    let request = subject.request;
    let resource = escaped(request.resource);
    let needs_variables = kind != PolicyKind::Trust && resource != request.resource;
    let statement = statement(kind, request, &resource);
    let attach_to = attach_to(kind, request);
    allows(&statement, kind, subject, steps).then_some(Suggestion {
        kind,
        level,
        attach_to,
        statement,
        needs_variables,
    })
}

fn statement(kind: PolicyKind, request: &Request<'_>, resource: &str) -> String {
    let mut out = String::from("{\"Effect\": \"Allow\"");
    match kind {
        PolicyKind::Resource | PolicyKind::Trust => {
            let principal = match request.principal {
                Principal::RoleSession { role, .. } => format!("{{\"AWS\": {}}}", json(role.arn)),
                Principal::Service { name } => format!("{{\"Service\": {}}}", json(name)),
                Principal::IdentityProvider { name } => format!("{{\"Federated\": {}}}", json(name)),
                // A trust policy with a bare `*` can't be saved.
                Principal::Anonymous if kind == PolicyKind::Trust => "{\"AWS\": \"*\"}".to_owned(),
                Principal::Anonymous => json("*"),
                Principal::Root { .. } | Principal::User { .. } | Principal::FederatedUser { .. } => {
                    format!("{{\"AWS\": {}}}", json(request.principal.name()))
                }
            };
            let _ = write!(out, ", \"Principal\": {principal}");
        }
        PolicyKind::Endpoint => out.push_str(", \"Principal\": \"*\""),
        PolicyKind::Identity | PolicyKind::Boundary | PolicyKind::Session | PolicyKind::Scp | PolicyKind::Rcp => {}
    }
    let _ = write!(out, ", \"Action\": {}", json(request.action));
    if kind.has_resource() {
        let _ = write!(out, ", \"Resource\": {}", json(resource));
    }
    out.push('}');
    out
}

/// What a policy of a type is attached to.
fn attach_to(kind: PolicyKind, request: &Request<'_>) -> Option<String> {
    let identity = || match request.principal {
        Principal::User { user, .. } => Some(user.arn.to_owned()),
        Principal::RoleSession { role, .. } => Some(role.arn.to_owned()),
        Principal::FederatedUser { user, .. } => Some(user?.arn.to_owned()),
        _ => None,
    };
    match kind {
        PolicyKind::Identity | PolicyKind::Boundary => identity(),
        PolicyKind::Session => Some(request.principal.name().to_owned()),
        PolicyKind::Scp => request.principal.account().map(|account| account.id.to_string()),
        PolicyKind::Rcp => request.resource_account.id.map(|account| account.to_string()),
        PolicyKind::Resource | PolicyKind::Trust => Some(request.resource.to_owned()),
        PolicyKind::Endpoint => None,
    }
}

/// Whether a statement can stand in a policy and matches the request there.
fn allows(statement: &str, kind: PolicyKind, subject: &PreparedRequest<'_>, steps: &mut u64) -> bool {
    let text = format!("{{\"Version\": \"2012-10-17\", \"Statement\": {statement}}}");
    let Ok(document) = parse(&text, kind) else { return false };
    let policy = Policy::compile(&document, kind);
    let mut statements = policy.statements().iter();
    statements.all(|statement| super::examine::matches(&policy, statement, subject, steps))
}

/// A text as a pattern that means it (under version 2012-10-17).
fn escaped(text: &str) -> String {
    if text == "*" {
        return text.to_owned();
    }
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

/// A text as JSON, in characters that every policy may hold.
fn json(text: &str) -> String {
    let mut out = String::from('"');
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            c if c.is_control() || c > '\u{ff}' => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    let _ = write!(out, "\\u{unit:04x}");
                }
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
