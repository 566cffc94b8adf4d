//! Resources of other services: their policies and tags.

use bailiwick_model::{AccountId, IamError, KeyCase, Result, Tags, limits::RESOURCES_PER_ACCOUNT};
use jiff::Timestamp;

use crate::{
    codec::{self, AsMessage, Malformed, pb},
    keys::{self, CounterKind, Kind},
    tx::{Located, Page, Tx},
};

/// A resource of another service that has a policy, tags, or both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resource {
    /// The account that owns it.
    pub account: AccountId,
    /// Its ARN, as its service spells it.
    pub arn: String,
    /// The resource policy, if there is one.
    pub policy: Option<ResourcePolicy>,
    /// Its tags.
    pub tags: Tags,
}

/// A resource policy in its two forms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResourcePolicy {
    /// The document as the caller sent it.
    pub text: String,
    /// The document with the users and roles that it names bound to their unique ids. Decisions use this form.
    pub bound: String,
    /// When it was put.
    pub updated: Timestamp,
}

impl Tx {
    /// Returns a resource, or `None` if it has neither policy nor tags. The ARN is case-sensitive.
    ///
    /// # Errors
    /// `ServiceFailure` when the store fails.
    pub async fn find_resource(&mut self, account: AccountId, arn: &str) -> Result<Option<Resource>> {
        self.read(keys::resource(account, arn)).await
    }

    /// Replaces a resource; one without policy and tags is deleted.
    ///
    /// # Errors
    /// `LimitExceeded` when the account has too many.
    pub async fn put_resource(&mut self, resource: &Resource) -> Result<()> {
        let key = keys::resource(resource.account, &resource.arn);
        let count = keys::counter(resource.account, CounterKind::Resources, &[]);
        let there = self.read_key(key.clone()).await?.is_some();
        if resource.policy.is_none() && resource.tags.is_empty() {
            if there {
                self.delete_key(key);
                self.add(count, -1);
            }
            return Ok(());
        }
        if !there {
            let max = RESOURCES_PER_ACCOUNT;
            self.add_within(count, 1, max, || IamError::quota("ResourcesPerAccount", max)).await?;
        }
        self.put_record(key, resource);
        Ok(())
    }

    /// The resources of an account that have a policy and whose ARN begins with a prefix, by ARN.
    ///
    /// # Errors
    /// `ServiceFailure` when the store fails.
    pub async fn list_resource_policies(
        &self,
        account: AccountId,
        arn_prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<Resource>> {
        let prefix = keys::kind(account, Kind::Resource);
        let keep = |resource: Resource| {
            Some(resource).filter(|resource| resource.policy.is_some() && resource.arn.starts_with(arn_prefix))
        };
        self.page(&prefix, after, limit, |_, _| Located::Here, keep).await
    }
}

impl AsMessage for Resource {
    type Message = pb::Resource;
    const NAME: &'static str = "resource";

    fn to_message(&self) -> pb::Resource {
        pb::Resource {
            account: codec::account_number(self.account),
            arn: self.arn.clone(),
            policy: self.policy.as_ref().map(|policy| pb::ResourcePolicy {
                text: policy.text.clone(),
                bound: policy.bound.clone(),
                updated: policy.updated.as_microsecond(),
            }),
            tags: codec::tag_messages(&self.tags),
        }
    }

    fn from_message(message: pb::Resource) -> Result<Self, Malformed> {
        let policy = message.policy.map(|policy| {
            codec::time(policy.updated).map(|updated| ResourcePolicy {
                text: policy.text,
                bound: policy.bound,
                updated,
            })
        });
        Ok(Resource {
            account: codec::account(message.account)?,
            arn: message.arn,
            policy: policy.transpose()?,
            tags: codec::tags(KeyCase::Insensitive, &message.tags)?,
        })
    }
}
