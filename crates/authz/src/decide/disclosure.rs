//! What an answer tells of policies: only of those that are the asking account's own.

use bailiwick_evaluator::{Decision, Outcome, Policies, PolicyKind, Step};
use bailiwick_model::AccountId;
use bailiwick_operation::Cx;

/// Which policies of a decision an asker may be told about: whether they exist, of what type they are, their names,
/// holders, statements and positions. Of the others an answer holds the decision alone.
///
/// The management account may see all. Everyone else sees what belongs to their account: the policies of a principal
/// and its groups, boundary and session belong to the principal's account, whoever manages them; the kept policy of a
/// resource and the trust policy of a role to the account of the resource; a policy that came with the question to the
/// asker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Disclosure {
    /// Identity policies, boundary, session policies, service control policies.
    principal: bool,
    /// The resource's own policy.
    resource: bool,
    /// A role's trust policy, and resource control policies, where any of them takes part.
    owner: bool,
}

impl Disclosure {
    /// What the caller of `cx` may be told of a decision with these policies about a principal and a resource, each by its
    /// account. `is_given`: the policy of the resource came with the question.
    pub(crate) fn of(
        cx: &Cx,
        principal: Option<AccountId>,
        resource: Option<AccountId>,
        is_given: bool,
        policies: &Policies<'_>,
    ) -> Self {
        let is_own = !is_foreign_account(cx, resource);
        let has_owners = policies.trust.is_some() || !policies.rcps.is_empty();
        Disclosure {
            principal: !is_foreign_account(cx, principal),
            resource: is_given || is_own,
            owner: is_own || !has_owners,
        }
    }

    /// What the caller of one of Bailiwick's own operations is told of a decision about them: everything on their side,
    /// but nothing of the resource's when that must not show whether the resource is there.
    pub(crate) fn of_caller(hides_resource: bool) -> Self {
        Disclosure { principal: true, resource: !hides_resource, owner: !hides_resource }
    }

    /// Whether policies of this type may be told about.
    pub(crate) fn shows(self, kind: PolicyKind) -> bool {
        match kind {
            PolicyKind::Identity | PolicyKind::Boundary | PolicyKind::Session | PolicyKind::Scp => self.principal,
            PolicyKind::Resource => self.resource,
            PolicyKind::Trust | PolicyKind::Rcp => self.owner,
            PolicyKind::Endpoint => true,
        }
    }

    /// Whether nothing is withheld.
    pub(crate) fn shows_all(self) -> bool {
        self.principal && self.resource && self.owner
    }

    /// Whether it may be told what settled a decision.
    ///
    /// Within one account a missing Allow on one side tells that the other side allows, so that it is told only if both
    /// sides may be. Across accounts the principal's side is decided first, and tells nothing of the other.
    pub(crate) fn shows_reason(self, decision: &Decision) -> bool {
        let settled_by = decision.statement.map(|at| at.kind).or(decision.lacking);
        let tells_of_both = decision.outcome == Outcome::ImplicitDeny && decision.step != Step::CrossAccount;
        settled_by.is_none_or(|kind| self.shows(kind)) && (!tells_of_both || self.shows_all())
    }

    /// The decision without what may not be told. A Deny in a trust policy looks as if there were no such role.
    pub(crate) fn redact(self, decision: Decision) -> Decision {
        if self.shows_reason(&decision) {
            return decision;
        }
        let denied_by_trust = decision.statement.is_some_and(|at| at.kind == PolicyKind::Trust);
        let outcome = match decision.outcome {
            Outcome::ExplicitDeny if denied_by_trust => Outcome::ImplicitDeny,
            outcome => outcome,
        };
        Decision { outcome, statement: None, lacking: None, ..decision }
    }
}

/// Whether an account is neither the caller's nor, for the management account, any: what is kept in it is not theirs to
/// see.
pub(crate) fn is_foreign_account(cx: &Cx, owner: Option<AccountId>) -> bool {
    cx.account() != cx.deployment().management_account && owner.is_some_and(|owner| owner != cx.account())
}
