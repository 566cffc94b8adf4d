//! What replaces an unreadable part of the view: a denial.
//!
//! What can only grant something is left out: an account, user, role or access key that cannot be read is removed, as
//! is a version of a managed policy. Where something may be denied by the unreadable part, everything is denied to the
//! principals that it may concern.

use std::sync::Arc;

use bailiwick_model::{AccountId, PolicyRef, Tags, UniqueId};
use bailiwick_policy_lang::PolicyKind;

use super::builder::{MISSING_GROUP, ViewBuilder};
use super::compile::deny_all;
use super::services::{Resource, Service};

/// The name of policies that replace an unknown part. The space keeps it apart from the names of inline policies, one of
/// which could otherwise replace the policy and lift the denial.
const UNREADABLE: &str = "unreadable row";

impl ViewBuilder {
    /// Denies everything to a user or role, or to all members of a group, because it is unknown which policies or
    /// groups they have. A later change does not lift the denial: build a new view.
    pub fn deny_holder(&mut self, holder: &UniqueId) {
        self.deny_by_inline(holder, UNREADABLE);
    }

    /// Denies everything to all members of a group until the group is set.
    pub fn deny_group(&mut self, group: &UniqueId) {
        self.deny_by_inline(group, MISSING_GROUP);
    }

    /// Denies everything to the holder of an inline policy until a policy with this name is set or removed.
    pub fn deny_inline_policy(&mut self, holder: &UniqueId, name: &str) {
        self.deny_by_inline(holder, name);
    }

    /// Denies everything to all holders of a managed policy until the policy is set.
    pub fn deny_managed_policy(&mut self, policy: PolicyRef) {
        let slot = self.policy_slot(policy);
        self.set_policy_arn(slot, None);
        let deny = self.next.deny_all[0].clone();
        if let Some(managed) = self.next.policies.get_mut(slot) {
            managed.policy = deny;
            Arc::make_mut(&mut managed.metadata).arn = None;
        }
    }

    /// Marks a service as unreadable: no principal can act as it. Since any unknown service principal may be one of its
    /// names, no principal can act as those either. A later change does not lift this for unknown names.
    pub fn deny_service(&mut self, prefix: &str) {
        self.remove_service(prefix);
        let services = Arc::make_mut(&mut self.next.services);
        let without_actors = Service { prefix: prefix.into(), principals: Box::default(), actors: Box::default() };
        let without_actors = Arc::new(without_actors);
        services.by_prefix.insert(prefix.into(), without_actors.clone());
        services.unreadable = Some(without_actors);
    }

    /// Denies everything on a resource to all principals until the resource is set or removed.
    pub fn deny_resource(&mut self, account: AccountId, arn: &str) {
        let policy = Some(deny_all(PolicyKind::Resource, arn));
        self.put_resource(Resource { account, arn: arn.into(), policy, tags: Tags::new() });
    }

    /// Denies everything by an inline policy.
    fn deny_by_inline(&mut self, holder: &UniqueId, name: &str) {
        self.put_inline(holder, name, Some(deny_all(PolicyKind::Identity, name)));
    }
}
