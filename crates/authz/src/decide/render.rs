//! Responses of `authz.v1`, made from decisions.

use bailiwick_api::authz::{
    AuthorizeResponse, AuthorizeResult, Decision as ProtoDecision, ItemError, PolicyType, StatementRef,
    Step as ProtoStep,
};
use bailiwick_decision::ResolvedSubject;
use bailiwick_evaluator::{self as evaluator, Decision, Outcome, Policies, PolicyKind, Request, Step};
use bailiwick_model::{IamError, add_authorization_id};
use bailiwick_snapshot::Holder;

use super::disclosure::Disclosure;

/// What a response shows of a decision: see [`Disclosure`].
pub(crate) struct DecisionView {
    decision: ProtoDecision,
    step: ProtoStep,
    statement: Option<StatementRef>,
    message: Option<String>,
    encoded_message: Option<String>,
    authorization_id: Option<String>,
}

impl DecisionView {
    /// Whether the request is allowed.
    pub(crate) fn is_allowed(&self) -> bool {
        self.decision == ProtoDecision::Allow
    }

    /// `ALLOW`, `EXPLICIT_DENY` or `IMPLICIT_DENY`.
    pub(super) fn outcome_name(&self) -> &'static str {
        let name = self.decision.as_str_name();
        name.strip_prefix("DECISION_").unwrap_or(name)
    }

    /// The step that settled it.
    pub(super) fn step(&self) -> ProtoStep {
        self.step
    }

    /// The statement that settled it.
    pub(super) fn statement(&self) -> Option<&StatementRef> {
        self.statement.as_ref()
    }

    pub(crate) fn of(
        decision: &Decision,
        resolved: &ResolvedSubject<'_>,
        request: &Request<'_>,
        policies: &Policies<'_>,
        disclosure: Disclosure,
    ) -> Self {
        let is_withheld = !disclosure.shows_reason(decision);
        let decision = &disclosure.redact(*decision);
        DecisionView {
            decision: match decision.outcome {
                Outcome::Allowed => ProtoDecision::Allow,
                Outcome::ExplicitDeny => ProtoDecision::ExplicitDeny,
                Outcome::ImplicitDeny => ProtoDecision::ImplicitDeny,
            },
            step: if is_withheld && decision.outcome != Outcome::ExplicitDeny {
                ProtoStep::Withheld
            } else {
                settled(decision)
            },
            statement: decision.statement.and_then(|at| statement(&at, resolved, policies)),
            message: (!decision.is_allowed()).then(|| decision.message(request).to_string()),
            encoded_message: None,
            authorization_id: None,
        }
    }

    /// The same with an encoded message about the denial.
    pub(crate) fn with_encoded_message(self, encoded_message: Option<String>) -> Self {
        DecisionView { encoded_message, ..self }
    }

    /// The same with the id under which the details of the denial are on record, with which the message ends.
    pub(crate) fn with_authorization_id(mut self, authorization_id: Option<String>) -> Self {
        if let (Some(message), Some(id)) = (&mut self.message, &authorization_id) {
            add_authorization_id(message, id);
        }
        DecisionView { authorization_id, ..self }
    }

    /// The same without what determined the decision.
    pub(crate) fn without_reason(self) -> Self {
        DecisionView { step: ProtoStep::Withheld, statement: None, ..self }
    }

    pub(crate) fn response(self, revision: String) -> AuthorizeResponse {
        AuthorizeResponse {
            decision: self.decision.into(),
            step: self.step.into(),
            statement: self.statement,
            message: self.message,
            encoded_message: self.encoded_message,
            authorization_id: self.authorization_id,
            revision,
        }
    }

    pub(crate) fn result(self) -> AuthorizeResult {
        AuthorizeResult {
            decision: self.decision.into(),
            step: self.step.into(),
            statement: self.statement,
            message: self.message,
            encoded_message: self.encoded_message,
            authorization_id: self.authorization_id,
            error: None,
        }
    }
}

