//! Examination of every statement and its failed elements.

use bailiwick_policy_lang::{Effect, PolicyKind};

use super::distance::{Budget, closest};
use super::{Absent, AbsentReason, Actual, Expected, Failure, Located, NearMiss, Variables, copying, filled, located};
use crate::budget::is_spent;
use crate::condition::Condition;
use crate::context::{Context, ContextValue};
use crate::decide;
use crate::decision::StatementRef;
use crate::policies::Policies;
use crate::policy::Policy;
use crate::prepared::PreparedRequest;
use crate::request::{Principal, Request};
use crate::statement::{PrincipalScope, Statement};

/// The policies of one type, or of one level, that take part.
pub(super) struct Group<'a> {
    pub(super) kind: PolicyKind,
    pub(super) level: u32,
    slices: Vec<&'a [Policy]>,
}

/// The distance of a statement from matching.
pub(super) type Distance = usize;

/// The groups that take part, as [`crate::decide`] chooses them.
pub(super) fn groups<'a>(request: &Request<'_>, policies: &Policies<'a>) -> Vec<Group<'a>> {
    let group = |kind, slices: Vec<&'a [Policy]>| Group { kind, level: 0, slices };
    let one = |kind, policy: Option<&'a Policy>| policy.map(|policy| group(kind, vec![std::slice::from_ref(policy)]));
    let levels = |kind, levels: &[&'a [Policy]]| {
        let level = |(level, policies): (u32, &&'a [Policy])| Group { kind, level, slices: vec![*policies] };
        (0u32..).zip(levels).map(level).collect::<Vec<_>>()
    };
    let mut out = Vec::new();
    if request.principal.account().is_some() {
        out.push(group(PolicyKind::Identity, policies.identity_slices().collect()));
    }
    out.extend(one(PolicyKind::Boundary, policies.boundary));
    out.extend(policies.session.map(|slices| group(PolicyKind::Session, slices.to_vec())));
    let scopes = (1u32..).zip(policies.scopes);
    out.extend(
        scopes.map(|(level, policy)| Group { level, ..group(PolicyKind::Session, vec![std::slice::from_ref(policy)]) }),
    );
    if unbound(PolicyKind::Scp, request).is_none() {
        out.extend(levels(PolicyKind::Scp, policies.scps));
    }
    if unbound(PolicyKind::Rcp, request).is_none() {
        out.extend(levels(PolicyKind::Rcp, policies.rcps));
    }
    out.extend(one(PolicyKind::Resource, policies.resource));
    out.extend(one(PolicyKind::Trust, policies.trust));
    out.extend(one(PolicyKind::Endpoint, policies.endpoint));
    out
}

/// The reason why an organization's policies of a type do not apply to a request.
fn unbound(kind: PolicyKind, request: &Request<'_>) -> Option<AbsentReason> {
    let is_management = match kind {
        PolicyKind::Scp => match request.principal.account() {
            None => return Some(AbsentReason::NoIdentity),
            Some(account) => account.is_management,
        },
        _ => request.resource_account.is_management,
    };
    match request.principal.is_service_linked() {
        _ if is_management => Some(AbsentReason::ManagementAccount),
        true => Some(AbsentReason::ServiceLinkedRole),
        false => None,
    }
}

/// The types that take no part. A trust policy is missed only where a role is to be assumed.
pub(super) fn absent(request: &Request<'_>, policies: &Policies<'_>) -> Vec<Absent> {
    let is_trusting = policies.trust.is_some() || decide::is_assume_role(request.action);
    let why = |kind| match kind {
        PolicyKind::Identity => match request.principal {
            Principal::Service { .. } | Principal::IdentityProvider { .. } | Principal::Anonymous => {
                Some(AbsentReason::NoIdentity)
            }
            _ => None,
        },
        PolicyKind::Boundary => policies.boundary.is_none().then_some(AbsentReason::NoneThere),
        PolicyKind::Session => {
            (policies.session.is_none() && policies.scopes.is_empty()).then_some(AbsentReason::NoneThere)
        }
        PolicyKind::Scp if policies.scps.is_empty() => Some(AbsentReason::NoneThere),
        PolicyKind::Rcp if policies.rcps.is_empty() => Some(AbsentReason::NoneThere),
        PolicyKind::Scp | PolicyKind::Rcp => unbound(kind, request),
        PolicyKind::Resource => (policies.resource.is_none() && !is_trusting).then_some(AbsentReason::NoneThere),
        PolicyKind::Trust => (policies.trust.is_none() && is_trusting).then_some(AbsentReason::NoneThere),
        PolicyKind::Endpoint => policies.endpoint.is_none().then_some(AbsentReason::NoneThere),
    };
    ORDER.into_iter().filter_map(|kind| Some(Absent { kind, why: why(kind)? })).collect()
}

/// The types in the order of the findings.
const ORDER: [PolicyKind; 8] = [
    PolicyKind::Identity,
    PolicyKind::Boundary,
    PolicyKind::Session,
    PolicyKind::Scp,
    PolicyKind::Rcp,
    PolicyKind::Resource,
    PolicyKind::Trust,
    PolicyKind::Endpoint,
];

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
    pub(super) fn matched(&self, subject: &PreparedRequest<'_>, steps: &mut u64) -> Vec<Located<'a>> {
        self.statements()
            .filter(|(policy, statement, _)| matches(policy, statement, subject, steps))
            .filter_map(|(policy, _, at)| located(policy, at))
            .collect()
    }

    /// Whether a statement allows.
    pub(super) fn allows(&self, subject: &PreparedRequest<'_>, steps: &mut u64) -> bool {
        let mut allows = self.statements().filter(|(_, statement, _)| statement.effect == Effect::Allow);
        allows.any(|(policy, statement, _)| matches(policy, statement, subject, steps))
    }

    /// Every Allow that does not match but concerns the action, with its distance.
    pub(super) fn misses(
        &self,
        subject: &PreparedRequest<'_>,
        budget: &mut Budget,
        steps: &mut u64,
    ) -> impl Iterator<Item = (Distance, NearMiss<'a>)> {
        let allows = self.statements().filter(|(_, statement, _)| statement.effect == Effect::Allow);
        allows.filter_map(|(policy, statement, at)| {
            let (distance, mut failures) = failures(policy, statement, subject, budget, steps)?;
            if failures.is_empty() {
                return None;
            }
            let failure = failures.remove(0);
            Some((distance, NearMiss { statement: located(policy, at)?, failure, also: failures }))
        })
    }
}

pub(super) fn matches(policy: &Policy, statement: &Statement, subject: &PreparedRequest<'_>, steps: &mut u64) -> bool {
    *steps += 1;
    policy.actions(statement).matches(subject, steps)
        && !statement.names(subject, steps).is_empty()
        && statement.fits(subject, steps)
}

/// Returns the failed elements of a statement and its distance from matching, or `None` if it is unrelated to the
/// request.
fn failures(
    policy: &Policy,
    statement: &Statement,
    subject: &PreparedRequest<'_>,
    budget: &mut Budget,
    steps: &mut u64,
) -> Option<(Distance, Vec<Failure>)> {
    if is_spent(*steps) {
        return None;
    }
    let (mut distance, mut failures) = (0, Vec::new());
    if statement.names(subject, steps).is_empty() {
        let (negated, sources) = match &statement.principals {
            PrincipalScope::Listed(principals) => (principals.negated, &*principals.sources),
            PrincipalScope::Attached | PrincipalScope::Empty => (false, &[][..]),
        };
        distance += 4;
        failures.push(Failure::Principal { negated, expected: sources.iter().map(plain).collect() });
    }
    let actions = policy.actions(statement);
    if !actions.matches(subject, steps) {
        *steps += 8 * actions.sources.len() as u64;
        let expected: Vec<Expected> = actions.sources.iter().map(plain).collect();
        let action = String::from_utf8_lossy(subject.action);
        let lower: Vec<String> = expected.iter().map(|one| one.written.to_ascii_lowercase()).collect();
        let (at, edits) = closest(lower.iter().map(String::as_str), &action, budget);
        if !actions.concerns_service(subject) && edits > 2 {
            return None;
        }
        distance += if actions.negated { 12 } else { 8 + edits.min(4) };
        failures.push(Failure::Action { negated: actions.negated, expected, closest: at });
    }
    let context = &subject.request.context;
    if let Some(resources) = &statement.resources
        && !resources.matches(subject, steps)
    {
        let expected: Vec<Expected> =
            resources.patterns.iter().map(|pattern| filled::pattern(pattern, context, steps)).collect();
        let (at, edits) = closest(expected.iter().map(Expected::text), subject.request.resource, budget);
        distance += if resources.negated { 7 } else { 4 + (edits / 8).min(3) };
        failures.push(Failure::Resource { negated: resources.negated, expected, closest: at });
    }
    let before = failures.len();
    for one in &statement.conditions {
        if !one.holds(context, statement.effect, steps) {
            failures.push(condition(one, context, steps));
        }
    }
    distance += (failures.len() - before).min(3);
    Some((distance, failures))
}

fn plain(text: &std::sync::Arc<str>) -> Expected {
    Expected { written: text.clone(), variables: Variables::None }
}

fn condition(condition: &Condition, context: &Context<'_>, steps: &mut u64) -> Failure {
    let mut copy = |text: &str| {
        *steps += copying(text.len());
        if is_spent(*steps) { String::new() } else { text.to_owned() }
    };
    let actual = match context.value(&condition.key) {
        None => Actual::Absent,
        Some(ContextValue::Many(values)) => Actual::Many(values.iter().map(|value| copy(value)).collect()),
        Some(value) => Actual::One(value.rendered().map(|text| copy(text.as_str())).unwrap_or_default()),
    };
    Failure::Condition {
        operator: condition.operator,
        key: condition.key.as_written().into(),
        expected: filled::values(condition, context, steps),
        actual,
        span: condition.span,
    }
}
