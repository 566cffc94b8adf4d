//! Decisions on the checks of Bailiwick's own operations.

use bailiwick_decision::{DecisionInput, ResolvedSubject, Subject, Trust, UnsignedCaller};
use bailiwick_evaluator::{Decision, Outcome, Policies, PolicyKind, Request};
use bailiwick_model::{ErrorCode, IamError, Result};
use bailiwick_operation::{Caller, Check, Cx, NoCaller, Policy};
use bailiwick_snapshot::Snapshot;

use super::check_keys::{CheckKeys, PipelineKeys};
use super::disclosure::Disclosure;
use super::noted::DecidedBy;
use super::own_password;
use crate::authenticate::credentials::resolve_subject;
use crate::work_budget::WorkBudget;
use crate::{AskedBy, Authenticated, Authz};

/// Returns a denial for a caller that must not learn whether the role exists. It shows what their own policies deny, and,
/// as on AWS, not which Allow is missing.
fn redact_trust(decision: Decision) -> Decision {
    let redacted = Disclosure::of_caller(true).redact(decision);
    match redacted.outcome {
        Outcome::ImplicitDeny => Decision { lacking: None, ..redacted },
        _ => redacted,
    }
}

/// A denial in AWS's words for callers without a signature: neither the principal nor the resource is shown.
fn unsigned_denial(error: IamError, check: &Check) -> IamError {
    match error.code() {
        ErrorCode::AccessDenied => {
            IamError::new(ErrorCode::AccessDenied, format!("Not authorized to perform {}", check.action))
        }
        _ => error,
    }
}

/// The ARN of the managed policy that denies explicitly. As on AWS, the message names it.
fn denying_policy<'p>(decision: &Decision, policies: &Policies<'p>) -> Option<&'p str> {
    let at = decision.statement.filter(|_| decision.outcome == Outcome::ExplicitDeny)?;
    let is_managed = matches!(at.kind, PolicyKind::Identity | PolicyKind::Boundary | PolicyKind::Session);
    policies.policy(&at)?.name().filter(|name| is_managed && name.starts_with("arn:"))
}

impl Authz {
    /// Decides the checks that an operation names, in their order, and notes what decided.
    ///
    /// # Errors
    /// `AccessDenied` in AWS's words for the first that is not allowed; `InvalidClientTokenId` if the caller no longer
    /// exists; `LimitExceeded` if the caller's policies would take too long to evaluate; `ServiceFailure` if there are no
    /// checks, because every operation has at least one, and a handler without checks must not run.
    pub async fn decide_all(
        &self,
        snapshot: &Snapshot,
        authenticated: &Authenticated,
        cx: &Cx,
        checks: &[Check],
        decided: &mut DecidedBy,
    ) -> Result<()> {
        if checks.is_empty() {
            return Err(IamError::internal("an operation without checks"));
        }
        let mut work = WorkBudget::new();
        for check in checks {
            self.decide_subject(snapshot, authenticated.subject(), cx, check, &mut work, Some(&mut *decided))?;
            work.yield_if_due().await;
        }
        Ok(())
    }

