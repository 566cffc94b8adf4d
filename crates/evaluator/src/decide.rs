//! The order of steps in a decision.

use bailiwick_policy_lang::PolicyKind;

use crate::budget::Budget;
use crate::decision::{Decision, Outcome, StatementRef, Step};
use crate::exceptions::{self, Exception};
use crate::indexed::Place;
use crate::policies::Policies;
use crate::policy::{Grants, Policy};
use crate::prepared::PreparedRequest;
use crate::principal::PrincipalMatch;
use crate::request::{Principal, Request};

/// Decides a request.
///
/// Allocates nothing, and statements that do not concern the request cost nothing. [`Step`] documents the steps.
#[must_use]
pub fn decide(request: &Request<'_>, policies: &Policies<'_>) -> Decision {
    run(request, policies, &mut 0)
}

/// Decides a request and counts steps: visits of a statement, a pattern, a piece of a pattern, a value or a node of an
/// index. The steps bound the time, and the lengths of policies and request bound the steps.
#[must_use]
pub fn decide_counting(request: &Request<'_>, policies: &Policies<'_>) -> (Decision, u64) {
    let mut steps = 0;
    (run(request, policies, &mut steps), steps)
}

/// Decides a request within a budget, and subtracts the steps from it. Returns `None` if the budget is exceeded.
#[must_use]
pub fn decide_within(request: &Request<'_>, policies: &Policies<'_>, budget: &mut Budget) -> Option<Decision> {
    let decision = run(request, policies, &mut budget.steps);
    budget.unless_spent(decision)
}

pub(crate) fn run(request: &Request<'_>, policies: &Policies<'_>, steps: &mut u64) -> Decision {
    if exceptions::of(request.action) == Some(Exception::Always) && request.principal.account().is_some() {
        return allowed(Step::Exception, None);
    }
    let (mut short, mut long) = ([0; 128], Vec::new());
    let subject = PreparedRequest::new(request, policies.boundary.is_some(), &mut short, &mut long);
    if policies.is_identity_alone() && is_own(request) && !is_assume_role(request.action) {
        return identity_alone(&subject, policies, steps);
    }
    match gather(&subject, policies, steps) {
        Ok(found) => conclude(request, policies, &found),
        Err(deny) => deny,
    }
}

/// The most common case: a user or role session, a resource in the same account, and identity policies only.
fn identity_alone(subject: &PreparedRequest<'_>, policies: &Policies<'_>, steps: &mut u64) -> Decision {
    match identity(subject, policies, steps) {
        Ok(Some(statement)) => allowed(Step::SameAccount, Some(statement)),
        Ok(None) => lacking(Step::SameAccount, PolicyKind::Identity),
        Err(deny) => deny,
    }
}

/// Looks for a Deny and an Allow in the identity policies, the indexed ones first.
fn identity(
    subject: &PreparedRequest<'_>,
    policies: &Policies<'_>,
    steps: &mut u64,
) -> Result<Option<StatementRef>, Decision> {
    let kind = PolicyKind::Identity;
    let Some(indexed) = policies.indexed else { return list(subject, kind, 0, policies.identity, steps) };
    let reference = |place: Place| StatementRef { kind, level: 0, policy: place.policy, statement: place.statement };
    let first = indexed.scan(subject, true, steps);
    if let Some(deny) = first.deny {
        return Err(denied(reference(deny)));
    }
    let before = indexed.policies().len() as u32;
    let own = list(subject, kind, 0, policies.identity, steps);
    let behind = |at: StatementRef| StatementRef { policy: before + at.policy, ..at };
    match own {
        Ok(allow) => Ok(first.allow.map(reference).or(allow.map(behind))),
        Err(deny) => Err(Decision { statement: deny.statement.map(behind), ..deny }),
    }
}

