//! The principal that a decision is about.

use std::borrow::Cow;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, LazyLock};

use bailiwick_evaluator::Policy;
use bailiwick_model::{AccountId, Arn, Partition, UniqueId};
use bailiwick_policy_lang::{PolicyKind, parse};
use jiff::Timestamp;
use smallvec::SmallVec;

use crate::{Caller, Entity, FederatedPrincipal, Principal, Session, SessionKind, SessionPolicyRef, View};

mod resolved;

pub use resolved::ResolvedSubject;
use resolved::{SessionPolicies, SubjectPolicies};

/// The principal that a decision is about, with what decisions need of it computed once.
///
/// A subject outlives views. Before each decision it is [resolved](Self::resolve) on a view, which finds the policies, tags
/// and names that the principal has then. Resolve a subject on the views of one [`ViewBuilder`](crate::ViewBuilder) only.
#[derive(Debug)]
pub struct Subject {
    pub(crate) kind: SubjectKind,
    pub(crate) account: Option<AccountId>,
    /// The unique id of the user or role.
    pub(crate) id: Option<UniqueId>,
    /// The user or role that the names were made from. While the view has this very one, the names are current.
    pub(crate) entity: Option<Arc<Entity>>,
    /// The version of the view on which `entity` was last found.
    checked_at: AtomicU64,
    pub(crate) names: Names,
    pub(crate) session: Option<Arc<Session>>,
    /// The inline session policies, compiled; none if the session was issued without session policies.
    session_policies: Option<Arc<[Policy]>>,
    /// The scope-down policies of the session, compiled.
    pub(crate) scopes: Arc<[Policy]>,
    pub(crate) mfa: Option<Timestamp>,
}

/// The kind of principal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SubjectKind {
    /// The root user of an account.
    Root,
    /// A user.
    User,
    /// A session of a role.
    RoleSession,
    /// A federated user: a session of GetFederationToken.
    FederatedUser,
    /// A service, such as `logs.amazonaws.com`.
    Service,
    /// A principal of an identity provider, as the caller of AssumeRoleWithSAML.
    IdentityProvider,
    /// A caller without credentials.
    Anonymous,
    /// In a simulation without a caller: a user of whom only the account is known. The context has no key of it.
    UnknownUser,
}

/// The identity policies of a federated user that root issued.
static POLICIES_OF_ROOT: LazyLock<Vec<Policy>> = LazyLock::new(|| {
    let text = r#"{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}"#;
    let compile = |document| Policy::compile_named(&document, PolicyKind::Identity, Some("root user"));
    parse(text, PolicyKind::Identity).into_iter().map(compile).collect()
});

/// The value of [`Subject::checked_at`] before the first check: no view has this version.
const NEVER: u64 = u64::MAX;

/// A principal's names. Those of a user or role change when it is renamed or moved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Names {
    /// The principal's own ARN; the session's for a session, the name for a service.
    pub(crate) arn: Box<str>,
    /// `aws:PrincipalArn`; the role's for a session of one.
    pub(crate) identity_arn: Box<str>,
    /// `aws:userid`; empty if there is none.
    pub(crate) user_id: Box<str>,
    /// `aws:PrincipalAccount`; empty if there is none.
    pub(crate) account: Box<str>,
    /// `aws:username`, which only users have.
    pub(crate) user_name: Option<Box<str>>,
    /// The ARN of the user that a federated user was issued by.
    pub(crate) issuer_arn: Option<Box<str>>,
    path: Box<str>,
}

impl Names {
    fn of_principal(principal: &Principal, partition: Partition) -> Self {
        let (user_name, path) = match principal {
            Principal::User { name, path, .. } => (Some(name.as_str().into()), path.as_str()),
            Principal::RoleSession { path, .. } => (None, path.as_str()),
            Principal::FederatedUser { issuer: Some(issuer), .. } => (None, issuer.path.as_str()),
            Principal::Root { .. } | Principal::FederatedUser { issuer: None, .. } => (None, ""),
        };
        let issuer_arn = match principal {
            Principal::FederatedUser { account, issuer: Some(issuer), .. } => {
                let arn = Arn::iam(partition, *account, format_args!("user{}{}", issuer.path, issuer.name));
                Some(arn.as_str().into())
            }
            _ => None,
        };
        Names {
            arn: principal.arn(partition).as_str().into(),
            identity_arn: principal.identity_arn(partition).as_str().into(),
            user_id: principal.user_id().into(),
            account: principal.account().to_string().into(),
            user_name,
            issuer_arn,
            path: path.into(),
        }
    }

    /// The name of the user or role whose policies apply, as its ARN has it.
    fn entity_name(&self) -> &str {
        let arn = self.issuer_arn.as_ref().unwrap_or(&self.identity_arn);
        arn.rsplit('/').next().unwrap_or_default()
    }
}

