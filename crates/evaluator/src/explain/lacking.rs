//! What would have to allow.

use bailiwick_policy_lang::PolicyKind;

use crate::decide::{self, Found};
use crate::decision::Decision;
use crate::policies::Policies;
use crate::principal::Named;
use crate::request::{Principal, Request};
use crate::subject::Subject;

/// How a request would fare if policies allowed more, Denies aside.
pub(super) struct Prospect {
    /// The types of policy that would have to allow, in the order in which a decision misses them.
    pub(super) wanting: Vec<PolicyKind>,
    /// Those that could allow instead.
    instead: Vec<PolicyKind>,
    /// Those without whose Allow it can't be.
    needed: Vec<PolicyKind>,
    /// Nothing that policies could say would do.
    pub(super) is_hopeless: bool,
}

impl Prospect {
    /// Whether an Allow in policies of a type would bring the request nearer to being allowed.
    pub(super) fn is_helped_by(&self, kind: PolicyKind) -> bool {
        self.wanting.contains(&kind) || self.instead.contains(&kind)
    }

    /// Whether the request can't be allowed unless policies of a type allow it.
    pub(super) fn needs(&self, kind: PolicyKind) -> bool {
        self.needed.contains(&kind)
    }
}

pub(super) fn prospect(request: &Request<'_>, policies: &Policies<'_>, steps: &mut u64) -> Prospect {
    let (mut short, mut long) = ([0; 128], Vec::new());
    let mut subject = Subject::new(request, policies.boundary.is_some(), &mut short, &mut long);
    subject.without_denies = true;
    let mut prospect = Prospect { wanting: Vec::new(), instead: Vec::new(), needed: Vec::new(), is_hopeless: false };
    let Some(start) = decide::gather_allows(&subject, policies, steps) else { return prospect };
    let mut found = start.clone();
    while let Some(kind) = conclude(request, policies, &found, &prospect.wanting).lacking {
        if prospect.wanting.contains(&kind) {
            // The same type a second time: nothing that it could say would do.
            prospect.is_hopeless = true;
            prospect.needed = vec![kind];
            prospect.wanting.clear();
            return prospect;
        }
        found.suppose(kind, himself(&request.principal));
        prospect.wanting.push(kind);
    }
    // A grant that names the caller may make the identity policies needless that the decision missed first.
    for kind in prospect.wanting.clone() {
        let fewer: Vec<PolicyKind> = prospect.wanting.iter().copied().filter(|other| *other != kind).collect();
        let mut other = start.clone();
        fewer.iter().for_each(|kind| other.suppose(*kind, himself(&request.principal)));
        if conclude(request, policies, &other, &fewer).is_allowed() {
            (prospect.wanting, found) = (fewer, other);
        }
    }
    let missed = conclude(request, policies, &start, &[]).lacking;
    for kind in [PolicyKind::Resource, PolicyKind::Trust] {
        let mut other = start.clone();
        other.suppose(kind, himself(&request.principal));
        let is_there = policy_of_resource(policies) == Some(kind);
        if is_there && missed.is_some() && conclude(request, policies, &other, &[]).lacking != missed {
            prospect.instead.push(kind);
        }
    }
    for kind in PolicyKind::ALL {
        let mut less = found.clone();
        less.withdraw(kind);
        if !conclude(request, policies, &less, &prospect.wanting).is_allowed() {
            prospect.needed.push(kind);
        }
    }
    prospect
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
fn himself(principal: &Principal<'_>) -> Named {
    match principal {
        Principal::Root { .. } => Named::ACCOUNT,
        Principal::User { .. } => Named::USER,
        Principal::RoleSession { .. } => Named::ROLE,
        Principal::FederatedUser { .. } => Named::SESSION,
        Principal::Service { .. } => Named::SERVICE,
        Principal::IdentityProvider { .. } => Named::PROVIDER,
        Principal::Anonymous => Named::EVERYONE,
    }
}
