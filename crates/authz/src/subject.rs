//! Somebody, as policies see him: with what decisions need worked out once.

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use bailiwick_evaluator::{self as evaluator, CallerAccount, Policy};
use bailiwick_model::{AccountId, ErrorCode, IamError, Partition, Result, Tags, UniqueId};
use bailiwick_operation::{Caller, Principal, Session, SessionPolicyRef};
use bailiwick_snapshot::{EffectivePolicies, Entity, Snapshot};
use jiff::Timestamp;
use smallvec::SmallVec;

/// Who is decided about, apart from any revision.
#[derive(Debug)]
pub(crate) struct Subject {
    pub(crate) kind: Kind,
    pub(crate) account: Option<AccountId>,
    /// The unique id of the user or role.
    pub(crate) entity: Option<UniqueId>,
    /// The user or role that the names were made of: the same one has the same.
    named_after: Option<Arc<Entity>>,
    /// The revision at which that one was last seen to be the one that there is.
    seen_at: AtomicU64,
    names: Names,
    pub(crate) session: Option<Arc<Session>>,
    /// The inline session policies, compiled; none if the session was made without any policy.
    session_policies: Option<Arc<[Policy]>>,
    pub(crate) mfa: Option<Timestamp>,
    /// Whether the asking service merely names a service that it is not registered to act as, or nobody. See
    /// `question::trust`.
    pub(crate) is_claimed: bool,
}

/// What sort of principal it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Root,
    User,
    RoleSession,
    Service,
    Anonymous,
}

/// A principal's names; those of a user or role change when it is renamed or moved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Names {
    /// The principal's own ARN: of a session, the session's. Of a service its name.
    pub(crate) arn: Box<str>,
    /// `aws:PrincipalArn`: of a session, the role's.
    pub(crate) identity_arn: Box<str>,
    /// `aws:userid`.
    pub(crate) user_id: Box<str>,
    /// `aws:PrincipalAccount`.
    pub(crate) account: Box<str>,
    /// `aws:username`, of users.
    pub(crate) user_name: Option<Box<str>>,
    path: Box<str>,
}

impl Names {
    fn of(principal: &Principal, partition: Partition) -> Self {
        let (user_name, path) = match principal {
            Principal::User { name, path, .. } => (Some(name.as_str().into()), path.as_str()),
            Principal::RoleSession { path, .. } => (None, path.as_str()),
            Principal::Root { .. } => (None, ""),
        };
        Names {
            arn: principal.arn(partition).as_str().into(),
            identity_arn: principal.identity_arn(partition).as_str().into(),
            user_id: principal.user_id().into(),
            account: principal.account().to_string().into(),
            user_name,
            path: path.into(),
        }
    }
}

impl Subject {
    /// A proven caller. `session_policies` are the session's inline policies, compiled.
    pub(crate) fn of_caller(
        caller: &Caller,
        entity: Option<Arc<Entity>>,
        session_policies: Option<Arc<[Policy]>>,
        partition: Partition,
    ) -> Self {
        let (kind, id) = match &caller.principal {
            Principal::Root { .. } => (Kind::Root, None),
            Principal::User { id, .. } => (Kind::User, Some(*id)),
            Principal::RoleSession { id, .. } => (Kind::RoleSession, Some(*id)),
        };
        Subject {
            kind,
            account: Some(caller.account()),
            entity: id,
            named_after: entity,
            seen_at: AtomicU64::new(0),
            names: Names::of(&caller.principal, partition),
            session: caller.session.clone(),
            session_policies,
            mfa: caller.mfa,
            is_claimed: false,
        }
    }

    /// Root or a user, named and not proven: what long-term credentials of his would be allowed.
    pub(crate) fn unproven(principal: &Principal, partition: Partition) -> Self {
        let (kind, entity) = match principal {
            Principal::User { id, .. } => (Kind::User, Some(*id)),
            _ => (Kind::Root, None),
        };
        let account = Some(principal.account());
        Subject { account, entity, ..Self::bare(kind, Names::of(principal, partition)) }
    }

    fn bare(kind: Kind, names: Names) -> Self {
        Subject {
            kind,
            account: None,
            entity: None,
            named_after: None,
            seen_at: AtomicU64::new(0),
            names,
            session: None,
            session_policies: None,
            mfa: None,
            is_claimed: false,
        }
    }

    /// A service, such as `logs.amazonaws.com`.
    pub(crate) fn service(name: &str) -> Self {
        Self::without_account(Kind::Service, name, name)
    }

    /// A service that the asker names without being registered to act as it.
    pub(crate) fn claimed_service(name: &str) -> Self {
        Subject { is_claimed: true, ..Self::service(name) }
    }

    /// Nobody that is known.
    pub(crate) fn anonymous() -> Self {
        Subject { is_claimed: true, ..Self::without_account(Kind::Anonymous, "*", "anonymous") }
    }

    fn without_account(kind: Kind, name: &str, user_id: &str) -> Self {
        let names = Names {
            arn: name.into(),
            identity_arn: name.into(),
            user_id: user_id.into(),
            account: if kind == Kind::Anonymous { "anonymous".into() } else { "".into() },
            user_name: None,
            path: "".into(),
        };
        Self::bare(kind, names)
    }

