//! Which managed policies are attached to which identities, both ways round.

use bailiwick_model::{AccountId, IamError, PolicyRef, Result, UniqueId};
use bytes::Bytes;

use crate::{
    codec::id_value,
    group::Group,
    identity::Identity,
    keys::{self, CounterKind},
    noun::{FoldedName, Noun},
    policy::{self, Policy, Usage},
    reference::IdentityKind,
    role::Role,
    tx::{Page, Tx},
    user::User,
};

/// An identity that a policy is attached to or that has it as its boundary.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// Whether it is a user, group or role.
    pub kind: IdentityKind,
    /// Its unique id.
    pub id: UniqueId,
    /// Its name.
    pub name: String,
}

impl Tx {
    /// Attaches a policy. Does nothing if it is already attached.
    ///
    /// # Errors
    /// `LimitExceeded` when the identity has reached its quota of attached policies.
    pub async fn attach_policy(&mut self, identity: &Identity, policy: &Policy) -> Result<()> {
        let reference = policy.reference();
        self.require(identity.key(), || identity.missing()).await?;
        self.require(keys::policy(reference), || policy::missing(reference)).await?;
        let forward = keys::attachment(identity.account, &identity.id, reference);
        if self.read_key(forward.clone()).await?.is_some() {
            return Ok(());
        }
        let quotas = self.quotas_of(identity.account).await?;
        let (quota_name, quota) = match identity.kind {
            IdentityKind::User => ("PoliciesPerUser", quotas.attached_per_user),
            IdentityKind::Group => ("PoliciesPerGroup", quotas.attached_per_group),
            IdentityKind::Role => ("PoliciesPerRole", quotas.attached_per_role),
        };
        let attached = keys::counter(identity.account, CounterKind::Attached, identity.id.as_bytes());
        self.add_within(attached, 1, quota, || IamError::quota(quota_name, quota)).await?;
        self.add(keys::policy_counter(identity.account, CounterKind::Attachments, reference), 1);
        self.put(forward, Bytes::new());
        self.put(holder_key(identity, reference, Usage::Attached), id_value(&identity.id));
        Ok(())
    }

    /// Detaches a policy; returns whether it was attached.
    ///
    /// # Errors
    /// `ServiceFailure` when the store fails.
    pub async fn detach_policy(&mut self, identity: &Identity, policy: PolicyRef) -> Result<bool> {
        self.require(identity.key(), || identity.missing()).await?;
        let forward = keys::attachment(identity.account, &identity.id, policy);
        if self.read_key(forward.clone()).await?.is_none() {
            return Ok(false);
        }
        self.add(keys::counter(identity.account, CounterKind::Attached, identity.id.as_bytes()), -1);
        self.add(keys::policy_counter(identity.account, CounterKind::Attachments, policy), -1);
        self.delete_key(forward);
        self.delete_key(holder_key(identity, policy, Usage::Attached));
        Ok(true)
    }

    /// Whether a policy is attached to an identity; the commit will depend on it.
    ///
    /// # Errors
    /// `ServiceFailure` when the store fails.
    pub async fn is_attached(&mut self, identity: &Identity, policy: PolicyRef) -> Result<bool> {
        Ok(self.read_key(keys::attachment(identity.account, &identity.id, policy)).await?.is_some())
    }

    /// The policies attached to an identity, by name.
    ///
    /// # Errors
    /// `ServiceFailure` when the store fails.
    pub async fn list_attached(
        &self,
        identity: &Identity,
        path_prefix: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<Policy>> {
        let mut policies = Vec::new();
        for reference in self.attached_refs(identity).await? {
            policies.extend(self.peek::<Policy>(&keys::policy(reference)).await?);
        }
        policies.retain(|policy| policy.is_below(path_prefix));
        // A policy of the account and one of the deployment may have the same name.
        Ok(Page::of_all(policies, after, limit, |policy| format!("{}\u{1}{}", policy.name.folded(), policy.account)))
    }

    /// Lists the identities of an account that hold a policy: groups, users, roles, each ordered by name.
    ///
    /// # Errors
    /// `ServiceFailure` when the store fails.
    pub async fn list_holders(
        &self,
        account: AccountId,
        policy: PolicyRef,
        filter: HolderFilter<'_>,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Page<Holder>> {
        let mut holders = Vec::new();
        let prefix = keys::policy_holder(account, policy, &[]);
        for (key, value) in self.scan(&prefix, None, usize::MAX).await? {
            let (Some([usage, kind]), Some((id, _))) = (key[prefix.len()..].first_chunk::<2>(), keys::take_id(&value))
            else {
                continue;
            };
            let Some(kind) = IdentityKind::from_number(*kind) else { continue };
            let wanted = filter.kind.is_none_or(|wanted| wanted == kind)
                && filter.usage.is_none_or(|wanted| wanted as u8 == *usage);
            if wanted && let Some(name) = self.name_below(account, kind, &id, filter.path_prefix).await? {
                holders.push(Holder { kind, id, name });
            }
        }
        let name = |holder: &Holder| format!("{}{}", holder.kind as u8, holder.name.to_ascii_lowercase());
        holders.sort_by_key(name);
        // An identity is listed once, even if the policy is both attached and its boundary.
        holders.dedup_by(|a, b| a.id == b.id);
        Ok(Page::of_all(holders, after, limit, name))
    }

    pub(crate) async fn attached_refs(&self, identity: &Identity) -> Result<Vec<PolicyRef>> {
        let prefix = keys::attachments(identity.account, &identity.id);
        let rows = self.scan(&prefix, None, usize::MAX).await?;
        Ok(rows.iter().filter_map(|(key, _)| Some(keys::take_policy(&key[prefix.len()..])?.0)).collect())
    }

    async fn name_below(
        &self,
        account: AccountId,
        kind: IdentityKind,
        id: &UniqueId,
        path_prefix: &str,
    ) -> Result<Option<String>> {
        let key = keys::identity(account, kind, id);
        fn name<N: Noun>(noun: Option<N>, path_prefix: &str) -> Option<String> {
            noun.filter(|noun| noun.is_below(path_prefix)).map(|noun| noun.name().to_string())
        }
        Ok(match kind {
            IdentityKind::Group => name(self.peek::<Group>(&key).await?, path_prefix),
            IdentityKind::User => name(self.peek::<User>(&key).await?, path_prefix),
            IdentityKind::Role => name(self.peek::<Role>(&key).await?, path_prefix),
        })
    }
}

/// A filter for the holders of a policy.
#[derive(Clone, Copy, Debug, Default)]
pub struct HolderFilter<'a> {
    /// Only this kind.
    pub kind: Option<IdentityKind>,
    /// Only holders that use the policy in this way.
    pub usage: Option<Usage>,
    /// Only holders whose path begins with this prefix.
    pub path_prefix: &'a str,
}

/// The row of an identity in the list of a policy's holders.
pub(crate) fn holder_key(identity: &Identity, policy: PolicyRef, usage: Usage) -> Bytes {
    let name = identity.folded_name();
    keys::policy_holder(identity.account, policy, &[&[usage as u8], &[identity.kind as u8], name.as_bytes()])
}
