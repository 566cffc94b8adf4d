//! The rules for saving a document, beyond the grammar.
//!
//! [`parse`](crate::parse()) accepts every document with a defined meaning. A service that stores documents also
//! applies these rules, as AWS does, so that mistakes are refused when a document is saved.

use bailiwick_model::Partition;

use crate::arn_pattern::{arn_parts, is_incomplete};
use crate::document::{Document, Effect, Principal, PrincipalElement, Statement, Text, Version};
use crate::error::{ErrorKind, PolicyError, UnlocatedError};
use crate::glob;
use crate::grammar;
use crate::json::{Paths, quoted};
use crate::kind::PolicyKind;
use crate::operator::Family;
use crate::parse::{Limits, read_tree};
use crate::principal::{PrincipalKind, PrincipalName};
use crate::suggest::nearest;
use crate::value::is_stored_value;

/// The requirements of a deployment for stored documents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SaveRules<'a> {
    /// The partition that resources must be of, or a pattern that covers it; without it, any partition will do.
    pub partition: Option<&'a str>,
    /// The oldest version taken: managed policies must be of 2012-10-17.
    pub min_version: Version,
    /// Bounds on the text.
    pub limits: Limits,
}

impl Default for SaveRules<'_> {
    fn default() -> Self {
        Self { partition: None, min_version: Version::V2008, limits: Limits::default() }
    }
}

/// Parses a document that is to be stored.
///
/// # Errors
/// The first reason for which AWS refuses to store the document.
pub fn parse_strict(text: &str, kind: PolicyKind, rules: &SaveRules<'_>) -> Result<Document, PolicyError> {
    let tree = read_tree(text, kind, &rules.limits)?;
    let (outline, mut found) = grammar::read(&tree, kind);
    let document = outline.document;
    let of_grammar = found.len();
    found.extend(problems(&document, kind, rules));
    let pass = |at: usize, problem: &UnlocatedError| match kind {
        PolicyKind::Identity | PolicyKind::Boundary | PolicyKind::Session => problem.aws_pass(),
        _ => u8::from(at >= of_grammar),
    };
    // Of several errors in one place, the first is returned.
    let first = found.into_iter().enumerate().min_by_key(|(at, problem)| (pass(*at, problem), problem.span));
    // A repeated key makes everything else ambiguous.
    match tree.duplicates.first().cloned().or(first.map(|(_, problem)| problem)) {
        None => Ok(document),
        Some(problem) => {
            let path = Paths::new(&tree).at(problem.span.start.offset);
            Err(problem.at(path, kind))
        }
    }
}

/// Everything in a document, as far as it could be read, that keeps it from being stored.
pub(crate) fn problems(document: &Document, kind: PolicyKind, rules: &SaveRules<'_>) -> Vec<UnlocatedError> {
    let mut check = Check { kind, rules, problems: Vec::new() };
    check.document(document);
    check.problems
}

struct Check<'r, 'a> {
    kind: PolicyKind,
    rules: &'r SaveRules<'a>,
    problems: Vec<UnlocatedError>,
}

impl Check<'_, '_> {
    fn refuse(&mut self, kind: ErrorKind, text: &Text, expected: impl Into<std::borrow::Cow<'static, str>>) {
        self.keep(UnlocatedError::new(kind, text.span, quoted(text), expected));
    }

    fn keep(&mut self, problem: UnlocatedError) {
        self.problems.push(problem);
    }

    fn document(&mut self, document: &Document) {
        if document.version < self.rules.min_version {
            let found = document.version_span.map_or("no `Version`".to_owned(), |_| quoted(document.version.as_str()));
            let span = document.version_span.unwrap_or(document.span);
            self.keep(UnlocatedError::new(ErrorKind::OldVersion, span, found, "`2012-10-17`"));
        }
        for statement in &document.statements {
            self.statement(statement);
        }
    }

    fn statement(&mut self, statement: &Statement) {
        for action in &statement.action.patterns {
            self.action(action);
        }
        let resources = statement.resource.iter().flat_map(|element| &element.patterns);
        for resource in resources.filter(|resource| &*resource.value != "*") {
            self.resource(resource);
        }
        for condition in &statement.conditions {
            if condition.key.starts_with(':') {
                self.refuse(ErrorKind::ConditionKey, &condition.key, "a service prefix, a colon and a name");
            }
            if condition.operator.base.family() == Family::Date {
                for value in condition.values.iter().filter(|value| !is_stored_value(Family::Date, &value.text)) {
                    let expected = "a date such as `2024-06-14T12:30:00Z`, or epoch seconds";
                    self.keep(UnlocatedError::new(
                        ErrorKind::ConditionValue,
                        value.span,
                        quoted(&value.text),
                        expected,
                    ));
                }
            }
        }
        match self.kind {
            PolicyKind::Trust => self.trust(statement),
            PolicyKind::Rcp => self.rcp(statement),
            _ => {}
        }
    }

    fn action(&mut self, action: &Text) {
        let vendor = action.split(':').next().unwrap_or("");
        if vendor.contains(['*', '?']) && !matches!(&*action.value, "*" | "*:*") {
            self.refuse(ErrorKind::ActionVendor, action, "a service prefix without wildcards");
        }
    }

