//! From a request of `authz.v1` to a question for the evaluator, and to its answer.

use bailiwick_evaluator::{
    Context, ContextKey, ContextSource, ContextValue, GlobalKey, Policies, Policy, Request, ResourceAccount,
};
use bailiwick_model::{AccountId, Result};
use bailiwick_operation::Cx;
use bailiwick_policy_lang::PolicyKind;
use smallvec::SmallVec;

use super::disclosure::{Disclosure, is_foreign_account};
use super::given_keys::GivenKeys;
use super::stored_resource::{QuestionKeys, StoredResource};
use super::trust::{TRUST_NOBODY, assumed_role, is_decided_by_trust};
use crate::compiled::compiled;
use crate::context::SystemKeys;
use crate::subject::ResolvedSubject;
use crate::{Authz, invalid_member};

/// What is asked, read and checked.
pub(crate) struct Question<'a> {
    pub(crate) action: &'a str,
    pub(crate) resource: &'a str,
    account: Option<AccountId>,
    policy: Option<Policy>,
}

impl<'a> Question<'a> {
    /// Reads what is asked.
    ///
    /// # Errors
    /// `ValidationError` for an action or resource that is none, or whose owner is not known or contradictory;
    /// `MalformedPolicyDocument`.
    pub(crate) fn read(
        authz: &Authz,
        action: &'a str,
        resource: &'a str,
        resource_account: Option<&str>,
        resource_policy: Option<&str>,
    ) -> Result<Self> {
        service_prefix(action)?;
        let account = owner(resource, resource_account)?;
        let policy = resource_policy.map(|text| compiled(&authz.resource_policies, PolicyKind::Resource, text));
        Ok(Question { action, resource, account, policy: policy.transpose()? })
    }

    /// Puts the question about a subject to `then`, as the evaluator wants it, and says which policies the asker may be
    /// told about.
    ///
    /// # Errors
    /// `ValidationError` for tags of a resource whose tags are stored here, and for a policy of another account's IAM
    /// resource; what `then` says.
    pub(crate) fn put<T>(
        &self,
        cx: &Cx,
        resolved: &ResolvedSubject<'_>,
        context: &[&GivenKeys<'_>],
        then: impl FnOnce(&Request<'_>, &Policies<'_>, Disclosure) -> Result<T>,
    ) -> Result<T> {
        let system = SystemKeys { resolved, now: cx.now() };
        // An action that knows no resource happens in the caller's account.
        let account = self.account.or(if self.resource == "*" { resolved.subject.account } else { None });
        let digits = account.map(AccountId::digits);
        let resource = ResourceKeys(digits.as_ref().and_then(|digits| std::str::from_utf8(digits).ok()));
        let stored = StoredResource::of(resolved.snapshot, account, self.resource);
        if self.policy.is_some() && matches!(stored, StoredResource::Builtin(_)) && is_foreign_account(cx, account) {
            // With conditions on tags of its own choice, the asker would learn which users and roles another account has,
            // and their tags. The ARN alone determines this error.
            return Err(invalid_member(
                "resourcePolicy",
                "`resource_policy` cannot be given for IAM's resources of another account",
            ));
        }
        // Who may not know what is stored of the resource does not learn it by a refusal: what they bring is passed over.
        let hides_tags = matches!(stored, StoredResource::OfService(_)) && is_foreign_account(cx, account);
        if stored.has_tags() && !hides_tags {
            context.iter().try_for_each(|keys| keys.refuse_resource_tags())?;
        }
        let question_keys: SmallVec<[QuestionKeys<'_, '_>; 2]> =
            context.iter().map(|keys| QuestionKeys { keys, hides_tags }).collect();
        let mut layers: SmallVec<[&dyn ContextSource; 5]> = SmallVec::new();
        layers.push(&system);
        layers.push(&resource);
        layers.push(&stored);
        layers.extend(question_keys.iter().map(|keys| keys as &dyn ContextSource));
        let request = Request {
            principal: resolved.principal(),
            action: self.action,
            resource: self.resource,
            resource_account: ResourceAccount {
                id: account,
                is_management: account == Some(resolved.snapshot.management_account()),
            },
            context: Context::new(&layers),
        };
        let policies = Policies {
            resource: self.policy.as_ref().or_else(|| stored.policy()),
            resource_must_allow: self.action.get(..4).is_some_and(|prefix| prefix.eq_ignore_ascii_case("kms:")),
            trust: trust(cx, resolved, self.action, self.resource),
            ..resolved.policies()
        };
        let disclosure = Disclosure::of(cx, resolved.subject.account, account, self.policy.is_some(), &policies);
        then(&request, &policies, disclosure)
    }
}

/// The trust policy that takes part in a question about assuming a role; without one, nothing allows it.
///
/// Roles of foreign accounts look as if they did not exist to a service that merely names another service, or no caller
/// at all: the decision would tell which roles exist and which services they trust.
fn trust<'s>(cx: &Cx, resolved: &ResolvedSubject<'s>, action: &str, resource: &str) -> Option<&'s Policy> {
    if !is_decided_by_trust(action) {
        return None;
    }
    let arn = assumed_role(action, resource);
    let arn = arn.filter(|arn| !(resolved.subject.is_claimed && is_foreign_account(cx, arn.account_id())));
    let role = arn.and_then(|arn| resolved.snapshot.entity_by_arn(&arn));
    Some(role.and_then(|role| role.role.as_ref()).map_or(&*TRUST_NOBODY, |role| &role.trust))
}