/// Whether the caller is a user or a role session and the resource is in the same account.
fn is_own(request: &Request<'_>) -> bool {
    match request.principal {
        Principal::User { account, .. } | Principal::RoleSession { account, .. } => {
            request.resource_account.id == Some(account.id)
        }
        _ => false,
    }
}

/// The outcome if no policy denies.
#[derive(Clone)]
pub(crate) struct Found {
    identity: Option<StatementRef>,
    /// Whether the boundary, the session policies and the endpoint policy are absent or allow.
    boundary: bool,
    session: bool,
    endpoint: bool,
    /// Whether all scope-down policies allow; none if there are none.
    scopes: Option<bool>,
    /// The first level of SCPs that does not allow.
    scps: bool,
    grants: Grants,
}

impl Found {
    /// The same findings, as if a policy of this type allowed and named the caller.
    pub(crate) fn suppose(&mut self, kind: PolicyKind, named: PrincipalMatch) {
        match kind {
            PolicyKind::Identity => {
                self.identity = Some(StatementRef { kind, level: 0, policy: u32::MAX, statement: u32::MAX });
            }
            PolicyKind::Boundary => self.boundary = true,
            PolicyKind::Session => {
                self.session = true;
                self.scopes = self.scopes.map(|_| true);
            }
            PolicyKind::Scp => self.scps = true,
            PolicyKind::Rcp => {}
            PolicyKind::Resource | PolicyKind::Trust => self.grants.suppose(named),
            PolicyKind::Endpoint => self.endpoint = true,
        }
    }

    /// The same findings, as if the policies of this type did not allow.
    pub(crate) fn withdraw(&mut self, kind: PolicyKind) {
        match kind {
            PolicyKind::Identity => self.identity = None,
            PolicyKind::Boundary => self.boundary = false,
            PolicyKind::Session => {
                self.session = false;
                self.scopes = self.scopes.map(|_| false);
            }
            PolicyKind::Scp => self.scps = false,
            PolicyKind::Rcp => {}
            PolicyKind::Resource | PolicyKind::Trust => self.grants = Grants::default(),
            PolicyKind::Endpoint => self.endpoint = false,
        }
    }
}

/// Scans every policy that applies.
fn gather(subject: &PreparedRequest<'_>, policies: &Policies<'_>, steps: &mut u64) -> Result<Found, Decision> {
    let identity = identity(subject, policies, steps)?;
    let boundary = optional(subject, PolicyKind::Boundary, policies.boundary, steps)?;
    let session = match policies.session {
        None => true,
        Some(session) => list(subject, PolicyKind::Session, 0, session, steps)?.is_some(),
    };
    let mut scopes = None;
    for (level, policy) in (1u32..).zip(policies.scopes) {
        let slice = std::slice::from_ref(policy);
        let allows = list(subject, PolicyKind::Session, level, &[slice], steps)?.is_some();
        scopes = Some(scopes.unwrap_or(true) && allows);
    }
    let principal = &subject.request.principal;
    let mut scps = true;
    if principal.account().is_some_and(|account| !account.is_management) && !principal.is_service_linked() {
        for (level, policies) in (0u32..).zip(policies.scps) {
            scps &= list(subject, PolicyKind::Scp, level, &[policies], steps)?.is_some();
        }
    }
    // An RCP can only deny: the one that allows everything is implied at each level.
    if !subject.request.resource_account.is_management && !principal.is_service_linked() {
        for (level, policies) in (0u32..).zip(policies.rcps) {
            list(subject, PolicyKind::Rcp, level, &[policies], steps)?;
        }
    }
    let resource = grants(subject, PolicyKind::Resource, policies.resource, steps)?;
    let trust = grants(subject, PolicyKind::Trust, policies.trust, steps)?;
    let endpoint = optional(subject, PolicyKind::Endpoint, policies.endpoint, steps)?;
    let grants = if policies.trust.is_some() { trust } else { resource };
    Ok(Found { identity, boundary, session, endpoint, scopes, scps, grants })
}

