//! A subject on one view.

use std::borrow::Cow;

use bailiwick_evaluator::{self as evaluator, CallerAccount, Policies, Policy};
use bailiwick_model::{AccountId, Tags, UniqueId};
use smallvec::SmallVec;

use super::{Names, Subject, SubjectKind};
use crate::{EffectivePolicies, Entity, Holder, View};

/// A subject on one view, borrowed from it: resolved once, decided about any number of times.
pub struct ResolvedSubject<'s> {
    pub(crate) subject: &'s Subject,
    pub(crate) view: &'s View,
    pub(crate) entity: Option<&'s Entity>,
    pub(crate) names: Cow<'s, Names>,
    pub(super) policies: SubjectPolicies<'s>,
    pub(super) session: Option<SessionPolicies<'s>>,
}

/// The session policies of a session: the inline ones, then each managed one.
pub(super) type SessionPolicies<'s> = SmallVec<[&'s [Policy]; 4]>;

/// The identity policies and the boundary of a subject.
pub(super) enum SubjectPolicies<'s> {
    None,
    /// Those of a user or role in the view.
    Effective(EffectivePolicies<'s>),
    /// Those of a simulation.
    Given {
        identity: [&'s [Policy]; 1],
        boundary: Option<&'s Policy>,
    },
}

impl<'s> ResolvedSubject<'s> {
    /// The subject.
    pub fn subject(&self) -> &'s Subject {
        self.subject
    }

    /// The view that it is resolved on.
    pub fn view(&self) -> &'s View {
        self.view
    }

    /// The user or role, if the subject is one or a session of one.
    pub fn entity(&self) -> Option<&'s Entity> {
        self.entity
    }

    /// The principal's own ARN; the session's for a session, the name for a service.
    pub fn arn(&self) -> &str {
        &self.names.arn
    }

    /// The ARN of the user or role, which `aws:PrincipalArn` has; the role's for a session.
    pub fn identity_arn(&self) -> &str {
        &self.names.identity_arn
    }

    /// The user id, which `aws:userid` has.
    pub fn user_id(&self) -> &str {
        &self.names.user_id
    }

    /// The name of a user.
    pub fn user_name(&self) -> Option<&str> {
        self.names.user_name.as_deref()
    }

    /// The tags, those of the session before those of the user or role. If a key is in both, the session's value applies.
    pub fn tags(&self) -> impl Iterator<Item = &bailiwick_model::Tag> {
        let session = self.subject.session.as_ref().map(|session| &session.tags);
        let own = self.entity.map(Entity::tags);
        session.into_iter().chain(own).flat_map(Tags::iter)
    }

    /// Returns how the user or role holds the identity policy at this position; `None` if it has none.
    pub fn holder(&self, position: usize) -> Option<Holder<'s>> {
        match &self.policies {
            SubjectPolicies::Effective(policies) => Some(policies.holder(self.view, position)),
            SubjectPolicies::None | SubjectPolicies::Given { .. } => None,
        }
    }

    /// The principal as the evaluator takes it.
    pub(crate) fn principal(&self) -> evaluator::Principal<'_> {
        let account = CallerAccount {
            id: self.subject.account.unwrap_or(AccountId::NONE),
            is_management: self.subject.account == Some(self.view.management_account()),
        };
        let names = &*self.names;
        let unique_id = self.subject.id.as_ref().map(UniqueId::as_str);
        let entity = evaluator::Entity { arn: &names.identity_arn, unique_id };
        match self.subject.kind {
            SubjectKind::Root => evaluator::Principal::Root { account, arn: &names.arn },
            SubjectKind::User | SubjectKind::UnknownUser => evaluator::Principal::User { account, user: entity },
            SubjectKind::RoleSession => {
                let role = self.entity.and_then(|entity| entity.role());
                evaluator::Principal::RoleSession {
                    account,
                    arn: &names.arn,
                    role: entity,
                    provider: self.subject.session.as_ref().and_then(|session| session.provider.as_deref()),
                    service_linked: role.is_some_and(|role| role.linked_service.is_some()),
                }
            }
            SubjectKind::FederatedUser => {
                let user = names.issuer_arn.as_deref().map(|arn| evaluator::Entity { arn, unique_id });
                evaluator::Principal::FederatedUser { account, arn: &names.arn, user }
            }
            SubjectKind::Service => evaluator::Principal::Service { name: &names.arn },
            SubjectKind::IdentityProvider => evaluator::Principal::IdentityProvider { name: &names.arn },
            SubjectKind::Anonymous => evaluator::Principal::Anonymous,
        }
    }

    /// The policies on the principal's side.
    pub(crate) fn policies(&self) -> Policies<'_> {
        let policies = match &self.policies {
            SubjectPolicies::None => Policies::default(),
            SubjectPolicies::Effective(policies) => policies.policies(),
            SubjectPolicies::Given { identity, boundary } => {
                Policies { identity, boundary: *boundary, ..Policies::default() }
            }
        };
        Policies { session: self.session.as_deref(), scopes: &self.subject.scopes, ..policies }
    }
}