impl Subject {
    /// Returns the subject of a proven caller.
    ///
    /// `compile` compiles the text of an inline session policy; [`compile_session_policy`](crate::compile_session_policy)
    /// does, and a cache can stand before it. A policy for which it returns `None` denies everything.
    pub fn of_caller(caller: &Caller, view: &View, mut compile: impl FnMut(&str) -> Option<Policy>) -> Self {
        let kind = match &caller.principal {
            Principal::Root { .. } => SubjectKind::Root,
            Principal::User { .. } => SubjectKind::User,
            Principal::RoleSession { .. } => SubjectKind::RoleSession,
            Principal::FederatedUser { .. } => SubjectKind::FederatedUser,
        };
        let id = caller.principal.identity().copied();
        let session = caller.session.as_deref();
        // A session of AssumeRoot has a task policy. Without one it is allowed nothing.
        let session = session.filter(|session| session.is_scoped() || session.kind == SessionKind::AssumeRoot);
        let session_policies = session.map(|session| {
            // A policy was valid when the session was issued. If it is invalid now, what it denied is unknown.
            session.policies.iter().map(|text| compile(text).unwrap_or_else(|| view.deny_all().clone())).collect()
        });
        // Like those: what an invalid one denied is unknown.
        let scopes = caller.session.iter().flat_map(|session| &session.scopes);
        let mut scopes: Vec<_> = scopes.map(|text| compile(text).unwrap_or_else(|| view.deny_all().clone())).collect();
        // A delegated session has the policy of its request. Without one it is allowed nothing.
        let is_delegated = caller.session.as_deref().is_some_and(|session| session.kind == SessionKind::Delegated);
        if is_delegated && scopes.is_empty() {
            scopes.push(view.deny_all().clone());
        }
        Subject {
            kind,
            account: Some(caller.account()),
            id,
            entity: id.and_then(|id| view.entity_arc(&id).cloned()),
            checked_at: AtomicU64::new(NEVER),
            names: Names::of_principal(&caller.principal, view.partition()),
            session: caller.session.clone(),
            session_policies,
            scopes: scopes.into(),
            mfa: caller.mfa,
        }
    }

    /// Returns the subject of a user or root user with long-term credentials. The session of a role needs
    /// [`Self::of_caller`]: without its session policies, this would be the role.
    ///
    /// Returns `None` for a role session and for a federated user.
    pub fn of_principal(principal: &Principal, partition: Partition) -> Option<Self> {
        let (kind, id) = match principal {
            Principal::Root { .. } => (SubjectKind::Root, None),
            Principal::User { id, .. } => (SubjectKind::User, Some(*id)),
            Principal::RoleSession { .. } | Principal::FederatedUser { .. } => return None,
        };
        let names = Names::of_principal(principal, partition);
        Some(Subject { account: Some(principal.account()), id, ..Self::new(kind, names) })
    }

    /// Returns the subject of a service, such as `logs.amazonaws.com`.
    pub fn service(name: &str) -> Self {
        Self::without_account(SubjectKind::Service, name, name, "")
    }

    /// Returns the subject of a caller without credentials.
    pub fn anonymous() -> Self {
        Self::without_account(SubjectKind::Anonymous, "*", "anonymous", "anonymous")
    }

    /// Returns the subject of a principal of an identity provider. Policies allow it something by naming the provider. It has
    /// no policies of its own.
    pub fn of_federated(principal: &FederatedPrincipal) -> Self {
        Self::without_account(SubjectKind::IdentityProvider, &principal.provider, &principal.id, "")
    }

    /// Returns a simulated user or role: one that the view has, without a session.
    pub fn simulated(entity: &Arc<Entity>, partition: Partition) -> Self {
        let arn = entity.arn(partition);
        let (kind, user_id, user_name) = if entity.is_role() {
            (SubjectKind::RoleSession, "", None)
        } else {
            (SubjectKind::User, entity.id.as_str(), Some(entity.name.clone()))
        };
        let names = Names { user_id: user_id.into(), user_name, ..Names::simulated(&arn, entity.account) };
        Subject {
            account: Some(entity.account),
            id: Some(entity.id),
            entity: Some(Arc::clone(entity)),
            ..Self::new(kind, names)
        }
    }

    /// Returns a simulated user who need not exist, with the name that the ARN ends in. The user has neither tags nor a
    /// unique id.
    pub fn simulated_user(arn: &Arn, account: AccountId) -> Self {
        let names = Names::simulated(arn, account);
        let names = Names { user_name: Some(names.entity_name().into()), ..names };
        Subject { account: Some(account), ..Self::new(SubjectKind::User, names) }
    }

    /// Returns a simulated user of whom only the account is known.
    pub fn unknown_user(account: AccountId) -> Self {
        let subject = Self::without_account(SubjectKind::UnknownUser, "", "", "");
        Subject { account: Some(account), ..subject }
    }

    fn new(kind: SubjectKind, names: Names) -> Self {
        Subject {
            kind,
            account: None,
            id: None,
            entity: None,
            checked_at: AtomicU64::new(NEVER),
            names,
            session: None,
            session_policies: None,
            scopes: Arc::default(),
            mfa: None,
        }
    }

