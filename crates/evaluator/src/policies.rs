//! Every policy that takes part in a decision.

use crate::{IndexedPolicies, Policy, StatementInfo, StatementRef};
use bailiwick_policy_lang::PolicyKind;

/// The policies that apply to a request, borrowed, by type.
///
/// Lists are slices of slices, so that shared policies, such as those of a group, are borrowed. For a user, `identity`
/// has the user's own policies and then those of each group.
#[derive(Clone, Copy, Default)]
pub struct Policies<'a> {
    /// Identity policies: own, then those of each group.
    pub identity: &'a [&'a [Policy]],
    /// More identity policies, with an index. They count before those of `identity`: a [`StatementRef`] numbers them
    /// first. For a principal with many policies all of them are best put here.
    pub indexed: Option<&'a IndexedPolicies>,
    /// The permissions boundary, if there is one.
    pub boundary: Option<&'a Policy>,
    /// Session policies. `None`: the session was made without; an empty list allows nothing.
    pub session: Option<&'a [&'a [Policy]]>,
    /// Scope-down policies of the session, each of which must allow in any case, whatever grants the access. Statement
    /// references number them as levels of session policies, from 1.
    pub scopes: &'a [Policy],
    /// SCPs of the caller's account, by level from the root down to the account. No level: no organization.
    pub scps: &'a [&'a [Policy]],
    /// RCPs of the resource's account, by level. The one that allows everything is implied at each level.
    pub rcps: &'a [&'a [Policy]],
    /// The resource's policy.
    pub resource: Option<&'a Policy>,
    /// Whether the resource's policy must allow in any case, as a KMS key's must: the identity side alone never
    /// suffices then. A trust policy always must.
    pub resource_must_allow: bool,
    /// The trust policy of the role, for `sts:Assume…`.
    pub trust: Option<&'a Policy>,
    /// The policy of the endpoint that the request came through.
    pub endpoint: Option<&'a Policy>,
}

impl<'a> Policies<'a> {
    /// Whether only identity policies take part.
    pub(crate) fn is_identity_alone(&self) -> bool {
        let limits =
            self.boundary.is_none() && self.session.is_none() && self.scopes.is_empty() && self.endpoint.is_none();
        let organization = self.scps.is_empty() && self.rcps.is_empty();
        limits && organization && self.resource.is_none() && self.trust.is_none() && !self.resource_must_allow
    }

    /// All identity policies, the indexed ones first.
    pub(crate) fn identity_slices(&self) -> impl Iterator<Item = &'a [Policy]> {
        self.indexed.map(IndexedPolicies::policies).into_iter().chain(self.identity.iter().copied())
    }

    /// The policy that a statement reference points into.
    #[must_use]
    pub fn policy(&self, at: &StatementRef) -> Option<&'a Policy> {
        let index = at.policy as usize;
        let level = at.level as usize;
        match at.kind {
            PolicyKind::Identity => self.identity_slices().flatten().nth(index),
            PolicyKind::Session if level > 0 => self.scopes.get(level - 1),
            PolicyKind::Session => self.session?.iter().copied().flatten().nth(index),
            PolicyKind::Scp => self.scps.get(level)?.get(index),
            PolicyKind::Rcp => self.rcps.get(level)?.get(index),
            PolicyKind::Boundary => self.boundary,
            PolicyKind::Resource => self.resource,
            PolicyKind::Trust => self.trust,
            PolicyKind::Endpoint => self.endpoint,
        }
    }

    /// Sid, effect and place of the statement that a reference points at.
    #[must_use]
    pub fn statement(&self, at: &StatementRef) -> Option<StatementInfo<'a>> {
        self.policy(at)?.statement(at.statement as usize)
    }
}