    fn resource(&mut self, resource: &Text) {
        let text = &*resource.value;
        let mut parts = arn_parts(text).into_iter().skip(1);
        let partition = parts.next().unwrap_or("");
        match self.rules.partition {
            Some(own) if !glob::matches(partition, own) => {
                let expected = format!("a resource of partition `{own}`");
                return self.refuse(ErrorKind::ResourcePartition, resource, expected);
            }
            None if !Partition::ALL.iter().any(|known| glob::matches(partition, known.as_str())) => {
                let expected = "a resource of a partition such as `aws`";
                return self.refuse(ErrorKind::ResourcePartition, resource, expected);
            }
            _ => {}
        }
        let service = match parts.next() {
            Some("") => return self.refuse(ErrorKind::ResourceParts, resource, "a service"),
            service => service.unwrap_or(""),
        };
        if service.is_empty() || service.contains(['*', '?', '$']) && text.matches(':').count() > 2 {
            return self.refuse(ErrorKind::ResourceVendor, resource, "a service without wildcards");
        }
        let rest = (parts.next(), parts.next(), parts.next());
        let (region, name) = match rest {
            (Some(region), Some(_), Some(name)) => (region, name),
            _ if self.kind.completes_arns() && is_incomplete(text) => (rest.0.unwrap_or("*"), ""),
            _ => {
                if text.contains("::") || !text.ends_with('*') {
                    self.refuse(ErrorKind::ResourceParts, resource, "six parts, or a `*` at the end");
                }
                return;
            }
        };
        match service {
            // A wildcard there covers the empty region that these services have.
            "iam" | "s3" if region == "*" => {}
            "iam" if !region.is_empty() => self.refuse(ErrorKind::ResourceRegion, resource, "no region"),
            "s3" if !region.is_empty() && !REGIONAL_S3.iter().any(|prefix| name.starts_with(prefix)) => {
                self.refuse(ErrorKind::ResourceRegion, resource, "no region");
            }
            "iam" if name != "*" && name != "root" && !is_of_iam(name) => {
                let meant = name.find('/').and_then(|at| nearest(&name[..=at], IAM_TYPES));
                let problem =
                    UnlocatedError::new(ErrorKind::ResourcePath, resource.span, quoted(text), IAM_TYPES.join(", "));
                self.keep(problem.meaning(meant));
            }
            _ => {}
        }
    }

    fn trust(&mut self, statement: &Statement) {
        for action in &statement.action.patterns {
            let pattern = action.to_ascii_lowercase();
            if !ASSUME_ACTIONS.iter().any(|name| pattern != "*" && glob::matches(&pattern, name)) {
                self.refuse(ErrorKind::ForbiddenAction, action, "actions of `sts` that assume a role");
            }
        }
        let entries = match &statement.principal {
            Some(PrincipalElement { principal: Principal::Everyone, span, .. }) => {
                let expected = "`{\"AWS\": \"*\"}`, or a principal by its name";
                return self.keep(UnlocatedError::new(ErrorKind::BarePrincipal, *span, "`*`", expected));
            }
            Some(PrincipalElement { principal: Principal::Map(entries), .. }) => entries,
            None => return,
        };
        if statement.effect == Effect::Deny {
            return;
        }
        for entry in entries.iter().filter(|entry| entry.kind != PrincipalKind::Aws) {
            for value in &entry.values {
                if PrincipalName::parse(entry.kind, value) == Some(PrincipalName::Everyone) {
                    self.refuse(ErrorKind::PrincipalWildcard, value, "a principal by its name");
                }
            }
        }
    }

    fn rcp(&mut self, statement: &Statement) {
        if statement.effect == Effect::Allow && !statement.is_full_access() {
            let expected = "`Deny`: everything is allowed until it is denied";
            self.keep(UnlocatedError::new(ErrorKind::Effect, statement.effect_span, "`Allow`", expected));
        }
        if statement.action.negated {
            let span = statement.action.span;
            self.keep(UnlocatedError::new(ErrorKind::ForbiddenNotAction, span, "`NotAction`", "`Action`"));
        }
        if statement.effect == Effect::Allow {
            return;
        }
        let unnamed = |action: &Text| action.split(':').next().is_some_and(|service| service.contains(['*', '?']));
        for action in statement.action.patterns.iter().filter(|action| unnamed(action)) {
            self.refuse(ErrorKind::ForbiddenAction, action, "actions of a service");
        }
    }
}

/// The actions that a trust policy governs, in lower case.
pub(crate) const ASSUME_ACTIONS: [&str; 6] = [
    "sts:assumerole",
    "sts:assumerolewithsaml",
    "sts:assumerolewithwebidentity",
    "sts:tagsession",
    "sts:setsourceidentity",
    "sts:setcontext",
];

/// Whether the resource part of an ARN is one of IAM's.
fn is_of_iam(name: &str) -> bool {
    IAM_TYPES.iter().chain(&[DELEGATION_REQUEST]).any(|prefix| name.starts_with(prefix))
}

/// A resource that AWS documents but does not name in the message about others.
const DELEGATION_REQUEST: &str = "delegation-request/";

/// How the resources of IAM begin, as AWS's message lists them, in its order.
const IAM_TYPES: [&str; 13] = [
    "user/",
    "federated-user/",
    "role/",
    "group/",
    "instance-profile/",
    "mfa/",
    "server-certificate/",
    "policy/",
    "sms-mfa/",
    "saml-provider/",
    "oidc-provider/",
    "report/",
    "access-report/",
];

/// How those resources of S3 begin that lie in a region.
const REGIONAL_S3: [&str; 7] = ["accesspoint", "job/", "storage-lens", "access-grants", "async-request/", "*", "${"];

#[cfg(test)]
mod tests;
