//! Which managed policies are attached to which identities, both ways round.

use std::collections::BTreeMap;

use bailiwick_model::{AccountId, IamError, PolicyRef, Result, UniqueId, limits::DROPPED_PER_PAGE};
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
    tx::{CHUNK, Page, Tx},
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

    /// Lists the identities of an account that hold a policy: groups, users, roles, each ordered by name. A page for which
    /// the path dropped [`DROPPED_PER_PAGE`] identities ends there.
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
        let (mut items, mut next, mut dropped) = (Vec::new(), None, 0);
        let chunk = limit.saturating_add(1).clamp(2, CHUNK);
        // A position is the number of a kind and a name.
        let after = after.and_then(|after| Some((after.get(..1)?.parse::<u8>().ok()?, after.get(1..)?)));
        for kind in [IdentityKind::Group, IdentityKind::User, IdentityKind::Role] {
            let is_passed = after.is_some_and(|(last, _)| last > kind as u8);
            if is_passed || filter.kind.is_some_and(|wanted| wanted != kind) {
                continue;
            }
            let mut last_name = after.filter(|(last, _)| *last == kind as u8).map(|(_, name)| name.as_bytes().to_vec());
            loop {
                let rows = self.holder_rows(account, policy, filter.usage, kind, last_name.as_deref(), chunk).await?;
                for (name, id) in rows.holders {
                    let position = format!("{}{}", kind as u8, String::from_utf8_lossy(&name));
                    if let Some(name) = self.name_below(account, kind, &id, filter.path_prefix).await? {
                        if items.len() >= limit {
                            return Ok(Page { items, next });
                        }
                        items.push(Holder { kind, id, name });
                        next = Some(position);
                    } else {
                        dropped += 1;
                        if dropped == DROPPED_PER_PAGE {
                            return Ok(Page { items, next: Some(position) });
                        }
                    }
                }
                last_name = rows.known;
                if last_name.is_none() {
                    break;
                }
            }
        }
        Ok(Page { items, next: None })
    }

    /// The next holders of one kind by name. An identity is there once, even if the policy is both attached and its
    /// boundary. About `limit` rows are read for each usage.
    async fn holder_rows(
        &self,
        account: AccountId,
        policy: PolicyRef,
        usage: Option<Usage>,
        kind: IdentityKind,
        after: Option<&[u8]>,
        limit: usize,
    ) -> Result<HolderRows> {
        let mut rows = HolderRows { holders: BTreeMap::new(), known: None };
        for each in [Usage::Attached, Usage::Boundary] {
            if usage.is_some_and(|wanted| wanted != each) {
                continue;
            }
            let prefix = keys::policy_holder(account, policy, &[&[each as u8], &[kind as u8]]);
            let after = after.map(|name| [&prefix[..], name].concat());
            let found = self.scan(&prefix, after.as_deref(), limit).await?;
            if let Some((key, _)) = found.last().filter(|_| found.len() == limit) {
                let last = key[prefix.len()..].to_vec();
                rows.known = Some(rows.known.map_or(last.clone(), |known| known.min(last)));
            }
            for (key, value) in found {
                if let Some((id, _)) = keys::take_id(&value) {
                    rows.holders.insert(key[prefix.len()..].to_vec(), id);
                }
            }
        }
        if let Some(known) = &rows.known {
            rows.holders.retain(|name, _| name <= known);
        }
        Ok(rows)
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

/// The next holders of a policy, by name in lower case.
struct HolderRows {
    holders: BTreeMap<Vec<u8>, UniqueId>,
    /// The name up to which these are all holders; none if there are no others.
    known: Option<Vec<u8>>,
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
