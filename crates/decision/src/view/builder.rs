//! Building views from typed changes.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use bailiwick_evaluator::Policy;
use bailiwick_model::{AccountId, Arn, IdKind, Partition, Path, PolicyName, PolicyRef, Tags, UniqueId};
use bailiwick_policy_lang::PolicyKind;

use super::compile::{compile, compile_bound, deny_all};
use super::entities::{
    AccessKey, Account, Entity, Group, GroupPolicies, Inline, Properties, Role, Slot, Slots, set_slot,
};
use super::persistent_vec::PersistentVec;
use super::policies::{ManagedPolicy, PolicyMetadata};
use super::principal_map::PrincipalMap;
use super::principal_record::PrincipalRecord;
use super::trie::Trie;
use super::{NameKind, View, change};

/// Builds views: applies typed changes, and publishes what they result in.
///
/// The order of changes is free, except for these rules. A user or role is set before its groups, attachments and inline
/// policies, which are ignored otherwise. A group or managed policy is removed after its members and attachments:
/// everything is denied to the principals that still refer to it, and setting it again does not change that. Everything
/// is also denied to principals that refer to a group or managed policy that was not set yet.
///
/// A document that does not compile denies everything, as do the `deny_…` methods, for what cannot be read.
pub struct ViewBuilder {
    pub(super) next: View,
    group_slots: HashMap<UniqueId, Slot>,
    next_slot: Slot,
    /// Managed policies that must be compiled again.
    stale: HashSet<Slot>,
}

impl ViewBuilder {
    /// Returns a builder whose view is empty. Every ARN of the view is in this partition.
    pub fn new(partition: Partition) -> Self {
        let next = View {
            version: 0,
            partition,
            hasher: RandomState::new(),
            deny_all: Arc::new([deny_all(PolicyKind::Identity, "missing policy")]),
            accounts: Trie::default(),
            principals: PrincipalMap::default(),
            entity_names: Trie::default(),
            keys: Trie::default(),
            key_ages: Trie::default(),
            sign_ins: Trie::default(),
            providers: Trie::default(),
            revocations: Trie::default(),
            groups: PersistentVec::default(),
            policies: PersistentVec::default(),
            indexes: Arc::default(),
            policy_slots: Trie::default(),
            policy_arns: Trie::default(),
            management_account: AccountId::NONE,
            services: Arc::default(),
            resources: Trie::default(),
        };
        ViewBuilder { next, group_slots: HashMap::new(), next_slot: 0, stale: HashSet::new() }
    }

    /// Returns the view that the changes so far result in, under a number that the caller has not used for another view
    /// of this builder: readers take views with equal numbers as equal. Managed policies that changed are compiled here.
    pub fn publish(&mut self, version: u64) -> View {
        for slot in std::mem::take(&mut self.stale) {
            self.compile_default(slot);
        }
        self.next.version = version;
        self.next.clone()
    }

    /// Inserts or replaces an account.
    pub fn set_account(&mut self, account: Account) {
        if account.management {
            self.next.management_account = account.id;
        }
        let id = account.id;
        self.next.accounts.insert(id.number(), Arc::new(account), |old| old.id == id);
    }

    /// Removes an account: its credentials are invalid. A closed account is set, not removed.
    pub fn remove_account(&mut self, id: AccountId) {
        self.next.accounts.remove(id.number(), |old| old.id == id);
        if self.next.management_account == id {
            self.next.management_account = AccountId::NONE;
        }
    }

    /// Inserts or replaces a user. Their groups, attachments and inline policies stay.
    pub fn set_user(&mut self, user: change::User) {
        let change::User { account, id, name, path, tags, boundary, sessions_valid_after } = user;
        let properties = Properties { sessions_valid_after, tags, ..Properties::default() };
        self.set_entity(Entity::new(account, id, name.as_str(), path, properties), boundary);
    }