/// Finds the Allows only, for a request with `without_denies`.
pub(crate) fn gather_allows(subject: &PreparedRequest<'_>, policies: &Policies<'_>, steps: &mut u64) -> Option<Found> {
    gather(subject, policies, steps).ok()
}

/// Looks for a Deny and an Allow in a list of policies.
fn list(
    subject: &PreparedRequest<'_>,
    kind: PolicyKind,
    level: u32,
    slices: &[&[Policy]],
    steps: &mut u64,
) -> Result<Option<StatementRef>, Decision> {
    let mut allow = None;
    for (at, policy) in (0u32..).zip(slices.iter().copied().flatten()) {
        let reference = |statement| StatementRef { kind, level, policy: at, statement };
        let found = policy.scan(subject, allow.is_none(), steps);
        if let Some(statement) = found.deny() {
            return Err(denied(reference(statement)));
        }
        allow = allow.or(found.allow().map(reference));
    }
    Ok(allow)
}

/// Whether a policy that limits is absent or allows.
fn optional(
    subject: &PreparedRequest<'_>,
    kind: PolicyKind,
    policy: Option<&Policy>,
    steps: &mut u64,
) -> Result<bool, Decision> {
    let Some(policy) = policy else { return Ok(true) };
    let found = policy.scan(subject, true, steps);
    match found.deny() {
        Some(statement) => Err(denied(StatementRef { kind, level: 0, policy: 0, statement })),
        None => Ok(found.allow().is_some()),
    }
}

fn grants(
    subject: &PreparedRequest<'_>,
    kind: PolicyKind,
    policy: Option<&Policy>,
    steps: &mut u64,
) -> Result<Grants, Decision> {
    let Some(policy) = policy else { return Ok(Grants::default()) };
    let found = policy.scan_grants(subject, steps);
    match found.deny {
        Some(statement) => Err(denied(StatementRef { kind, level: 0, policy: 0, statement })),
        None => Ok(found),
    }
}

/// The steps after the explicit deny.
pub(crate) fn conclude(request: &Request<'_>, policies: &Policies<'_>, found: &Found) -> Decision {
    if !found.scps {
        return lacking(Step::Scp, PolicyKind::Scp);
    }
    if found.scopes == Some(false) {
        return lacking(Step::SessionScope, PolicyKind::Session);
    }
    let decision = grant(request, policies, found);
    if decision.is_allowed() && !found.endpoint {
        return lacking(Step::Endpoint, PolicyKind::Endpoint);
    }
    decision
}

