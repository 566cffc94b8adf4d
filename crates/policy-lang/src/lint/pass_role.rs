//! Two actions that hand power on: passing a role to a service, and having a service make a role of its own.

use super::code::*;
use super::{Cx, speaks_of_identities};
use crate::document::{ActionElement, Statement};
use crate::glob;
use crate::json::quoted;
use crate::kind::PolicyKind;

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
        not_action_and_resource: PASS_ROLE_WITH_STAR_IN_RESOURCE_AND_NOTACTION,
        not_resource: PASS_ROLE_WITH_NOTRESOURCE,
        star_and_not_resource: PASS_ROLE_WITH_STAR_IN_ACTION_AND_NOTRESOURCE,
        not_action_and_not_resource: PASS_ROLE_WITH_NOTACTION_AND_NOTRESOURCE,
    },
    Subject {
        action: "iam:createservicelinkedrole",
        name: "iam:CreateServiceLinkedRole",
        key: "iam:AWSServiceName",
        resources: "arn:*:iam::*:role/aws-service-role/*",
        resource: CREATE_SLR_WITH_STAR_IN_RESOURCE,
        star_and_resource: CREATE_SLR_WITH_STAR_IN_ACTION_AND_RESOURCE,
        not_action_and_resource: CREATE_SLR_WITH_STAR_IN_RESOURCE_AND_NOTACTION,
        not_resource: CREATE_SLR_WITH_NOTRESOURCE,
        star_and_not_resource: CREATE_SLR_WITH_STAR_IN_ACTION_AND_NOTRESOURCE,
        not_action_and_not_resource: CREATE_SLR_WITH_NOTACTION_AND_NOTRESOURCE,
    },
];

pub(super) fn check(cx: &mut Cx<'_>) {
    // A service control policy gives nothing, so nothing is given too widely.
    if !speaks_of_identities(cx.kind) || cx.kind == PolicyKind::Scp {
        return;
    }
    for statement in cx.allowing() {
        for subject in &SUBJECTS {
            if let Some(how) = given(&statement.action, subject) {
                resource(cx, statement, subject, how);
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

fn given(action: &ActionElement, subject: &Subject) -> Option<How> {
    let covers = |pattern: &str| glob::matches(&pattern.to_ascii_lowercase(), subject.action);
    if action.negated {
        return (!action.patterns.iter().any(|pattern| covers(pattern))).then_some(How::NotExcluded);
    }
    if action.patterns.iter().any(|pattern| pattern.eq_ignore_ascii_case(subject.action)) {
        return Some(How::Named);
    }
    action.patterns.iter().any(|pattern| covers(pattern)).then_some(How::Wildcard)
}

fn resource(cx: &mut Cx<'_>, statement: &Statement, subject: &Subject, how: How) {
    let Some(element) = &statement.resource else { return };
    let spans = [element.span, statement.action.span];
    if element.negated {
        let code = match how {
            How::Named => subject.not_resource,
            How::Wildcard => subject.star_and_not_resource,
            How::NotExcluded => subject.not_action_and_not_resource,
        };
        let details =
            format!("use `Resource` and name the roles: with `NotResource`, `{}` reaches all others", subject.name);
        return cx.report_at(code, &spans, details);
    }
    let narrowed = statement.conditions.iter().any(|condition| condition.key.eq_ignore_ascii_case(subject.key));
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
    cx.report_at(code, &[wide.span, spans[1]], details);
}

/// Whether a resource pattern covers every role rather than some by their name.
fn is_wide(pattern: &str, subject: &Subject) -> bool {
    let Some(resource) = pattern.splitn(6, ':').nth(5) else { return pattern.ends_with('*') };
    let bare = resource.trim_end_matches(['*', '?']);
    resource.ends_with('*')
        && glob::intersect(pattern, subject.resources)
        && ("role/".starts_with(bare) || "role/aws-service-role/".starts_with(bare) && subject.resources.contains(bare))
}