    /// Inserts or replaces a role. Its attachments and inline policies stay.
    pub fn set_role(&mut self, role: change::Role) {
        let arn = Arn::iam(self.next.partition, role.account, format_args!("role{}{}", role.path, role.name));
        let trust = compile_bound(&role.trust.text, &role.trust.bound, PolicyKind::Trust, arn.as_str());
        let max_session_seconds = role.max_session_seconds;
        let linked_service = role.linked_service.map(Into::into);
        let properties = Properties {
            role: Some(Box::new(Role { trust, max_session_seconds, linked_service })),
            sessions_valid_after: role.sessions_valid_after,
            tags: role.tags,
            ..Properties::default()
        };
        let entity = Entity::new(role.account, role.id, role.name.as_str(), role.path, properties);
        self.set_entity(entity, role.boundary);
    }

    fn set_entity(&mut self, new: Entity, boundary: Option<PolicyRef>) {
        let id = new.id;
        let id_hash = self.next.hash(id);
        let old_name = self.next.entity(&id).map(|old| self.name_hash(old));
        let new_name = self.name_hash(&new);
        if old_name != Some(new_name) {
            self.remove_name(old_name, id_hash);
            self.next.entity_names.insert(new_name, id_hash, |hash| *hash == id_hash);
        }
        let (entity, boundary) = (Arc::new(new), boundary.map(|policy| self.policy_slot(policy)));
        if let Some(record) = self.next.principals.get_mut(id_hash, &id) {
            record.set_entity(entity);
            record.set_boundary(boundary);
            return;
        }
        let mut record = PrincipalRecord::new(entity);
        record.set_boundary(boundary);
        let hasher = self.next.hasher.clone();
        self.next.principals.insert(id_hash, record, |id| hasher.hash_one(id));
    }

    /// Removes a user or role, with its groups, attachments and inline policies.
    pub fn remove_entity(&mut self, id: &UniqueId) {
        let id_hash = self.next.hash(id);
        let old_name = self.next.entity(id).map(|old| self.name_hash(old));
        self.remove_name(old_name, id_hash);
        let hasher = self.next.hasher.clone();
        self.next.principals.remove(id_hash, id, |id| hasher.hash_one(id));
    }

    fn remove_name(&mut self, name_hash: Option<u64>, id_hash: u64) {
        if let Some(name_hash) = name_hash {
            self.next.entity_names.remove(name_hash, |hash| *hash == id_hash);
        }
    }

    fn name_hash(&self, entity: &Entity) -> u64 {
        let kind = if entity.is_role() { NameKind::Role } else { NameKind::User };
        self.next.name_hash(kind, entity.account, &entity.name)
    }

    /// Inserts or replaces a group. Its members, attachments and inline policies stay.
    pub fn set_group(&mut self, new: change::Group) {
        let slot = self.group_slot(new.id);
        if let Some(group) = self.next.groups.get_mut(slot) {
            let group = Arc::make_mut(group);
            // Until now the group was known only from its members, or denied: it denied them everything.
            set_inline(&mut group.policies.inline, MISSING_GROUP, None);
            group.account = new.account;
            group.name = new.name.as_str().into();
            group.path = new.path;
        }
    }

    /// Removes a group. Everything is denied to the users that are still its members.
    pub fn remove_group(&mut self, id: &UniqueId) {
        if let Some(slot) = self.group_slots.remove(id) {
            self.next.groups.remove(slot);
        }
    }

    /// Adds a user to a group.
    pub fn add_member(&mut self, group: &UniqueId, user: &UniqueId) {
        let slot = self.group_slot(*group);
        self.change_principal(user, |principal| principal.set_group(slot, true));
    }

    /// Removes a user from a group.
    pub fn remove_member(&mut self, group: &UniqueId, user: &UniqueId) {
        if let Some(slot) = self.group_slots.get(group).copied() {
            self.change_principal(user, |principal| principal.set_group(slot, false));
        }
    }

    /// Inserts or replaces a managed policy. Its versions and attachments stay. It denies everything to its holders
    /// until its default version is set.
    pub fn set_managed_policy(&mut self, new: change::ManagedPolicy) {
        let slot = self.policy_slot(new.reference);
        let (account, path, name) = (new.reference.account, new.path, new.name);
        let arn = Arn::iam(self.next.partition, account, format_args!("policy{path}{name}"));
        self.set_policy_arn(slot, Some(&arn));
        if let Some(managed) = self.next.policies.get_mut(slot) {
            let metadata = Arc::make_mut(&mut managed.metadata);
            metadata.arn = Some(arn);
            metadata.default_version = new.default_version;
            metadata.tags = new.tags;
            self.stale.insert(slot);
        }
    }

