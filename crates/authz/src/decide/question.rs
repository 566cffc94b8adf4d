//! Questions of `authz.v1`: how a request becomes what the evaluator decides.

use bailiwick_decision::{DecisionInput, ResolvedSubject, ResourcePolicy, StoredResource, Trust, assumed_role};
use bailiwick_evaluator::{ContextSource, Policies, Policy, Request};
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
    /// Whether roles of foreign accounts look as if they did not exist: see [`QuestionSubject::is_claimed`].
    hides_foreign_roles: bool,
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
        resource_policy: Option<&str>,
    ) -> Result<Self> {
        service_prefix(action)?;
        let account = owner(resource, resource_account)?;
        let policy = resource_policy.map(|text| compiled(&authz.resource_policies, PolicyKind::Resource, text));
        Ok(Question { action, resource, account, policy: policy.transpose()?, hides_foreign_roles: false })
    }

    /// Sets what the way in which the subject is named hides from the asking service.
    pub(crate) fn asked_about(self, subject: &QuestionSubject) -> Self {
        Question { hides_foreign_roles: subject.is_claimed, ..self }
    }

    /// Calls `then` with the request, the policies, and which of the policies a response may show.
    ///
    /// # Errors
    /// `ValidationError` for tags of a resource whose tags are stored, and for a policy of another account's IAM
    /// resource; those of `then`.
    pub(crate) fn with<T>(
        &self,
        cx: &Cx,
        subject: &ResolvedSubject<'_>,
        context: &[&GivenKeys<'_>],
        then: impl FnOnce(&Request<'_>, &Policies<'_>, Disclosure) -> Result<T>,
    ) -> Result<T> {
        let principal_account = subject.subject().account();
        // An action without a resource happens in the caller's account.
        let account = self.account.or(if self.resource == "*" { principal_account } else { None });
        let stored = StoredResource::find(subject.view(), account, self.resource);
        let is_foreign = is_foreign_account(cx, account);
        if self.policy.is_some() && matches!(stored, StoredResource::Builtin(_)) && is_foreign {
            // With conditions on tags of its own choice, the asking service would learn which users and roles another
            // account has, and their tags. The ARN alone determines this error.
            return Err(invalid_member(
                "resourcePolicy",
                "`resource_policy` cannot be given for IAM's resources of another account",
            ));
        }
        // An error would reveal to another account that something is stored, so the given tags are ignored instead.
        let hides_tags = is_foreign && matches!(stored, StoredResource::OfService(_));
        if stored.has_tags() && !hides_tags {
            context.iter().try_for_each(|keys| keys.refuse_resource_tags())?;
        }
        let keys: SmallVec<[QuestionKeys<'_, '_>; 2]> =
            context.iter().map(|keys| QuestionKeys { keys, hides_tags }).collect();
        let keys: SmallVec<[&dyn ContextSource; 2]> = keys.iter().map(|keys| keys as &dyn ContextSource).collect();
        let input = DecisionInput {
            resource_account: account,
            now: Some(cx.now()),
            stored: Some(&stored),
            keys: &keys,
            resource_policy: ResourcePolicy::from(self.policy.as_ref().or_else(|| stored.policy())),
            trust: self.trust(cx, subject),
            ..DecisionInput::new(subject, self.action, self.resource)
        };
        input.with(|request, policies| {
            let disclosure = Disclosure::of(cx, principal_account, account, self.policy.is_some(), policies);
            then(request, policies, disclosure)
        })
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