/// The prefix of an action's service: `s3` of `s3:GetObject`.
///
/// # Errors
/// `ValidationError` for what is no action; a pattern is none.
pub(crate) fn service_prefix(action: &str) -> Result<&str> {
    let is_word =
        |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    action
        .split_once(':')
        .filter(|(prefix, name)| is_word(prefix) && is_word(name))
        .map(|(prefix, _)| prefix)
        .ok_or_else(|| invalid_member("action", "`action` must be one action, such as `s3:GetObject`"))
}

/// The account that owns a resource; none where there is no resource.
pub(crate) fn owner(resource: &str, stated: Option<&str>) -> Result<Option<AccountId>> {
    let stated = stated.map(AccountId::parse).transpose()?;
    if resource == "*" {
        return Ok(stated);
    }
    let malformed =
        || invalid_member("resource", "`resource` must be an ARN, or `*` for an action that knows no resource");
    // What services call their things is theirs to say: only the shape is looked at.
    if resource.chars().any(char::is_control) {
        return Err(malformed());
    }
    let parts: Vec<&str> = resource.splitn(6, ':').collect();
    let &["arn", partition, service, _, account, name] = parts.as_slice() else { return Err(malformed()) };
    if partition.is_empty() || service.is_empty() || name.is_empty() {
        return Err(malformed());
    }
    let account_in_arn = match account {
        "" => None,
        // The deployment's own managed policies: nobody's.
        "aws" => return Ok(None),
        digits => Some(AccountId::parse(digits).map_err(|_| malformed())?),
    };
    match (account_in_arn, stated) {
        (Some(account_in_arn), Some(stated)) if account_in_arn != stated => {
            Err(invalid_member("resourceAccount", "`resource_account` is not the account that `resource` names"))
        }
        (None, None) => Err(invalid_member(
            "resourceAccount",
            "`resource` names no account, so `resource_account` must say who owns it",
        )),
        (account_in_arn, stated) => Ok(account_in_arn.or(stated)),
    }
}

struct ResourceKeys<'a>(Option<&'a str>);

impl ContextSource for ResourceKeys<'_> {
    fn value(&self, key: &ContextKey) -> Option<ContextValue<'_>> {
        match key.global()? {
            GlobalKey::ResourceAccount => self.0.map(ContextValue::One),
            _ => None,
        }
    }
}