    /// Removes a managed policy with its versions. Everything is denied to the principals that still hold it.
    pub fn remove_managed_policy(&mut self, policy: PolicyRef) {
        let Some(slot) = self.find_policy_slot(policy) else { return };
        self.set_policy_arn(slot, None);
        self.next.policy_slots.remove(self.next.hash(policy), |(found, _)| *found == policy);
        self.next.policies.remove(slot);
    }

    /// Changes the ARN under which a managed policy is found.
    pub(super) fn set_policy_arn(&mut self, slot: Slot, new: Option<&Arn>) {
        let old = self.next.managed_at(slot).and_then(ManagedPolicy::arn).cloned();
        if old.as_ref() == new {
            return;
        }
        if let Some(old) = old {
            self.next.policy_arns.remove(self.next.hash(old.as_str()), |found| *found == slot);
        }
        if let Some(new) = new {
            self.next.policy_arns.insert(self.next.hash(new.as_str()), slot, |found| *found == slot);
        }
    }

    /// Inserts or replaces a version of a managed policy.
    pub fn set_policy_version(&mut self, policy: PolicyRef, version: u32, document: impl Into<Arc<str>>) {
        let slot = self.policy_slot(policy);
        self.change_versions(slot, version, Some(document.into()));
    }

    /// Removes a version of a managed policy. A policy without its default version denies everything to its holders.
    pub fn remove_policy_version(&mut self, policy: PolicyRef, version: u32) {
        if let Some(slot) = self.find_policy_slot(policy) {
            self.change_versions(slot, version, None);
        }
    }

    fn change_versions(&mut self, slot: Slot, version: u32, document: Option<Arc<str>>) {
        if let Some(managed) = self.next.policies.get_mut(slot) {
            let metadata = Arc::make_mut(&mut managed.metadata);
            metadata.versions.retain(|(number, _)| *number != version);
            metadata.versions.extend(document.map(|document| (version, document)));
            self.stale.insert(slot);
        }
    }

    fn compile_default(&mut self, slot: Slot) {
        let Some(ManagedPolicy { policy, metadata }) = self.next.policies.get_mut(slot) else { return };
        let Some(arn) = &metadata.arn else { return };
        let default = metadata.versions.iter().find(|(number, _)| *number == metadata.default_version);
        *policy = match default {
            Some((_, document)) => compile(document, PolicyKind::Identity, arn.as_str()),
            None => {
                tracing::error!(policy = %arn, "a managed policy without its default version denies everything");
                deny_all(PolicyKind::Identity, arn.as_str())
            }
        };
    }

    /// Attaches a managed policy to a user, role or group.
    pub fn attach(&mut self, holder: &UniqueId, policy: PolicyRef) {
        let slot = self.policy_slot(policy);
        self.set_attached(holder, slot, true);
    }

    /// Detaches a managed policy from a user, role or group.
    pub fn detach(&mut self, holder: &UniqueId, policy: PolicyRef) {
        if let Some(slot) = self.find_policy_slot(policy) {
            self.set_attached(holder, slot, false);
        }
    }

    fn set_attached(&mut self, holder: &UniqueId, slot: Slot, attached: bool) {
        match holder.kind() {
            IdKind::Group => self.change_group(holder, |policies| set_slot(&mut policies.attached, slot, attached)),
            _ => self.change_principal(holder, |principal| principal.set_attached(slot, attached)),
        }
    }

    /// Inserts or replaces an inline policy of a user, role or group. Names are compared without case.
    pub fn set_inline_policy(&mut self, holder: &UniqueId, name: &PolicyName, document: &str) {
        let policy = compile(document, PolicyKind::Identity, name.as_str());
        self.put_inline(holder, name.as_str(), Some(policy));
    }

    /// Removes an inline policy of a user, role or group. Names are compared without case.
    pub fn remove_inline_policy(&mut self, holder: &UniqueId, name: &str) {
        self.put_inline(holder, name, None);
    }

