//! The checks that must pass before a handler makes its change.

use std::borrow::Cow;

use bailiwick_model::{AccountId, Arn, Tags, UniqueId};

/// A permission that the caller must have: an action on a resource, with context keys.
///
/// The pipeline adds the keys of principal, session, time and network. A check has the keys of the request and of the
/// resource.
#[derive(Clone, Debug)]
pub struct Check {
    /// The action, as in `iam:CreateUser`.
    pub action: &'static str,
    /// The stored object's own ARN, or `*` if the action has no resource.
    pub resource: String,
    /// What a denial displays instead of `resource`: the object as AWS's IAM names it in messages, in the words of the
    /// request, so that it reveals nothing more.
    pub displayed: Option<String>,
    /// The account that owns the resource. None if no account does, as for the deployment's managed policies.
    pub resource_account: Option<AccountId>,
    /// Context keys of the request and the resource.
    pub context: Vec<(Cow<'static, str>, ContextValue)>,
    /// The resource's own policy, where it takes part.
    pub policy: Policy,
    /// Whether the account's password policy grants the action to the caller, a user, without a policy of their own. It
    /// grants no more than an identity policy would: denials, boundaries and SCPs apply.
    pub own_password: bool,
    /// Whether the request itself has a second factor, which the handler verifies: the decision has
    /// `aws:MultiFactorAuthPresent` and `aws:MultiFactorAuthAge`, as if it were right.
    pub second_factor: bool,
}

/// The value of a context key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ContextValue {
    /// A key with one value.
    One(String),
    /// A multivalued key, which may have any number of values.
    Many(Vec<String>),
}

/// The policy of the resource that takes part in a check.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Policy {
    /// The resource has no policy, like IAM's own resources.
    #[default]
    None,
    /// The trust policy of the role with this id, which must allow the action.
    Trust(UniqueId),
    /// The trust policy of a missing role. Nothing can allow the action.
    NoTrust,
}

impl Check {
    /// Checks `action` on the object with this ARN. The owner is the account in the ARN.
    pub fn new(action: &'static str, resource: &Arn) -> Self {
        Check {
            action,
            resource: resource.as_str().to_owned(),
            displayed: None,
            resource_account: resource.account_id(),
            context: Vec::new(),
            policy: Policy::None,
            own_password: false,
            second_factor: false,
        }
    }

    /// Checks an `action` that has no resource, in this account or in none.
    pub fn without_resource(action: &'static str, account: impl Into<Option<AccountId>>) -> Self {
        Check {
            action,
            resource: "*".to_owned(),
            displayed: None,
            resource_account: account.into(),
            context: Vec::new(),
            policy: Policy::None,
            own_password: false,
            second_factor: false,
        }
    }

    /// Sets what a denial displays: `user Bob` as the request named it, or the ARN of a missing object. So a caller without
    /// the permission does not learn whether the object exists, its path, or the case of its name.
    #[must_use]
    pub fn displayed_as(mut self, resource: impl Into<String>) -> Self {
        self.displayed = Some(resource.into());
        self
    }

    /// Sets the owner of a resource whose ARN has no account or another one.
    #[must_use]
    pub fn owned_by(mut self, account: AccountId) -> Self {
        self.resource_account = Some(account);
        self
    }

    /// Adds a key with one value.
    #[must_use]
    pub fn key(mut self, key: impl Into<Cow<'static, str>>, value: impl Into<String>) -> Self {
        self.context.push((key.into(), ContextValue::One(value.into())));
        self
    }

    /// Adds a key with one value, or nothing without a value.
    #[must_use]
    pub fn key_if(self, key: &'static str, value: Option<impl Into<String>>) -> Self {
        match value {
            Some(value) => self.key(key, value),
            None => self,
        }
    }

    /// Adds a multivalued key.
    #[must_use]
    pub fn keys<V: Into<String>>(
        mut self,
        key: impl Into<Cow<'static, str>>,
        values: impl IntoIterator<Item = V>,
    ) -> Self {
        self.context.push((key.into(), ContextValue::Many(values.into_iter().map(Into::into).collect())));
        self
    }

    /// Adds `iam:PermissionsBoundary`: the boundary that the request sets, or that the entity has.
    #[must_use]
    pub fn boundary(self, arn: Option<&str>) -> Self {
        self.key_if("iam:PermissionsBoundary", arn)
    }

    /// Adds `iam:PolicyARN`: the policy to attach or detach.
    #[must_use]
    pub fn policy_arn(self, arn: &str) -> Self {
        self.key("iam:PolicyARN", arn)
    }

    /// Adds `aws:RequestTag/…` and `aws:TagKeys`: the tags in the request. Adds nothing without tags.
    #[must_use]
    pub fn request_tags(mut self, tags: &Tags) -> Self {
        self = self.tags("aws:RequestTag/", tags);
        if tags.is_empty() { self } else { self.keys("aws:TagKeys", tags.iter().map(|t| t.key.clone())) }
    }

    /// Adds `aws:TagKeys`: the keys of the tags that the request removes.
    #[must_use]
    pub fn tag_keys(self, keys: &[String]) -> Self {
        self.keys("aws:TagKeys", keys.iter().cloned())
    }

    /// Adds `aws:ResourceTag/…`: the tags of the stored object.
    #[must_use]
    pub fn aws_resource_tags(self, tags: &Tags) -> Self {
        self.tags("aws:ResourceTag/", tags)
    }

    /// Adds `aws:ResourceTag/…` and `iam:ResourceTag/…`: the tags of a stored user or role. AWS documents the second
    /// key for no other objects.
    #[must_use]
    pub fn resource_tags(self, tags: &Tags) -> Self {
        self.tags("aws:ResourceTag/", tags).tags("iam:ResourceTag/", tags)
    }

    /// Adds a key for each tag. Where keys of tags differ in case only, the condition key has all their values: then a
    /// condition on it holds in a Deny, and does not in an Allow.
    fn tags(mut self, prefix: &str, tags: &Tags) -> Self {
        for (key, values) in tags.by_key() {
            let value = match values[..] {
                [value] => ContextValue::One(value.to_owned()),
                _ => ContextValue::Many(values.into_iter().map(str::to_owned).collect()),
            };
            self.context.push((format!("{prefix}{key}").into(), value));
        }
        self
    }

    /// Sets whether the account's password policy grants the action to the caller: `iam:ChangePassword` on themselves or
    /// `iam:GetAccountPasswordPolicy`. Only for callers that are users.
    #[must_use]
    pub fn own_password(mut self, granted: bool) -> Self {
        self.own_password = granted;
        self
    }

    /// Decides as if the second factor in the request were right. The handler must verify it before it does anything.
    #[must_use]
    pub fn with_second_factor(mut self) -> Self {
        self.second_factor = true;
        self
    }

    /// Includes the trust policy of a role. Without a role, nothing allows the action.
    #[must_use]
    pub fn trust(mut self, role: Option<UniqueId>) -> Self {
        self.policy = role.map_or(Policy::NoTrust, Policy::Trust);
        self
    }
}
