//! Two actions that hand power on: passing a role to a service, and having a service make a role of its own.

use super::code::*;
use super::{Cx, speaks_of_identities};
use crate::arn_pattern::{arn_parts, is_incomplete};
use crate::document::{ActionElement, Condition, Statement};
use crate::glob;
use crate::json::quoted;
use crate::kind::PolicyKind;
use crate::operator::Family;
use crate::span::Span;

/// An action with what is said when a statement gives it too widely.
struct Subject {
    /// In lower case.
    action: &'static str,
    name: &'static str,
    /// The key that narrows it to services.
    key: &'static str,
    /// A resource of it is one that this pattern meets.
    resources: &'static str,
    resource: IssueCode,
    star_and_resource: IssueCode,
    not_action_and_resource: IssueCode,
    not_resource: IssueCode,
    star_and_not_resource: IssueCode,
    not_action_and_not_resource: IssueCode,
}

const SUBJECTS: [Subject; 2] = [
    Subject {
        action: "iam:passrole",
        name: "iam:PassRole",
        key: "iam:PassedToService",
        resources: "arn:*:iam::*:role/*",
        resource: PASS_ROLE_WITH_STAR_IN_RESOURCE,
        star_and_resource: PASS_ROLE_WITH_STAR_IN_ACTION_AND_RESOURCE,
        not_action_and_resource: PASS_ROLE_WITH_STAR_IN_RESOURCE_AND_NOT_ACTION,
        not_resource: PASS_ROLE_WITH_NOT_RESOURCE,
        star_and_not_resource: PASS_ROLE_WITH_STAR_IN_ACTION_AND_NOT_RESOURCE,
        not_action_and_not_resource: PASS_ROLE_WITH_NOT_ACTION_AND_NOT_RESOURCE,
    },
    Subject {
        action: "iam:createservicelinkedrole",
        name: "iam:CreateServiceLinkedRole",
        key: "iam:AWSServiceName",
        resources: "arn:*:iam::*:role/aws-service-role/*",
        resource: CREATE_SLR_WITH_STAR_IN_RESOURCE,
        star_and_resource: CREATE_SLR_WITH_STAR_IN_ACTION_AND_RESOURCE,
        not_action_and_resource: CREATE_SLR_WITH_STAR_IN_RESOURCE_AND_NOT_ACTION,
        not_resource: CREATE_SLR_WITH_NOT_RESOURCE,
        star_and_not_resource: CREATE_SLR_WITH_STAR_IN_ACTION_AND_NOT_RESOURCE,
        not_action_and_not_resource: CREATE_SLR_WITH_NOT_ACTION_AND_NOT_RESOURCE,
    },
];

pub(super) fn check(cx: &mut Cx<'_>) {
    // A service control policy gives nothing, so nothing is given too widely.
    if !speaks_of_identities(cx.kind) || cx.kind == PolicyKind::Scp {
        return;
    }
    for statement in cx.allowing() {
        for subject in &SUBJECTS {
            if let Some((how, action)) = given(&statement.action, subject) {
                resource(cx, statement, subject, how, action);
            }
        }
    }
}

/// How a statement's actions come to hold the subject.
#[derive(Clone, Copy)]
enum How {
    Named,
    Wildcard,
    NotExcluded,
}

/// How the actions hold the subject, and where they do.
fn given(action: &ActionElement, subject: &Subject) -> Option<(How, Span)> {
    let covers = |pattern: &str| glob::matches(&pattern.to_ascii_lowercase(), subject.action);
    let covering = action.patterns.iter().find(|pattern| covers(pattern));
    if action.negated {
        return covering.is_none().then_some((How::NotExcluded, action.span));
    }
    let named = action.patterns.iter().find(|pattern| pattern.eq_ignore_ascii_case(subject.action));
    let named = named.map(|pattern| (How::Named, pattern.span));
    named.or_else(|| covering.map(|pattern| (How::Wildcard, pattern.span)))
}

fn resource(cx: &mut Cx<'_>, statement: &Statement, subject: &Subject, how: How, action: Span) {
    let Some(element) = &statement.resource else { return };
    if element.negated {
        let code = match how {
            How::Named => subject.not_resource,
            How::Wildcard => subject.star_and_not_resource,
            How::NotExcluded => subject.not_action_and_not_resource,
        };
        let details =
            format!("use `Resource` and name the roles: with `NotResource`, `{}` reaches all others", subject.name);
        return cx.report_at(code, &[action, element.span], details);
    }
    let narrowed = statement.conditions.iter().any(|condition| narrows(condition, subject));
    let Some(wide) = element.patterns.iter().find(|pattern| is_wide(pattern, subject)).filter(|_| !narrowed) else {
        return;
    };
    let code = match how {
        How::Named => subject.resource,
        How::Wildcard => subject.star_and_resource,
        How::NotExcluded => subject.not_action_and_resource,
    };
    let details = format!(
        "name the roles rather than {}, or add a condition on `{}`: as it stands, `{}` reaches every role",
        quoted(wide),
        subject.key,
        subject.name
    );
    cx.report_at(code, &[action, wide.span], details);
}

/// Whether a condition limits the services that the subject is given for: one that begins with a wildcard does not.
fn narrows(condition: &Condition, subject: &Subject) -> bool {
    condition.key.eq_ignore_ascii_case(subject.key)
        && condition.operator.base.family() != Family::Null
        && !condition.values.iter().any(|value| value.text.starts_with(['*', '?']))
}

/// Whether a resource pattern covers every role rather than some by their name.
fn is_wide(pattern: &str, subject: &Subject) -> bool {
    let Some(&resource) = arn_parts(pattern).get(5) else { return pattern.ends_with('*') || is_incomplete(pattern) };
    let bare = resource.trim_end_matches(['*', '?']);
    resource.ends_with('*')
        && ("role/".starts_with(bare) || "role/aws-service-role/".starts_with(bare) && subject.resources.contains(bare))
        && glob::intersect(pattern, subject.resources)
}
