//! What a response shows of policies: only those of the asking account.

use bailiwick_evaluator::{Decision, Outcome, Policies, PolicyKind, Step};
use bailiwick_model::AccountId;
use bailiwick_operation::Cx;

/// Which policies of a decision the asking service may see: whether they exist, their types, names, holders, statements and
/// positions. Of the others a response has the decision only.
///
/// The management account may see all. Other accounts see what belongs to them: the policies of a principal and its
/// groups, boundary and session belong to the principal's account; the stored policy of a resource and the trust policy of
/// a role to the account of the resource; a policy in the question to the asking service.
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
    /// Returns what the caller of `cx` may see of a decision with these policies, about a principal and a resource in these
    /// accounts. `is_given`: whether the question has the policy of the resource.
    pub(crate) fn of(
        cx: &Cx,
        principal: Option<AccountId>,
        resource: Option<AccountId>,
        is_given: bool,
        policies: &Policies<'_>,
    ) -> Self {
        let viewer = Viewer::of(cx);
        let is_own = viewer.may_see(resource);
        Disclosure {
            principal: viewer.may_see(principal),
            resource: is_given || is_own,
            owner: is_own || !has_owners(policies),
        }
    }

    /// Returns what the administrators of the principal's account may see of a decision that a service of the account
    /// `asker` asked for. The service gives a policy of the question to its own account only.
    pub(crate) fn of_principal(
        viewer: Viewer,
        asker: AccountId,
        resource: Option<AccountId>,
        is_given: bool,
        policies: &Policies<'_>,
    ) -> Self {
        let is_own = viewer.may_see(resource);
        Disclosure {
            principal: true,
            resource: if is_given { viewer.account == asker } else { is_own },
            owner: is_own || !has_owners(policies),
        }
    }

    /// Returns what the caller of one of Bailiwick's own operations may see of its decision: everything on their side, but
    /// nothing of the resource's if that would reveal whether the resource exists.
    pub(crate) fn of_caller(hides_resource: bool) -> Self {
        Disclosure { principal: true, resource: !hides_resource, owner: !hides_resource }
    }

    /// Returns what the record of one of Bailiwick's own operations may have of its decision. The record belongs to the
    /// account of the caller; callers without one may see nothing of a resource's account.
    pub(crate) fn of_record(
        principal: Option<AccountId>,
        resource: Option<AccountId>,
        management: AccountId,
        policies: &Policies<'_>,
    ) -> Self {
        let sees =
            |principal: AccountId| principal == management || resource.is_none_or(|resource| resource == principal);
        let is_own = principal.is_some_and(sees);
        Disclosure { principal: true, resource: is_own, owner: is_own || !has_owners(policies) }
    }

    /// Returns whether policies of this type may be shown.
    pub(crate) fn shows(self, kind: PolicyKind) -> bool {
        match kind {
            PolicyKind::Identity | PolicyKind::Boundary | PolicyKind::Session | PolicyKind::Scp => self.principal,
            PolicyKind::Resource => self.resource,
            PolicyKind::Trust | PolicyKind::Rcp => self.owner,
            PolicyKind::Endpoint => true,
        }
    }

    /// Returns whether nothing is withheld.
    pub(crate) fn shows_all(self) -> bool {
        self.principal && self.resource && self.owner
    }

    /// Returns whether the statement or policy type that determined a decision may be shown.
    ///
    /// Within one account, a missing Allow on one side reveals what the other side says, so it is shown only if both
    /// sides may be. Across accounts, and in the scope-down policies of a session, the principal's side is decided first,
    /// and reveals nothing of the other.
    pub(crate) fn shows_reason(self, decision: &Decision) -> bool {
        let reason = decision.statement.map(|at| at.kind).or(decision.lacking);
        let reveals_both = decision.outcome == Outcome::ImplicitDeny
            && !matches!(decision.step, Step::CrossAccount | Step::SessionScope);
        reason.is_none_or(|kind| self.shows(kind)) && (!reveals_both || self.shows_all())
    }

    /// Returns the decision without what may not be shown. A Deny in a trust policy looks as if the role did not exist.
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

/// Whether policies take part that belong to the account of the resource alone.
fn has_owners(policies: &Policies<'_>) -> bool {
    policies.trust.is_some() || !policies.rcps.is_empty()
}

/// An account that sees a decision.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Viewer {
    account: AccountId,
    is_management: bool,
}

impl Viewer {
    /// The caller's account.
    pub(crate) fn of(cx: &Cx) -> Self {
        Self::in_account(cx, cx.account())
    }

    /// Another account of the same deployment.
    pub(crate) fn in_account(cx: &Cx, account: AccountId) -> Self {
        Viewer { account, is_management: account == cx.deployment().management_account }
    }

    /// Whether it may see what is stored in an account: it is its own, or it is the management account.
    pub(crate) fn may_see(self, owner: Option<AccountId>) -> bool {
        self.is_management || owner.is_none_or(|owner| owner == self.account)
    }
}

/// Returns whether the caller must not see what is stored in an account: it is not the caller's own, and the caller is not
/// in the management account.
pub(crate) fn is_foreign_account(cx: &Cx, owner: Option<AccountId>) -> bool {
    !Viewer::of(cx).may_see(owner)
}