    /// The subject as a snapshot has it: what he holds, his tags, his names now.
    ///
    /// # Errors
    /// `InvalidClientTokenId` when the user or role is not there any more.
    pub(crate) fn on<'s>(&'s self, snapshot: &'s Snapshot) -> Result<ResolvedSubject<'s>> {
        let mut resolved = ResolvedSubject {
            subject: self,
            snapshot,
            entity: None,
            names: Cow::Borrowed(&self.names),
            effective_policies: None,
            session: self.session_slices(snapshot),
        };
        let Some(id) = &self.entity else { return Ok(resolved) };
        let entity = match &self.named_after {
            Some(then) if self.seen_at.load(Relaxed) == snapshot.revision().number() => then,
            then => {
                let now = snapshot.entity_arc(id).ok_or_else(gone)?;
                if then.as_ref().is_some_and(|then| Arc::ptr_eq(then, now)) {
                    self.seen_at.store(snapshot.revision().number(), Relaxed);
                } else if *now.name != *self.entity_name() || now.path().as_str() != &*self.names.path {
                    resolved.names = Cow::Owned(self.names_now(now, snapshot.partition()));
                }
                now
            }
        };
        // Somebody without a seat would be without a boundary too.
        resolved.effective_policies = Some(snapshot.effective_policies(id).ok_or_else(gone)?);
        resolved.entity = Some(entity);
        Ok(resolved)
    }

    fn entity_name(&self) -> &str {
        self.names.identity_arn.rsplit('/').next().unwrap_or_default()
    }

    /// The names of somebody who was renamed or moved. A session keeps its own ARN, which holds the role's old name.
    fn names_now(&self, entity: &Entity, partition: Partition) -> Names {
        let arn: Box<str> = entity.arn(partition).as_str().into();
        let mut names = self.names.clone();
        names.path = entity.path().as_str().into();
        if self.kind == Kind::User {
            names.user_name = Some(entity.name.clone());
            names.arn.clone_from(&arn);
        }
        names.identity_arn = arn;
        names
    }

    fn session_slices<'s>(&'s self, snapshot: &'s Snapshot) -> Option<SessionSlices<'s>> {
        let inline = self.session_policies.as_deref()?;
        let mut slices = SmallVec::new();
        slices.push(inline);
        for managed in self.session.iter().flat_map(|session| &session.managed_policies) {
            slices.push(session_policy(snapshot, managed));
        }
        Some(slices)
    }
}

/// A managed session policy, as the policy with its id is now. In the place of one that is gone everything is denied: what
/// it denied is not known any more, and a policy made later under its ARN is another one.
fn session_policy<'s>(snapshot: &'s Snapshot, managed: &SessionPolicyRef) -> &'s [Policy] {
    let found = snapshot.managed_policy_by_ref(managed.policy);
    std::slice::from_ref(found.map_or(snapshot.deny_all(), |found| &found.policy))
}

fn gone() -> IamError {
    IamError::new(ErrorCode::InvalidClientTokenId, crate::INVALID_TOKEN)
}

type SessionSlices<'s> = SmallVec<[&'s [Policy]; 4]>;

/// A subject at one revision, borrowed from its snapshot: made once, decided about any number of times.
pub(crate) struct ResolvedSubject<'s> {
    pub(crate) subject: &'s Subject,
    pub(crate) snapshot: &'s Snapshot,
    pub(crate) entity: Option<&'s Entity>,
    pub(crate) names: Cow<'s, Names>,
    effective_policies: Option<EffectivePolicies<'s>>,
    session: Option<SessionSlices<'s>>,
}

impl<'s> ResolvedSubject<'s> {
    /// The subject as the evaluator wants it.
    pub(crate) fn principal(&self) -> evaluator::Principal<'_> {
        let management = self.snapshot.management_account();
        let account = CallerAccount {
            id: self.subject.account.unwrap_or(AccountId::NONE),
            is_management: self.subject.account == Some(management),
        };
        let names = &*self.names;
        let unique_id = self.subject.entity.as_ref().map(UniqueId::as_str);
        let entity = evaluator::Entity { arn: &names.identity_arn, unique_id };
        match self.subject.kind {
            Kind::Root => evaluator::Principal::Root { account, arn: &names.arn },
            Kind::User => evaluator::Principal::User { account, user: entity },
            Kind::RoleSession => evaluator::Principal::RoleSession {
                account,
                arn: &names.arn,
                role: entity,
                provider: None,
                service_linked: self
                    .entity
                    .and_then(|entity| entity.role.as_ref())
                    .is_some_and(|role| role.linked_service.is_some()),
            },
            Kind::Service => evaluator::Principal::Service { name: &names.arn },
            Kind::Anonymous => evaluator::Principal::Anonymous,
        }
    }

    /// The policies on the subject's side.
    pub(crate) fn policies(&self) -> evaluator::Policies<'_> {
        evaluator::Policies {
            identity: self.effective_policies.as_ref().map_or(&[], |effective_policies| effective_policies.identity()),
            boundary: self.effective_policies.as_ref().and_then(EffectivePolicies::boundary),
            session: self.session.as_deref(),
            ..evaluator::Policies::default()
        }
    }

    /// What the user or role holds.
    pub(crate) fn effective_policies(&self) -> Option<&EffectivePolicies<'s>> {
        self.effective_policies.as_ref()
    }

    /// The value of a principal tag, found without case: the session's tags before the role's.
    pub(crate) fn tag(&self, is: impl Fn(&str) -> bool) -> Option<&str> {
        let session = self.subject.session.as_ref().map(|session| &session.tags);
        let own = self.entity.map(|entity| &entity.tags);
        let mut tags = session.into_iter().chain(own).flat_map(Tags::iter);
        tags.find(|tag| is(&tag.key)).map(|tag| tag.value.as_str())
    }
}
