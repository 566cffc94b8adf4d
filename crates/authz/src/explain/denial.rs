//! The details of a denial, for its audit record: of a call of one of Bailiwick's own operations, and, in `asked`, of a
//! request to another service.
//!
//! They belong to the account of the principal. What belongs to another account is left out: a policy of the resource, and
//! what it said.

use bailiwick_decision::ResolvedSubject;
use bailiwick_evaluator::Policies;
use bailiwick_model::Result;
use bailiwick_operation::{AuthorizationDetails, Check, Cx, Policy as CheckPolicy};
use bailiwick_snapshot::Snapshot;

use crate::authenticate::credentials::resolve_subject;
use crate::decide::disclosure::Disclosure;
use crate::decide::own_password;
use crate::explained_denial::ExplainedDenial;
use crate::work_budget::WorkBudget;
use crate::{Authenticated, Authz};

mod asked;
mod documents;
mod evaluated;
mod evaluation;
mod target;

use evaluated::EvaluatedPolicies;
use target::{Evaluated, Target};

/// Evaluations that are shown; of more, the last one and the first ones.
const MAX_EVALUATIONS: usize = 6;

impl Authz {
    /// Explains the denial of the last of these checks, on the snapshot that it was decided on.
    ///
    /// # Errors
    /// `LimitExceeded` if that takes too long, and those of the decision.
    pub fn explain_denial(
        &self,
        snapshot: &Snapshot,
        authenticated: &Authenticated,
        cx: &Cx,
        checks: &[Check],
    ) -> Result<ExplainedDenial> {
        let resolved = &resolve_subject(authenticated.subject(), snapshot)?;
        let mut work = WorkBudget::new();
        let (mut details, mut policies) = (AuthorizationDetails::default(), EvaluatedPolicies::default());
        let last = checks.len().saturating_sub(1);
        for (at, check) in checks.iter().enumerate() {
            if at >= MAX_EVALUATIONS - 1 && at != last {
                details.truncated = true;
                continue;
            }
            let target = &target(check);
            self.with_check(resolved, cx, check, |request, applied| {
                let decision = work.decide(request, applied)?;
                let mut explain = |applied: &Policies<'_>| {
                    let disclosure = disclosure(resolved, check, applied);
                    let is_denial = at == last;
                    let evaluated = Evaluated { request, applied, resolved, target, disclosure, is_denial };
                    evaluated.add_to(&mut details, &mut policies, &mut work)
                };
                match own_password::applies(check, &decision, request) {
                    true => own_password::with_grant(applied, explain),
                    false => explain(applied),
                }
            })?;
        }
        details.truncated |= policies.is_truncated;
        let documents;
        (details.policies, documents) = policies.finish();
        Ok(ExplainedDenial { details, documents, principal: resolved.entity().map(|entity| entity.id) })
    }
}

fn target(check: &Check) -> Target<'_> {
    Target {
        action: check.action,
        resource: &check.resource,
        account: check.resource_account,
        keys: check.context.iter().map(|(name, _)| &**name).collect(),
        trust: match check.policy {
            CheckPolicy::Trust(role) => check.resource_account.map(|account| (account, role)),
            CheckPolicy::None | CheckPolicy::NoTrust => None,
        },
        given_policy: None,
    }
}

fn disclosure(resolved: &ResolvedSubject<'_>, check: &Check, applied: &Policies<'_>) -> Disclosure {
    let management = resolved.view().management_account();
    Disclosure::of_record(resolved.subject().account(), check.resource_account, management, applied)
}

#[cfg(test)]
mod tests;
