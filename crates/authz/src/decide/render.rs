//! A decision in the words of `authz.v1`.

use bailiwick_api::authz::{
    AuthorizeResponse, AuthorizeResult, Decision as Answer, ItemError, PolicyType, StatementRef, Step as Settled,
};
use bailiwick_evaluator::{self as evaluator, Decision, Outcome, Policies, PolicyKind, Request, Step};
use bailiwick_model::IamError;
use bailiwick_snapshot::Holder;

use super::disclosure::Disclosure;
use crate::subject::Present;

/// What an answer says of a decision, to one asker: see [`Disclosure`].
pub(crate) struct DecisionView {
    decision: Answer,
    step: Settled,
    statement: Option<StatementRef>,
    message: Option<String>,
}

impl DecisionView {
    pub(crate) fn of(
        decision: &Decision,
        present: &Present<'_>,
        request: &Request<'_>,
        policies: &Policies<'_>,
        disclosure: Disclosure,
    ) -> Self {
        let is_withheld = !disclosure.shows_what_settled(decision);
        let decision = &disclosure.redact(*decision);
        DecisionView {
            decision: match decision.outcome {
                Outcome::Allowed => Answer::Allow,
                Outcome::ExplicitDeny => Answer::ExplicitDeny,
                Outcome::ImplicitDeny => Answer::ImplicitDeny,
            },
            step: if is_withheld && decision.outcome != Outcome::ExplicitDeny {
                Settled::Withheld
            } else {
                settled(decision)
            },
            statement: decision.statement.and_then(|at| statement(&at, present, policies)),
            message: (!decision.is_allowed()).then(|| decision.message(request).to_string()),
        }
    }

    pub(crate) fn response(self, revision: String) -> AuthorizeResponse {
        AuthorizeResponse {
            decision: self.decision.into(),
            step: self.step.into(),
            statement: self.statement,
            message: self.message,
            revision,
        }
    }

    pub(crate) fn result(self) -> AuthorizeResult {
        AuthorizeResult {
            decision: self.decision.into(),
            step: self.step.into(),
            statement: self.statement,
            message: self.message,
            error: None,
        }
    }
}

/// The result of an item that could not be decided.
pub(crate) fn undecided(error: &IamError) -> AuthorizeResult {
    let error = ItemError { code: error.code().wire().into(), message: error.message().into() };
    AuthorizeResult { error: Some(error), ..AuthorizeResult::default() }
}

fn settled(decision: &Decision) -> Settled {
    let by_kind = |kind| match kind {
        PolicyKind::Identity => Settled::IdentityPolicy,
        PolicyKind::Resource | PolicyKind::Trust => Settled::ResourcePolicy,
        PolicyKind::Boundary => Settled::PermissionsBoundary,
        PolicyKind::Session => Settled::SessionPolicy,
        PolicyKind::Scp => Settled::ServiceControlPolicy,
        PolicyKind::Rcp => Settled::ResourceControlPolicy,
        PolicyKind::Endpoint => Settled::EndpointPolicy,
    };
    match (decision.outcome, decision.step, decision.statement, decision.lacking) {
        (Outcome::ExplicitDeny, ..) => Settled::ExplicitDeny,
        (_, Step::Exception, ..) => Settled::Exception,
        (Outcome::ImplicitDeny, _, _, Some(kind)) => by_kind(kind),
        (Outcome::Allowed, _, Some(at), _) => by_kind(at.kind),
        (Outcome::Allowed, Step::Root, ..) => Settled::Root,
        _ => Settled::Default,
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

/// A statement with its policy's name, its place, and through whom it applies.
pub(crate) fn statement(
    at: &evaluator::StatementRef,
    present: &Present<'_>,
    policies: &Policies<'_>,
) -> Option<StatementRef> {
    let policy = policies.policy(at)?;
    let info = policy.statement(at.statement as usize)?;
    let attached_to = match at.kind {
        PolicyKind::Identity => holder(at, present),
        PolicyKind::Boundary => Some(present.names.identity_arn.to_string()),
        PolicyKind::Session => Some(present.names.arn.to_string()),
        // The ARN of the role, and of a resource whose policy is kept, is the policy's name.
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

/// Through whom an identity policy applies: the ARN of the user or role, or of a group of his.
pub(crate) fn holder(at: &evaluator::StatementRef, present: &Present<'_>) -> Option<String> {
    Some(match present.effective_policies()?.holder(present.snapshot, at.policy as usize) {
        Holder::Own => present.names.identity_arn.to_string(),
        Holder::Group(group) => group.arn(present.snapshot.partition()).as_str().to_owned(),
    })
}