    /// Decides the checks of an operation that needs no signature. A principal of an identity provider has no policies, so
    /// each check must be allowed by the trust policy or resource policy that takes part in it. A person who signs in needs
    /// no permission for that, and has their own policies for what else the operation does. Temporary credentials in the
    /// request are validated.
    ///
    /// # Errors
    /// As [`Self::decide_all`]; for temporary credentials `InvalidClientTokenId` and `ExpiredToken`.
    pub async fn decide_unsigned(
        &self,
        snapshot: &Snapshot,
        caller: &UnsignedCaller,
        cx: &Cx<NoCaller>,
        checks: &[Check],
        decided: &mut DecidedBy,
    ) -> Result<()> {
        match caller {
            UnsignedCaller::Credentials(caller) => {
                drop(self.resolve(snapshot, Caller::clone(caller), None, cx.now())?)
            }
            UnsignedCaller::Person(_) => {}
            _ if checks.is_empty() => return Err(IamError::internal("an operation without checks")),
            _ => {}
        }
        // A trust policy may name everyone; without a proof it must not be asked at all.
        if !caller.is_proven() && checks.iter().any(|check| check.policy != Policy::None) {
            return Err(IamError::new(
                ErrorCode::AccessDenied,
                "a role cannot be assumed without a proof of the caller",
            ));
        }
        let subject = match caller {
            // Before the proof, a person has the permissions of an anonymous caller.
            UnsignedCaller::Person(person) => match person.proven() {
                Some(principal) => Subject::of_principal(principal, self.deployment.partition)
                    .ok_or_else(|| IamError::internal("a person who signs in as a role"))?,
                None => Subject::anonymous(),
            },
            UnsignedCaller::Federated(principal) => Subject::of_federated(principal),
            _ => Subject::anonymous(),
        };
        let mut work = WorkBudget::new();
        for check in checks {
            self.decide_subject(snapshot, &subject, cx, check, &mut work, Some(&mut *decided))
                .map_err(|error| unsigned_denial(error, check))?;
            work.yield_if_due().await;
        }
        Ok(())
    }

    /// Decides one check.
    ///
    /// # Errors
    /// As [`Self::decide_all`].
    pub fn decide(&self, snapshot: &Snapshot, authenticated: &Authenticated, cx: &Cx, check: &Check) -> Result<()> {
        self.decide_subject(snapshot, authenticated.subject(), cx, check, &mut WorkBudget::new(), None)
    }

    /// Decides one check for a subject, which need not be the caller.
    pub(crate) fn decide_subject<C>(
        &self,
        snapshot: &Snapshot,
        subject: &Subject,
        cx: &Cx<C>,
        check: &Check,
        work: &mut WorkBudget,
        noted: Option<&mut DecidedBy>,
    ) -> Result<()> {
        let resolved = resolve_subject(subject, snapshot)?;
        self.with_check(&resolved, cx, check, |request, policies| {
            let mut decided = work.decide(request, policies);
            if let Ok(decision) = &decided
                && own_password::applies(check, decision, request)
            {
                decided = own_password::with_grant(policies, |policies| work.decide(request, policies));
            }
            let decision = self.decisions.note(AskedBy::Operation, decided)?;
            if let Some(noted) = noted {
                noted.note(check, &decision, &resolved, policies);
            }
            if decision.is_allowed() {
                return Ok(());
            }
            let decision = if check.policy == Policy::None { decision } else { redact_trust(decision) };
            let shown = check.displayed.as_deref().unwrap_or(&check.resource);
            // IAM says `on resource: *` as well, STS does not.
            let message = decision.message(request);
            let is_shown = shown != "*" || check.action.starts_with("iam:");
            let mut message = if is_shown { message.on_resource(shown) } else { message }.to_string();
            if let Some(arn) = denying_policy(&decision, policies) {
                message.push_str(": ");
                message.push_str(arn);
            }
            Err(IamError::new(ErrorCode::AccessDenied, message))
        })
    }

    /// Calls `then` with the request and the policies of a check.
    pub(crate) fn with_check<C, R>(
        &self,
        resolved: &ResolvedSubject<'_>,
        cx: &Cx<C>,
        check: &Check,
        then: impl FnOnce(&Request<'_>, &Policies<'_>) -> R,
    ) -> R {
        let pipeline = PipelineKeys { request: cx.request(), region: self.deployment.region.as_str() };
        let keys = CheckKeys::new(&check.context);
        let input = DecisionInput {
            resource_account: check.resource_account,
            now: Some(cx.now()),
            second_factor: check.second_factor.then(|| cx.now()),
            keys: &[&pipeline, &keys],
            trust: match &check.policy {
                Policy::None => Trust::None,
                Policy::NoTrust => Trust::AbsentRole,
                Policy::Trust(role) => Trust::of_role(resolved.view(), role),
            },
            ..DecisionInput::new(resolved, check.action, &check.resource)
        };
        input.with(then)
    }
}
