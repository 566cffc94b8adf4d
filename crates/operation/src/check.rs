//! What must be allowed before a handler runs.

use std::borrow::Cow;

use bailiwick_model::{AccountId, Arn, Tags, UniqueId};

/// One thing that the caller must be allowed: an action on a resource, under conditions that the request brings.
///
/// Principal, session, time and network keys are added by the pipeline; a check brings the keys of the request and
/// of the resource.
#[derive(Clone, Debug)]
pub struct Check {
    /// The action, as in `iam:CreateUser`.
    pub action: &'static str,
    /// The stored thing's own ARN, or `*` where the action knows no resource.
    pub resource: String,
    /// What a denial calls it, where its own ARN would tell more than the request did.
    pub displayed: Option<String>,
    /// The account that owns the resource; none if no account does, as the deployment's managed policies.
    pub resource_account: Option<AccountId>,
    /// Condition keys that the request and the resource bring.
    pub context: Vec<(Cow<'static, str>, ContextValue)>,
    /// The resource's own policy, where it takes part.
    pub policy: Policy,
}

/// The value of a condition key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ContextValue {
    /// A key that has one value.
    One(String),
    /// A key that may have several, also when it has one or none.
    Many(Vec<String>),
}

/// The policy of the resource that takes part in a check.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Policy {
    /// The resource has none, as IAM's own have not.
    #[default]
    None,
    /// The trust policy of the role with this id, which must allow in any case.
    Trust(UniqueId),
    /// The trust policy of a role that isn't there: nothing can allow it.
    NoTrust,
}

impl Check {
    /// `action` on the thing of this ARN. The owner is the account in the ARN.
    pub fn new(action: &'static str, resource: &Arn) -> Self {
        Check {
            action,
            resource: resource.as_str().to_owned(),
            displayed: None,
            resource_account: resource.account_id(),
            context: Vec::new(),
            policy: Policy::None,
        }
    }

    /// `action` that knows no resource, in this account, or in none.
    pub fn without_resource(action: &'static str, account: impl Into<Option<AccountId>>) -> Self {
        Check {
            action,
            resource: "*".to_owned(),
            displayed: None,
            resource_account: account.into(),
            context: Vec::new(),
            policy: Policy::None,
        }
    }

    /// What a denial calls the resource: as if it weren't there, so that nobody learns that it is, nor its path, nor
    /// the case of its name.
    #[must_use]
    pub fn displayed_as(mut self, resource: &str) -> Self {
        self.displayed = Some(resource.to_owned());
        self
    }

    /// Owner of a resource whose ARN names no account, or another one.
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

    /// Adds a key with one value, if there is a value.
    #[must_use]
    pub fn key_if(self, key: &'static str, value: Option<impl Into<String>>) -> Self {
        match value {
            Some(value) => self.key(key, value),
            None => self,
        }
    }

    /// Adds a key that may have several values.
    #[must_use]
    pub fn keys<V: Into<String>>(mut self, key: &'static str, values: impl IntoIterator<Item = V>) -> Self {
        self.context.push((key.into(), ContextValue::Many(values.into_iter().map(Into::into).collect())));
        self
    }

    /// `iam:PermissionsBoundary`: the boundary that the request sets, or that the entity has.
    #[must_use]
    pub fn boundary(self, arn: Option<&str>) -> Self {
        self.key_if("iam:PermissionsBoundary", arn)
    }

    /// `iam:PolicyARN`: the policy that is attached or detached.
    #[must_use]
    pub fn policy_arn(self, arn: &str) -> Self {
        self.key("iam:PolicyARN", arn)
    }

    /// `aws:RequestTag/…` and `aws:TagKeys`: the tags that the request brings. Nothing when it brings none.
    #[must_use]
    pub fn request_tags(mut self, tags: &Tags) -> Self {
        for tag in tags {
            self = self.key(format!("aws:RequestTag/{}", tag.key), tag.value.clone());
        }
        if tags.is_empty() { self } else { self.keys("aws:TagKeys", tags.iter().map(|t| t.key.clone())) }
    }

    /// `aws:TagKeys`: the keys of tags that the request takes away.
    #[must_use]
    pub fn tag_keys(self, keys: &[String]) -> Self {
        self.keys("aws:TagKeys", keys.iter().cloned())
    }

    /// `aws:ResourceTag/…` and `iam:ResourceTag/…`: the tags that the stored thing has.
    #[must_use]
    pub fn resource_tags(mut self, tags: &Tags) -> Self {
        for tag in tags {
            self = self
                .key(format!("aws:ResourceTag/{}", tag.key), tag.value.clone())
                .key(format!("iam:ResourceTag/{}", tag.key), tag.value.clone());
        }
        self
    }

    /// The trust policy of a role takes part; without the role, nothing allows.
    #[must_use]
    pub fn trust(mut self, role: Option<UniqueId>) -> Self {
        self.policy = role.map_or(Policy::NoTrust, Policy::Trust);
        self
    }
}