fn grant(request: &Request<'_>, policies: &Policies<'_>, found: &Found) -> Decision {
    let assumes = is_assume_role(request.action);
    let is_trust = policies.trust.is_some() || assumes && policies.resource.is_none();
    let resource_kind = if is_trust { PolicyKind::Trust } else { PolicyKind::Resource };
    let by_resource = |step, ways| {
        let at = |statement| StatementRef { kind: resource_kind, level: 0, policy: 0, statement };
        allowed(step, found.grants.statement(ways).map(at))
    };
    let named = found.grants.named;
    let own_account =
        request.principal.account().is_some_and(|account| request.resource_account.id == Some(account.id));
    let must_allow = policies.trust.is_some() || policies.resource_must_allow || assumes;

    match request.principal {
        // By the resource policy alone, which names the caller.
        Principal::Service { .. } | Principal::IdentityProvider { .. } | Principal::Anonymous => {
            let ways = match request.principal {
                Principal::Service { .. } => PrincipalMatch::SERVICE,
                Principal::IdentityProvider { .. } => PrincipalMatch::PROVIDER,
                _ => PrincipalMatch::EVERYONE,
            };
            if named.meets(ways) {
                by_resource(Step::Unattached, ways)
            } else {
                lacking(Step::Unattached, resource_kind)
            }
        }
        Principal::Root { .. } => {
            let ways = PrincipalMatch::EVERYONE.and(PrincipalMatch::ACCOUNT);
            if assumes {
                lacking(Step::Root, PolicyKind::Trust)
            } else if !found.session {
                // A root session that is bound to a task.
                lacking(Step::Root, PolicyKind::Session)
            } else if own_account && !must_allow {
                allowed(Step::Root, None)
            } else if named.meets(ways) {
                by_resource(Step::Root, ways)
            } else {
                lacking(Step::Root, resource_kind)
            }
        }
        _ if own_account => {
            let federated = matches!(request.principal, Principal::FederatedUser { .. });
            let himself = PrincipalMatch::EVERYONE.and(PrincipalMatch::USER).and(PrincipalMatch::SESSION);
            let role = PrincipalMatch::ROLE.and(PrincipalMatch::PROVIDER);
            let limits = found.boundary && found.session;
            let identity = identity_side(request, policies, found);
            if named.meets(himself) {
                by_resource(Step::SameAccount, himself)
            } else if named.meets(role) && limits {
                by_resource(Step::SameAccount, role)
            } else if named.meets(PrincipalMatch::FEDERATING_USER) && limits && policies.session.is_some() {
                by_resource(Step::SameAccount, PrincipalMatch::FEDERATING_USER)
            } else if must_allow
                && !named.has(PrincipalMatch::ACCOUNT)
                && !(federated && named.has(PrincipalMatch::FEDERATING_USER))
            {
                // Named by nothing that suffices, or as a role whose limits do not allow.
                match named.meets(role) {
                    true => lacking(Step::SameAccount, limit(found)),
                    false => lacking(Step::SameAccount, resource_kind),
                }
            } else if must_allow && !named.has(PrincipalMatch::ACCOUNT) {
                lacking(Step::SameAccount, limit(found))
            } else {
                match identity {
                    Ok(statement) => allowed(Step::SameAccount, Some(statement)),
                    Err(kind) => lacking(Step::SameAccount, kind),
                }
            }
        }
        _ => match identity_side(request, policies, found) {
            Err(kind) => lacking(Step::CrossAccount, kind),
            Ok(_) if named.is_empty() => lacking(Step::CrossAccount, resource_kind),
            Ok(statement) => allowed(Step::CrossAccount, Some(statement)),
        },
    }
}

/// Returns the Allow that identity policies, boundary and session policies agree on, or the type that has none.
fn identity_side(request: &Request<'_>, policies: &Policies<'_>, found: &Found) -> Result<StatementRef, PolicyKind> {
    let statement = found.identity.ok_or(PolicyKind::Identity)?;
    let bare = matches!(request.principal, Principal::FederatedUser { .. }) && policies.session.is_none();
    if !found.boundary || !found.session {
        return Err(limit(found));
    }
    if bare { Err(PolicyKind::Session) } else { Ok(statement) }
}

/// Which of the two limits does not allow.
fn limit(found: &Found) -> PolicyKind {
    if found.boundary { PolicyKind::Session } else { PolicyKind::Boundary }
}

pub(crate) fn is_assume_role(action: &str) -> bool {
    let prefix = b"sts:assumerole";
    // The colon is tested first, since it is rare.
    let action = action.as_bytes();
    action.get(3) == Some(&b':') && action.get(..prefix.len()).is_some_and(|head| head.eq_ignore_ascii_case(prefix))
}

fn allowed(step: Step, statement: Option<StatementRef>) -> Decision {
    Decision { outcome: Outcome::Allowed, step, statement, lacking: None }
}

fn denied(statement: StatementRef) -> Decision {
    Decision { outcome: Outcome::ExplicitDeny, step: Step::ExplicitDeny, statement: Some(statement), lacking: None }
}

fn lacking(step: Step, kind: PolicyKind) -> Decision {
    Decision { outcome: Outcome::ImplicitDeny, step, statement: None, lacking: Some(kind) }
}