    fn without_account(kind: SubjectKind, name: &str, user_id: &str, account: &str) -> Self {
        let names = Names {
            arn: name.into(),
            identity_arn: name.into(),
            user_id: user_id.into(),
            account: account.into(),
            user_name: None,
            issuer_arn: None,
            path: "".into(),
        };
        Self::new(kind, names)
    }

    /// The kind of principal.
    pub fn kind(&self) -> SubjectKind {
        self.kind
    }

    /// The account that the principal is in; none for a service and for an anonymous caller.
    pub fn account(&self) -> Option<AccountId> {
        self.account
    }

    /// The unique id of the user or role.
    pub fn id(&self) -> Option<UniqueId> {
        self.id
    }

    /// When the principal last authenticated with a second factor, if its credentials say so.
    pub fn mfa(&self) -> Option<Timestamp> {
        self.mfa
    }

    /// The session of temporary credentials.
    pub fn session(&self) -> Option<&Session> {
        self.session.as_deref()
    }

    /// Finds the policies, tags and names that the principal has in a view. Returns `None` if the view does not have the
    /// user or role.
    ///
    /// It does not check whether the caller's credentials are still valid.
    pub fn resolve<'s>(&'s self, view: &'s View) -> Option<ResolvedSubject<'s>> {
        let mut resolved = ResolvedSubject {
            subject: self,
            view,
            entity: None,
            names: Cow::Borrowed(&self.names),
            policies: SubjectPolicies::None,
            session: self.session_policies(view),
        };
        let Some(id) = &self.id else {
            if self.kind == SubjectKind::FederatedUser {
                // The issuer is root, which may do everything; session policies alone limit the session.
                resolved.policies = SubjectPolicies::Given { identity: [POLICIES_OF_ROOT.as_slice()], boundary: None };
            }
            return Some(resolved);
        };
        let entity = match &self.entity {
            Some(entity) if self.checked_at.load(Relaxed) == view.version() => entity,
            known => {
                let current = view.entity_arc(id)?;
                if known.as_ref().is_some_and(|known| Arc::ptr_eq(known, current)) {
                    self.checked_at.store(view.version(), Relaxed);
                } else if *current.name != *self.names.entity_name() || current.path().as_str() != &*self.names.path {
                    resolved.names = Cow::Owned(self.current_names(current, view.partition()));
                }
                current
            }
        };
        // A principal without an entry in the map of policies would be without a boundary too.
        resolved.policies = SubjectPolicies::Effective(view.effective_policies(id)?);
        resolved.entity = Some(entity);
        Some(resolved)
    }

    /// Returns the subject of a simulation with given policies in place of those of the view.
    pub fn resolve_with<'s>(
        &'s self,
        view: &'s View,
        identity: &'s [Policy],
        boundary: Option<&'s Policy>,
    ) -> ResolvedSubject<'s> {
        ResolvedSubject {
            subject: self,
            view,
            entity: self.entity.as_deref(),
            names: Cow::Borrowed(&self.names),
            policies: SubjectPolicies::Given { identity: [identity], boundary },
            session: self.session_policies(view),
        }
    }

    /// The names of a user or role that was renamed or moved. A session keeps its own ARN, which has the role's old name.
    fn current_names(&self, entity: &Entity, partition: Partition) -> Names {
        let arn: Box<str> = entity.arn(partition).as_str().into();
        let mut names = self.names.clone();
        names.path = entity.path().as_str().into();
        match self.kind {
            SubjectKind::FederatedUser => names.issuer_arn = Some(arn),
            SubjectKind::User => {
                names.user_name = Some(entity.name.clone());
                names.arn.clone_from(&arn);
                names.identity_arn = arn;
            }
            _ => names.identity_arn = arn,
        }
        names
    }

    fn session_policies<'s>(&'s self, view: &'s View) -> Option<SessionPolicies<'s>> {
        let inline = self.session_policies.as_deref()?;
        let mut policies = SmallVec::new();
        policies.push(inline);
        for managed in self.session.iter().flat_map(|session| &session.managed_policies) {
            policies.push(managed_session_policy(view, managed));
        }
        Some(policies)
    }
}

impl Names {
    fn simulated(arn: &Arn, account: AccountId) -> Self {
        Names {
            arn: arn.as_str().into(),
            identity_arn: arn.as_str().into(),
            user_id: "".into(),
            account: account.to_string().into(),
            user_name: None,
            issuer_arn: None,
            path: "".into(),
        }
    }
}

/// A managed session policy, found by its id. If it no longer exists, everything is denied: what it denied is not known,
/// and a policy created later under its ARN is a different one.
fn managed_session_policy<'s>(view: &'s View, managed: &SessionPolicyRef) -> &'s [Policy] {
    let found = view.managed_policy_by_ref(managed.policy);
    std::slice::from_ref(found.map_or(view.deny_all(), |found| &found.policy))
}

/// Compiles an inline session policy; `None` if the text is not a valid one.
pub fn compile_session_policy(text: &str) -> Option<Policy> {
    let document = parse(text, PolicyKind::Session).ok()?;
    Some(Policy::compile_named(&document, PolicyKind::Session, None))
}
