//! Questions of `authz.v1`: how a request becomes what the evaluator decides.

use bailiwick_decision::{
    DecisionInput, ObservedKeys, ResolvedSubject, ResourcePolicy, StoredResource, Trust, assumed_role,
};
use bailiwick_evaluator::{ContextSource, Decision, Policies, Policy, Request};
use bailiwick_model::{AccountId, Result};
use bailiwick_operation::Cx;
use bailiwick_policy_lang::PolicyKind;
use smallvec::SmallVec;

use super::caller::QuestionSubject;
use super::disclosure::{Disclosure, is_foreign_account};
use super::given_keys::GivenKeys;
use super::question_keys::QuestionKeys;
use super::target::{owner, service_prefix};
use crate::compiled::compiled;
use crate::{Authz, invalid_member};

/// A question, parsed: may a subject do this action on this resource?
pub(crate) struct Question<'a> {
    pub(crate) action: &'a str,
    pub(crate) resource: &'a str,
    account: Option<AccountId>,
    policy: Option<Policy>,
    /// The text of that policy.
    pub(crate) policy_text: Option<&'a str>,
    /// Whether roles of foreign accounts look as if they did not exist: see [`QuestionSubject::is_claimed`].
    hides_foreign_roles: bool,
}

/// Whether the stored tags of the resource take part in a decision.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum StoredTags {
    Shown,
    Hidden,
}

impl<'a> Question<'a> {
    /// Parses a question.
    ///
    /// # Errors
    /// `ValidationError` for an invalid action or resource, and for a resource whose account is unknown or contradictory;
    /// `MalformedPolicyDocument`.
    pub(crate) fn parse(
        authz: &Authz,
        action: &'a str,
        resource: &'a str,
        resource_account: Option<&str>,
        resource_policy: Option<&'a str>,
    ) -> Result<Self> {
        service_prefix(action)?;
        let account = owner(resource, resource_account)?;
        let policy = resource_policy.map(|text| compiled(&authz.resource_policies, PolicyKind::Resource, text));
        let policy = policy.transpose()?;
        Ok(Question { action, resource, account, policy, policy_text: resource_policy, hides_foreign_roles: false })
    }

    /// Sets what the way in which the subject is named hides from the asking service.
    pub(crate) fn asked_about(self, subject: &QuestionSubject) -> Self {
        Question { hides_foreign_roles: subject.is_claimed, ..self }
    }

    /// Calls `then` with the request, the policies, and which of the policies a response may show.
    ///
    /// If the question has the policy of another account's resource, what is stored of the resource takes no part: with
    /// conditions of its own choice, the asking service would learn the stored tags.
    ///
    /// # Errors
    /// `ValidationError` for tags of a resource whose tags are stored, and for a policy of another account's IAM
    /// resource; those of `then`.
    pub(crate) fn with<T>(
        &self,
        cx: &Cx,
        subject: &ResolvedSubject<'_>,
        context: &[&GivenKeys<'_>],
        tags: StoredTags,
        then: impl FnOnce(&Request<'_>, &Policies<'_>, Disclosure) -> Result<T>,
    ) -> Result<T> {
        self.with_observed(cx, subject, context, tags, None, then)
    }

    /// As [`Self::with`]. Records the context keys that the evaluator looks at.
    ///
    /// # Errors
    /// As [`Self::with`].
    pub(crate) fn with_observed<T>(
        &self,
        cx: &Cx,
        subject: &ResolvedSubject<'_>,
        context: &[&GivenKeys<'_>],
        tags: StoredTags,
        observed: Option<&ObservedKeys>,
        then: impl FnOnce(&Request<'_>, &Policies<'_>, Disclosure) -> Result<T>,
    ) -> Result<T> {
        let account = self.account(subject);
        let is_foreign = is_foreign_account(cx, account);
        let mut stored = StoredResource::find(subject.view(), account, self.resource);
        if is_foreign && self.policy.is_some() {
            if matches!(stored, StoredResource::Builtin(_)) {
                // The ARN alone determines this error.
                return Err(invalid_member(
                    "resourcePolicy",
                    "`resource_policy` cannot be given for IAM's resources of another account",
                ));
            }
            stored = StoredResource::Unknown;
        }
        // An error would reveal to another account that something is stored, so the given tags are ignored instead.
        let ignores_given_tags = is_foreign && matches!(stored, StoredResource::OfService(_));
        if stored.has_tags() && !ignores_given_tags {
            context.iter().try_for_each(|keys| keys.refuse_resource_tags())?;
        }
        let keys: SmallVec<[QuestionKeys<'_, '_>; 2]> =
            context.iter().map(|keys| QuestionKeys { keys, hides_tags: ignores_given_tags }).collect();
        let keys: SmallVec<[&dyn ContextSource; 2]> = keys.iter().map(|keys| keys as &dyn ContextSource).collect();
        let input = DecisionInput {
            resource_account: account,
            now: Some(cx.now()),
            stored: Some(&stored).filter(|_| tags == StoredTags::Shown),
            keys: &keys,
            observed,
            resource_policy: ResourcePolicy::from(self.policy.as_ref().or_else(|| stored.policy())),
            trust: self.trust(cx, subject),
            ..DecisionInput::new(subject, self.action, self.resource)
        };
        input.with(|request, policies| {
            let principal = subject.subject().account();
            let disclosure = Disclosure::of(cx, principal, account, self.policy.is_some(), policies);
            then(request, policies, disclosure)
        })
    }

    /// Returns whether a denial may reveal stored tags of another account's resource to the asking service. Policies of
    /// the principal, which may be the asking service's own, can have conditions on tags.
    pub(crate) fn may_reveal_tags(&self, cx: &Cx, subject: &ResolvedSubject<'_>, decision: &Decision) -> bool {
        let account = self.account(subject);
        let is_own = decision.statement.is_some_and(|at| matches!(at.kind, PolicyKind::Resource | PolicyKind::Trust));
        !decision.is_allowed()
            && !is_own
            && is_foreign_account(cx, account)
            && subject.subject().account().is_some_and(|principal| Some(principal) != account)
    }

    /// Whether the tags of the resource are stored, so that they do not depend on the request.
    pub(crate) fn has_stored_tags(&self, subject: &ResolvedSubject<'_>) -> bool {
        StoredResource::find(subject.view(), self.account(subject), self.resource).has_tags()
    }

    /// Whether the question has the policy of the resource.
    pub(crate) fn has_given_policy(&self) -> bool {
        self.policy.is_some()
    }

    /// The account that owns the resource. An action without a resource happens in the principal's account.
    pub(crate) fn account(&self, subject: &ResolvedSubject<'_>) -> Option<AccountId> {
        self.account.or(if self.resource == "*" { subject.subject().account() } else { None })
    }

    /// The trust policy that takes part in a question about assuming a role.
    fn trust<'s>(&self, cx: &Cx, subject: &ResolvedSubject<'s>) -> Trust<'s> {
        if self.hides_foreign_roles {
            let role = assumed_role(self.action, self.resource);
            if role.is_some_and(|role| is_foreign_account(cx, role.account_id())) {
                return Trust::AbsentRole;
            }
        }
        Trust::for_action(subject.view(), self.action, self.resource)
    }
}
