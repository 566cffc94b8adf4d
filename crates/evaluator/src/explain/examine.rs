//! Looking at every statement, and at what fails first.

use std::sync::Arc;

use bailiwick_policy_lang::{Effect, PolicyKind};

use super::{Actual, Failure, Located, NearMiss, located};
use crate::condition::Condition;
use crate::context::{Context, ContextValue};
use crate::decision::StatementRef;
use crate::policies::Policies;
use crate::policy::Policy;
use crate::request::Request;
use crate::statement::{Speaks, Statement};
use crate::subject::Subject;

/// The policies of one type, or of one level, that take part.
pub(super) struct Group<'a> {
    pub(super) kind: PolicyKind,
    pub(super) level: u32,
    slices: Vec<&'a [Policy]>,
}

/// How far a statement is from matching: smaller is nearer.
pub(super) type Distance = (u8, usize);

/// The groups that take part, as [`crate::decide`] chooses them.
pub(super) fn groups<'a>(request: &Request<'_>, policies: &Policies<'a>) -> Vec<Group<'a>> {
    let group = |kind, slices: Vec<&'a [Policy]>| Group { kind, level: 0, slices };
    let one = |kind, policy: Option<&'a Policy>| policy.map(|policy| group(kind, vec![std::slice::from_ref(policy)]));
    let levels = |kind, levels: &[&'a [Policy]]| {
        let level = |(level, policies): (u32, &&'a [Policy])| Group { kind, level, slices: vec![*policies] };
        (0u32..).zip(levels).map(level).collect::<Vec<_>>()
    };
    let principal = &request.principal;
    let mut out = Vec::new();
    if principal.account().is_some() {
        out.push(group(PolicyKind::Identity, policies.identity.to_vec()));
    }
    out.extend(one(PolicyKind::Boundary, policies.boundary));
    out.extend(policies.session.map(|slices| group(PolicyKind::Session, slices.to_vec())));
    if principal.account().is_some_and(|account| !account.is_management) && !principal.is_service_linked() {
        out.extend(levels(PolicyKind::Scp, policies.scps));
    }
    if !request.resource_account.is_management && !principal.is_service_linked() {
        out.extend(levels(PolicyKind::Rcp, policies.rcps));
    }
    out.extend(one(PolicyKind::Resource, policies.resource));
    out.extend(one(PolicyKind::Trust, policies.trust));
    out.extend(one(PolicyKind::Endpoint, policies.endpoint));
    out
}

impl<'a> Group<'a> {
    pub(super) fn policies(&self) -> impl Iterator<Item = &'a Policy> {
        self.slices.iter().copied().flatten()
    }

    fn statements(&self) -> impl Iterator<Item = (&'a Policy, &'a Statement, StatementRef)> {
        let Self { kind, level, .. } = *self;
        (0u32..).zip(self.policies()).flat_map(move |(policy_at, policy)| {
            (0u32..).zip(policy.statements()).map(move |(statement_at, statement)| {
                (policy, statement, StatementRef { kind, level, policy: policy_at, statement: statement_at })
            })
        })
    }

    /// Every statement that matches.
    pub(super) fn matched(&self, subject: &Subject<'_>) -> Vec<(Located<'a>, Effect)> {
        self.statements()
            .filter(|(policy, statement, _)| examine(policy, statement, subject).is_none())
            .filter_map(|(policy, statement, at)| Some((located(policy, at)?, statement.effect)))
            .collect()
    }

    /// Every Allow that does not match but concerns the service, with its distance.
    pub(super) fn misses(&self, subject: &Subject<'_>) -> Vec<(Distance, NearMiss<'a>)> {
        let allows = self.statements().filter(|(_, statement, _)| statement.effect == Effect::Allow);
        allows
            .filter_map(|(policy, statement, at)| {
                let (distance, failure) = examine(policy, statement, subject)?;
                Some((distance?, NearMiss { statement: located(policy, at)?, failure }))
            })
            .collect()
    }
}

/// What fails first; none when the statement matches. No distance: it is about something else.
fn examine(policy: &Policy, statement: &Statement, subject: &Subject<'_>) -> Option<(Option<Distance>, Failure)> {
    let steps = &mut 0;
    let actions = policy.actions(statement);
    if !actions.matches(subject, steps) {
        let expected = actions.sources.to_vec();
        let distance = actions.concerns_service(subject).then_some((3, expected.len()));
        return Some((distance, Failure::Action { negated: actions.negated, expected }));
    }
    if let Some(resources) = &statement.resources
        && !resources.matches(subject, steps)
    {
        let expected: Vec<Arc<str>> = resources.patterns.iter().map(|pattern| pattern.source.clone()).collect();
        return Some((Some((2, expected.len())), Failure::Resource { negated: resources.negated, expected }));
    }
    if statement.names(subject, steps).is_empty() {
        let (negated, expected) = match &statement.principals {
            Speaks::To(principals) => (principals.negated, principals.sources.to_vec()),
            Speaks::ToOwner | Speaks::ToNobody => (false, Vec::new()),
        };
        return Some((Some((1, expected.len())), Failure::Principal { negated, expected }));
    }
    let context = &subject.request.context;
    let mut failed = statement.conditions.iter().filter(|c| !c.holds(context, statement.effect, steps));
    let first = failed.next()?;
    Some((Some((0, failed.count())), condition(first, context)))
}

fn condition(condition: &Condition, context: &Context<'_>) -> Failure {
    let actual = match context.value(&condition.key) {
        None => Actual::Absent,
        Some(ContextValue::Many(values)) => Actual::Many(values.iter().map(|value| (*value).to_owned()).collect()),
        Some(value) => Actual::One(value.rendered().map(|text| text.as_str().to_owned()).unwrap_or_default()),
    };
    Failure::Condition {
        operator: condition.operator,
        key: condition.key.as_written().into(),
        expected: condition.written_values(),
        actual,
        span: condition.span,
    }
}
