//! Inline policies of users, groups and roles.

use bailiwick_model::{
    ErrorCode, IamError, PolicyName, Result,
    limits::{GROUP_INLINE_SIZE, ROLE_INLINE_SIZE, USER_INLINE_SIZE},
};

use crate::{
    codec::{AsMessage, Malformed, pb},
    identity::Identity,
    keys::{self, CounterKind},
    reference::IdentityKind,
    tx::{Located, Page, Tx},
};

/// A policy that is embedded in one identity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InlinePolicy {
    /// Its name, unique within the identity without regard to case.
    pub name: PolicyName,
    /// The document as the caller sent it.
    pub document: String,
    /// The size that counts against the quota: the characters of the document, without white space.
    pub size: u32,
}

impl Tx {
    /// Writes an inline policy, and replaces an existing one with the same name.
    ///
    /// # Errors
    /// `LimitExceeded` when all of the identity's inline policies together would be too large.
    pub async fn put_inline_policy(&mut self, identity: &Identity, policy: &InlinePolicy) -> Result<()> {
        self.require(identity.key(), || identity.missing()).await?;
        let key = keys::inline_policy(identity.account, &identity.id, &policy.name.key());
        let old = self.read::<InlinePolicy>(key.clone()).await?;
        let max = match identity.kind {
            IdentityKind::User => USER_INLINE_SIZE,
            IdentityKind::Group => GROUP_INLINE_SIZE,
            IdentityKind::Role => ROLE_INLINE_SIZE,
        } as u64;
        let grows = i64::from(policy.size) - old.as_ref().map_or(0, |old| i64::from(old.size));
        let size = keys::counter(identity.account, CounterKind::InlineSize, identity.id.as_bytes());
        self.add_within(size, grows, max, || {
            let (kind, name) = (identity.kind.as_str(), &identity.name);
            let message = format!("Maximum policy size of {max} bytes exceeded for {kind} {name}");
            IamError::new(ErrorCode::LimitExceeded, message)
        })
        .await?;
        if old.is_none() {
            self.add(keys::counter(identity.account, CounterKind::Inline, identity.id.as_bytes()), 1);
        }
        self.put_record(key, policy);
        Ok(())
    }

    /// The inline policy of that name.
    ///
    /// # Errors
    /// `NoSuchEntity` if there is none.
    pub async fn get_inline_policy(&mut self, identity: &Identity, name: &PolicyName) -> Result<InlinePolicy> {
        let found = self.read(keys::inline_policy(identity.account, &identity.id, &name.key())).await?;
        found.ok_or_else(|| IamError::no_such(&format!("{} policy", identity.kind.as_str()), name))
    }

    /// Deletes the inline policy of that name.
    ///
    /// # Errors
    /// `NoSuchEntity` if there is none.
    pub async fn delete_inline_policy(&mut self, identity: &Identity, name: &PolicyName) -> Result<()> {
        let policy = self.get_inline_policy(identity, name).await?;
        self.delete_key(keys::inline_policy(identity.account, &identity.id, &name.key()));
        self.add(keys::counter(identity.account, CounterKind::Inline, identity.id.as_bytes()), -1);
        let size = keys::counter(identity.account, CounterKind::InlineSize, identity.id.as_bytes());
        self.add(size, -i64::from(policy.size));
        Ok(())
    }

    /// The inline policies of an identity, by name.
    ///
    /// # Errors
    /// `ServiceFailure` when the store fails.
    pub async fn list_inline_policies(
        &self,
        identity: &Identity,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<InlinePolicy>> {
        let prefix = keys::inline_policy(identity.account, &identity.id, "");
        self.page(&prefix, after, limit, |_, _| Located::Here, Some).await
    }
}

impl AsMessage for InlinePolicy {
    type Message = pb::InlinePolicy;
    const NAME: &'static str = "inline policy";

    fn to_message(&self) -> pb::InlinePolicy {
        pb::InlinePolicy { name: self.name.to_string(), document: self.document.clone(), size: self.size }
    }

    fn from_message(message: pb::InlinePolicy) -> Result<Self, Malformed> {
        let name = PolicyName::parse(&message.name)?;
        Ok(InlinePolicy { name, document: message.document, size: message.size })
    }
}
