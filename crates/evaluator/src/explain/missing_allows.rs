//! The types of policy that would have to allow.

use bailiwick_policy_lang::PolicyKind;

use crate::decide::{self, Found};
use crate::decision::Decision;
use crate::policies::Policies;
use crate::prepared::PreparedRequest;
use crate::principal::PrincipalMatch;
use crate::request::{Principal, Request};

/// The types of policy whose Allow is missing, apart from Denies.
pub(super) struct MissingAllows {
    /// The types of policy that would have to allow, in the order in which a decision misses them.
    pub(super) wanting: Vec<PolicyKind>,
    /// Those that could allow instead.
    instead: Vec<PolicyKind>,
    /// Those without whose Allow it can't be.
    needed: Vec<PolicyKind>,
    /// No Allow could help.
    pub(super) is_hopeless: bool,
}

impl MissingAllows {
    /// Whether an Allow in policies of a type would bring the request nearer to being allowed.
    pub(super) fn is_helped_by(&self, kind: PolicyKind) -> bool {
        self.wanting.contains(&kind) || self.instead.contains(&kind)
    }

    /// Whether the request can't be allowed unless policies of a type allow it.
    pub(super) fn needs(&self, kind: PolicyKind) -> bool {
        self.needed.contains(&kind)
    }
}

pub(super) fn missing_allows(request: &Request<'_>, policies: &Policies<'_>, steps: &mut u64) -> MissingAllows {
    let (mut short, mut long) = ([0; 128], Vec::new());
    let mut subject = PreparedRequest::new(request, policies.boundary.is_some(), &mut short, &mut long);
    subject.without_denies = true;
    let mut missing_allows =
        MissingAllows { wanting: Vec::new(), instead: Vec::new(), needed: Vec::new(), is_hopeless: false };
    let Some(start) = decide::gather_allows(&subject, policies, steps) else { return missing_allows };
    let mut found = start.clone();
    while let Some(kind) = conclude(request, policies, &found, &missing_allows.wanting).lacking {
        if missing_allows.wanting.contains(&kind) {
            // The same type a second time: no Allow of it could help.
            missing_allows.is_hopeless = true;
            missing_allows.needed = vec![kind];
            missing_allows.wanting.clear();
            return missing_allows;
        }
        found.suppose(kind, caller_match(&request.principal));
        missing_allows.wanting.push(kind);
    }
    // A grant that names the caller may make the identity policies needless that the decision missed first.
    for kind in missing_allows.wanting.clone() {
        let fewer: Vec<PolicyKind> = missing_allows.wanting.iter().copied().filter(|other| *other != kind).collect();
        let mut other = start.clone();
        fewer.iter().for_each(|kind| other.suppose(*kind, caller_match(&request.principal)));
        if conclude(request, policies, &other, &fewer).is_allowed() {
            (missing_allows.wanting, found) = (fewer, other);
        }
    }
    let missed = conclude(request, policies, &start, &[]).lacking;
    for kind in [PolicyKind::Resource, PolicyKind::Trust] {
        let mut other = start.clone();
        other.suppose(kind, caller_match(&request.principal));
        let is_there = policy_of_resource(policies) == Some(kind);
        if is_there && missed.is_some() && conclude(request, policies, &other, &[]).lacking != missed {
            missing_allows.instead.push(kind);
        }
    }
    for kind in PolicyKind::ALL {
        let mut less = found.clone();
        less.withdraw(kind);
        if !conclude(request, policies, &less, &missing_allows.wanting).is_allowed() {
            missing_allows.needed.push(kind);
        }
    }
    missing_allows
}

/// Which of its two types the policy of the resource is.
fn policy_of_resource(policies: &Policies<'_>) -> Option<PolicyKind> {
    policies.trust.map(|_| PolicyKind::Trust).or(policies.resource.map(|_| PolicyKind::Resource))
}

/// The decision, where session policies that were supposed to allow are there.
fn conclude(request: &Request<'_>, policies: &Policies<'_>, found: &Found, supposed: &[PolicyKind]) -> Decision {
    let session = if supposed.contains(&PolicyKind::Session) { Some(&[][..]) } else { None };
    decide::conclude(request, &Policies { session: policies.session.or(session), ..*policies }, found)
}

/// How a suggested statement names the caller.
fn caller_match(principal: &Principal<'_>) -> PrincipalMatch {
    match principal {
        Principal::Root { .. } => PrincipalMatch::ACCOUNT,
        Principal::User { .. } => PrincipalMatch::USER,
        Principal::RoleSession { .. } => PrincipalMatch::ROLE,
        Principal::FederatedUser { .. } => PrincipalMatch::SESSION,
        Principal::Service { .. } => PrincipalMatch::SERVICE,
        Principal::IdentityProvider { .. } => PrincipalMatch::PROVIDER,
        Principal::Anonymous => PrincipalMatch::EVERYONE,
    }
}
