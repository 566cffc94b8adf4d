//! What decided the checks of a call, for its audit record.

use bailiwick_api::authz::Step;
use bailiwick_decision::ResolvedSubject;
use bailiwick_evaluator::{Decision, Outcome, Policies, PolicyKind};
use bailiwick_model::Arn;
use bailiwick_operation::{Check, DecidingStatement, DecisionRecord};

use super::check_record::{self, MAX_CHECKS};
use super::disclosure::Disclosure;
use super::render::{settled, statement};

/// What decided the checks of a call. The record of a call belongs to the account of its caller, so nothing of other
/// accounts' policies is in it.
#[derive(Debug)]
pub struct DecidedBy {
    skips_allowed: bool,
    record: Option<DecisionRecord>,
    denied: Option<usize>,
    is_explicit: bool,
    checks: usize,
}

impl DecidedBy {
    /// Nothing is decided yet. `skips_allowed`: whether decisions that allow are not wanted, because the call gets no
    /// record if it is allowed.
    pub fn new(skips_allowed: bool) -> Self {
        DecidedBy { skips_allowed, record: None, denied: None, is_explicit: false, checks: 0 }
    }

    /// The decision of the first check that was denied, otherwise of the first check.
    pub fn record(&self) -> Option<&DecisionRecord> {
        self.record.as_ref()
    }

    /// The position of the check that was denied.
    pub fn denied(&self) -> Option<usize> {
        self.denied
    }

    /// Whether a check was denied, and no statement denies it.
    pub fn is_implicit_denial(&self) -> bool {
        self.denied.is_some() && !self.is_explicit
    }

    /// Takes the decision of the next check.
    pub(super) fn note(
        &mut self,
        check: &Check,
        decision: &Decision,
        resolved: &ResolvedSubject<'_>,
        policies: &Policies<'_>,
    ) {
        let at = self.checks;
        self.checks += 1;
        let is_first = at == 0 && !self.skips_allowed;
        if decision.is_allowed() && !is_first {
            if let Some(record) = &mut self.record {
                add_check(record, check, resolved);
            }
            return;
        }
        if !decision.is_allowed() {
            self.denied = Some(at);
            self.is_explicit = decision.outcome == Outcome::ExplicitDeny;
        }
        let mut record = record_of(check, decision, resolved, policies);
        if at > 0 {
            check.resource.clone_into(&mut record.resource);
        }
        if let Some(before) = self.record.take() {
            (record.checks, record.more_checks) = (before.checks, before.more_checks);
        }
        add_check(&mut record, check, resolved);
        self.record = Some(record);
    }
}

fn add_check(record: &mut DecisionRecord, check: &Check, resolved: &ResolvedSubject<'_>) {
    if record.checks.len() < MAX_CHECKS {
        record.checks.push(check_record::of_check(check, resolved, record.checks.is_empty()));
    } else {
        record.more_checks += 1;
    }
}

fn record_of(
    check: &Check,
    decision: &Decision,
    resolved: &ResolvedSubject<'_>,
    policies: &Policies<'_>,
) -> DecisionRecord {
    let account = resolved.subject().account();
    let management = resolved.view().management_account();
    let disclosure = Disclosure::of_record(account, check.resource_account, management, policies);
    let is_withheld = !disclosure.shows_reason(decision);
    let decision = &disclosure.redact(*decision);
    let kind = decision.statement.map(|at| at.kind).or(decision.lacking);
    let step = if is_withheld && decision.outcome != Outcome::ExplicitDeny { "WITHHELD" } else { step_of(decision) };
    DecisionRecord {
        outcome: outcome_name(decision.outcome).to_owned(),
        step: step.to_owned(),
        action: check.action.to_owned(),
        resource: String::new(),
        principal: String::new(),
        policy_type: kind.map(policy_type_name).unwrap_or_default().to_owned(),
        statement: decision.statement.and_then(|at| statement(&at, resolved, policies)).map(|at| DecidingStatement {
            version: version(&at.policy, resolved),
            policy: at.policy,
            attached_to: at.attached_to,
            sid: at.sid.unwrap_or_default(),
            index: at.index,
        }),
        session: check_record::of_session(resolved),
        ..DecisionRecord::default()
    }
}

/// The step as `authz.v1` names it, without the prefix of its enum.
fn step_of(decision: &Decision) -> &'static str {
    step_name(settled(decision))
}

/// A step as `authz.v1` names it, without the prefix of its enum.
pub(super) fn step_name(step: Step) -> &'static str {
    let name = step.as_str_name();
    name.strip_prefix("STEP_").unwrap_or(name)
}

/// The version of a managed policy, such as `v3`; empty for others.
pub(crate) fn version(policy: &str, resolved: &ResolvedSubject<'_>) -> String {
    let arn = policy.starts_with("arn:").then(|| Arn::parse(policy).ok()).flatten();
    let managed = arn.and_then(|arn| resolved.view().managed_policy(&arn));
    managed.map(|managed| format!("v{}", managed.default_version())).unwrap_or_default()
}

/// `ALLOW`, `EXPLICIT_DENY` or `IMPLICIT_DENY`.
pub(crate) fn outcome_name(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Allowed => "ALLOW",
        Outcome::ExplicitDeny => "EXPLICIT_DENY",
        Outcome::ImplicitDeny => "IMPLICIT_DENY",
    }
}

/// The name that AWS's `iam-toolbox` has for a type of policy.
pub(crate) fn policy_type_name(kind: PolicyKind) -> &'static str {
    match kind {
        PolicyKind::Identity => "IDENTITY_BASED_POLICY",
        PolicyKind::Resource | PolicyKind::Trust => "RESOURCE_BASED_POLICY",
        PolicyKind::Boundary => "PERMISSIONS_BOUNDARY",
        PolicyKind::Session => "SESSION_POLICY",
        PolicyKind::Scp => "SERVICE_CONTROL_POLICY",
        PolicyKind::Rcp => "RESOURCE_CONTROL_POLICY",
        PolicyKind::Endpoint => "VPC_ENDPOINT_POLICY",
    }
}