/// Returns the result of an item without a decision.
pub(crate) fn item_error(error: &IamError) -> AuthorizeResult {
    let error = ItemError { code: error.code().wire().into(), message: error.message().into() };
    AuthorizeResult { error: Some(error), ..AuthorizeResult::default() }
}

pub(crate) fn settled(decision: &Decision) -> ProtoStep {
    let by_kind = |kind| match kind {
        PolicyKind::Identity => ProtoStep::IdentityPolicy,
        PolicyKind::Resource | PolicyKind::Trust => ProtoStep::ResourcePolicy,
        PolicyKind::Boundary => ProtoStep::PermissionsBoundary,
        PolicyKind::Session => ProtoStep::SessionPolicy,
        PolicyKind::Scp => ProtoStep::ServiceControlPolicy,
        PolicyKind::Rcp => ProtoStep::ResourceControlPolicy,
        PolicyKind::Endpoint => ProtoStep::EndpointPolicy,
    };
    match (decision.outcome, decision.step, decision.statement, decision.lacking) {
        (Outcome::ExplicitDeny, ..) => ProtoStep::ExplicitDeny,
        (_, Step::Exception, ..) => ProtoStep::Exception,
        (Outcome::ImplicitDeny, _, _, Some(kind)) => by_kind(kind),
        (Outcome::Allowed, _, Some(at), _) => by_kind(at.kind),
        (Outcome::Allowed, Step::Root, ..) => ProtoStep::Root,
        _ => ProtoStep::Default,
    }
}

pub(crate) fn policy_type(kind: PolicyKind) -> PolicyType {
    match kind {
        PolicyKind::Identity => PolicyType::Identity,
        PolicyKind::Resource => PolicyType::Resource,
        PolicyKind::Trust => PolicyType::Trust,
        PolicyKind::Boundary => PolicyType::PermissionsBoundary,
        PolicyKind::Session => PolicyType::Session,
        PolicyKind::Scp => PolicyType::ServiceControl,
        PolicyKind::Rcp => PolicyType::ResourceControl,
        PolicyKind::Endpoint => PolicyType::Endpoint,
    }
}

/// Returns a statement with the name of its policy, its position, and the identity that it is attached to.
pub(crate) fn statement(
    at: &evaluator::StatementRef,
    resolved: &ResolvedSubject<'_>,
    policies: &Policies<'_>,
) -> Option<StatementRef> {
    let policy = policies.policy(at)?;
    let info = policy.statement(at.statement as usize)?;
    let attached_to = match at.kind {
        PolicyKind::Identity => holder(at, resolved),
        PolicyKind::Boundary => Some(resolved.identity_arn().to_owned()),
        PolicyKind::Session => Some(resolved.arn().to_owned()),
        // The name of a trust policy is the ARN of its role, the name of a stored resource policy the ARN of its resource.
        PolicyKind::Trust | PolicyKind::Resource => policy.name().map(ToOwned::to_owned),
        PolicyKind::Scp | PolicyKind::Rcp | PolicyKind::Endpoint => None,
    };
    Some(StatementRef {
        policy_type: policy_type(at.kind).into(),
        policy: policy.name().unwrap_or_default().to_owned(),
        attached_to: attached_to.unwrap_or_default(),
        index: at.statement,
        sid: info.sid.map(str::to_owned),
        line: info.span.start.line,
        column: info.span.start.column,
        ..StatementRef::default()
    })
}

/// Returns the ARN of the identity that an identity policy is attached to: the user or role, or a group of the user.
pub(crate) fn holder(at: &evaluator::StatementRef, resolved: &ResolvedSubject<'_>) -> Option<String> {
    Some(match resolved.holder(at.policy as usize)? {
        Holder::Own => resolved.identity_arn().to_owned(),
        Holder::Group(group) => group.arn(resolved.view().partition()).as_str().to_owned(),
    })
}