    /// Inserts, replaces or removes an inline policy.
    pub(super) fn put_inline(&mut self, holder: &UniqueId, name: &str, policy: Option<Policy>) {
        match holder.kind() {
            IdKind::Group => self.change_group(holder, |policies| set_inline(&mut policies.inline, name, policy)),
            _ => self.change_principal(holder, |principal| {
                principal.change_inline(|inline| set_inline(inline, name, policy))
            }),
        }
    }

    /// Inserts or replaces an access key.
    pub fn set_access_key(&mut self, key: AccessKey) {
        let key = Arc::new(key);
        self.next.keys.insert(self.next.hash(key.id.as_str()), key.clone(), |old| old.id == key.id);
    }

    /// Removes an access key.
    pub fn remove_access_key(&mut self, id: &str) {
        self.next.keys.remove(self.next.hash(id), |key| key.id.as_str() == id);
    }

    fn change_principal(&mut self, id: &UniqueId, change: impl FnOnce(&mut PrincipalRecord)) {
        // An entity that was deleted has no policies to change.
        if let Some(principal) = self.next.principals.get_mut(self.next.hash(id), id) {
            change(principal);
        }
    }

    fn change_group(&mut self, id: &UniqueId, change: impl FnOnce(&mut GroupPolicies)) {
        let slot = self.group_slot(*id);
        if let Some(group) = self.next.groups.get_mut(slot) {
            change(&mut Arc::make_mut(group).policies);
        }
    }

    /// Returns the slot of a group. A group that was not set yet denies everything to its members.
    fn group_slot(&mut self, id: UniqueId) -> Slot {
        if let Some(slot) = self.group_slots.get(&id) {
            return *slot;
        }
        let slot = self.allocate_slot();
        self.group_slots.insert(id, slot);
        let policies = GroupPolicies {
            inline: Inline::from([deny_all(PolicyKind::Identity, MISSING_GROUP)]),
            attached: Slots::new(),
        };
        let group = Group { account: AccountId::NONE, id, name: "".into(), path: Path::root(), policies };
        *self.next.groups.at(slot) = Some(Arc::new(group));
        slot
    }

    /// Returns the slot of a managed policy. A policy that was not set yet denies everything to its holders.
    pub(super) fn policy_slot(&mut self, policy: PolicyRef) -> Slot {
        if let Some(slot) = self.find_policy_slot(policy) {
            return slot;
        }
        let slot = self.allocate_slot();
        let hash = self.next.hash(policy);
        self.next.policy_slots.insert(hash, (policy, slot), |(reference, _)| *reference == policy);
        let metadata = PolicyMetadata {
            reference: policy,
            arn: None,
            tags: Tags::new(),
            default_version: 0,
            versions: Vec::new(),
        };
        let missing = ManagedPolicy { policy: self.next.deny_all[0].clone(), metadata: Arc::new(metadata) };
        *self.next.policies.at(slot) = Some(missing);
        slot
    }

    fn find_policy_slot(&self, policy: PolicyRef) -> Option<Slot> {
        let found = self.next.policy_slots.get(self.next.hash(policy), |(reference, _)| *reference == policy)?;
        Some(found.1)
    }

    fn allocate_slot(&mut self) -> Slot {
        // INVARIANT: a slot is never reused, so that a stale reference cannot point to another object. A process does
        // not allocate four billion slots.
        let slot = self.next_slot;
        self.next_slot += 1;
        slot
    }
}

/// The name of the policy that denies everything to the members of a missing group.
pub(super) const MISSING_GROUP: &str = "missing group";

/// Inserts, replaces or removes the inline policy with this name.
fn set_inline(inline: &mut Inline, name: &str, policy: Option<Policy>) {
    let at = inline.iter().position(|old| old.name().is_some_and(|old| old.eq_ignore_ascii_case(name)));
    match (at, policy) {
        (Some(at), Some(policy)) => inline[at] = policy,
        (Some(at), None) => drop(inline.remove(at)),
        (None, Some(policy)) => inline.push(policy),
        (None, None) => {}
    }
}
