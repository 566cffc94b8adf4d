//! Applying rows of the store to the view.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use bailiwick_evaluator::Policy as Compiled;
use bailiwick_model::{AccountId, Arn, IdKind, Partition, Path, Tags, UniqueId};
use bailiwick_policy_lang::PolicyKind;
use bailiwick_storage::keys::{self, Kind};
use bailiwick_storage::{
    self as storage, ChangeSet, InlinePolicy, Inspected, KeyOwner, Policy, PolicyRef, PolicyVersion, Record, Revision,
    StoreError,
};
use bytes::Bytes;

use super::{NameKind, Snapshot};
use crate::Damage;
use crate::compile::{compile, compile_bound, deny_all};
use crate::entities::{GroupPolicies, Inline, Slot, Slots, set_slot};
use crate::persistent_vec::PersistentVec;
use crate::policies::PolicyMetadata;
use crate::principal_map::{PrincipalMap, PrincipalPolicies};
use crate::trie::Trie;
use crate::{AccessKey, Account, Entity, Group, ManagedPolicy, Role};

/// The kinds of row that the snapshot consists of, in the order in which an account is read.
pub(crate) const KINDS: [Kind; 11] = [
    Kind::User,
    Kind::UserGroup,
    Kind::Group,
    Kind::Role,
    Kind::Policy,
    Kind::PolicyVersion,
    Kind::Attachment,
    Kind::InlinePolicy,
    Kind::AccessKey,
    Kind::Service,
    Kind::Resource,
];

/// The newest snapshot, and the state that is needed to build the next one.
pub(crate) struct SnapshotBuilder {
    pub(super) next: Snapshot,
    group_slots: HashMap<UniqueId, Slot>,
    next_slot: Slot,
    /// Managed policies that must be compiled again.
    stale: HashSet<Slot>,
    /// The keys of rows that could not be read.
    pub(super) unreadable: HashSet<Bytes>,
    pub(super) damage: Arc<Damage>,
}

impl SnapshotBuilder {
    pub(crate) fn new(partition: Partition, damage: Arc<Damage>) -> Self {
        let next = Snapshot {
            revision: Revision::ZERO,
            partition,
            hasher: RandomState::new(),
            deny_all: Arc::new([deny_all(PolicyKind::Identity, "missing policy")]),
            accounts: Trie::default(),
            entities: Trie::default(),
            principals: PrincipalMap::default(),
            entity_names: Trie::default(),
            keys: Trie::default(),
            groups: PersistentVec::default(),
            policies: PersistentVec::default(),
            policy_slots: Trie::default(),
            policy_arns: Trie::default(),
            management_account: AccountId::NONE,
            services: Arc::default(),
            resources: Trie::default(),
        };
        let (group_slots, stale, unreadable) = (HashMap::new(), HashSet::new(), HashSet::new());
        SnapshotBuilder { next, group_slots, next_slot: 0, stale, unreadable, damage }
    }

    /// Applies the change set of one commit.
    pub(crate) fn apply_set(&mut self, set: &ChangeSet) -> Result<(), StoreError> {
        // In key order, objects come before references to them.
        let mut changes: Vec<_> = set.changes.iter().collect();
        changes.sort_unstable_by(|a, b| a.key.cmp(&b.key));
        for change in changes {
            self.apply(&change.key, change.value.as_ref())?;
        }
        self.next.revision = set.revision;
        Ok(())
    }

    /// Applies a row as an inspection returned it.
    pub(crate) fn apply_inspected(&mut self, row: &Inspected) -> Result<(), StoreError> {
        match &row.value {
            Some(value) => self.apply(&row.key, Some(value)),
            None => self.deny(&row.key, "it is not what was written"),
        }
    }

    /// Applies one row: its new value, or `None` if it was deleted.
    pub(crate) fn apply(&mut self, key: &[u8], value: Option<&Bytes>) -> Result<(), StoreError> {
        if !self.unreadable.is_empty() && self.unreadable.contains(key) {
            // It is not known what was denied because of this row.
            return Err(StoreError::Corrupt("a damaged row has changed".into()));
        }
        match self.put(key, value) {
            Err(StoreError::Corrupt(why)) if value.is_some() => self.deny(key, &why),
            done => done,
        }
    }

    fn put(&mut self, key: &[u8], value: Option<&Bytes>) -> Result<(), StoreError> {
        let Some((account, kind, id)) = keys::parse(key) else {
            return Err(StoreError::Corrupt("a key of an unknown kind".into()));
        };
        let damaged = || StoreError::Corrupt(format!("an invalid key of kind {kind:?}"));
        match kind {
            Kind::Account => self.put_account(value.map(|v| storage::Account::decode(v)).transpose()?),
            Kind::User => {
                let (id, _) = keys::take_id(id).ok_or_else(damaged)?;
                let user = value.map(|v| storage::User::decode(v)).transpose()?;
                self.put_entity(&id, user.map(from_user));
            }
            Kind::Role => {
                let (id, _) = keys::take_id(id).ok_or_else(damaged)?;
                let role = value.map(|v| storage::Role::decode(v)).transpose()?;
                self.put_entity(&id, role.map(|role| from_role(role, self.next.partition)));
            }
            Kind::Group => {
                let (id, _) = keys::take_id(id).ok_or_else(damaged)?;
                self.put_group(id, value.map(|v| storage::Group::decode(v)).transpose()?);
            }
            Kind::UserGroup => {
                let (user, rest) = keys::take_id(id).ok_or_else(damaged)?;
                let (group, _) = keys::take_id(rest).ok_or_else(damaged)?;
                if value.is_some() || self.group_slots.contains_key(&group) {
                    let slot = self.group_slot(group);
                    self.change_principal(&user, |principal| principal.set_group(slot, value.is_some()));
                }
            }
            Kind::Policy => {
                let (id, _) = keys::take_id(id).ok_or_else(damaged)?;
                self.put_policy(PolicyRef { account, id }, value.map(|v| Policy::decode(v)).transpose()?);
            }
            Kind::PolicyVersion => {
                let (id, rest) = keys::take_id(id).ok_or_else(damaged)?;
                let version = u32::from_be_bytes(rest.try_into().map_err(|_| damaged())?);
                self.put_version(PolicyRef { account, id }, version, value);
            }
            Kind::Attachment => {
                let (id, rest) = keys::take_id(id).ok_or_else(damaged)?;
                let (policy, _) = keys::take_policy(rest).ok_or_else(damaged)?;
                if value.is_some() || self.find_policy_slot(policy).is_some() {
                    let slot = self.policy_slot(policy);
                    let there = value.is_some();
                    match id.kind() {
                        IdKind::Group => {
                            self.change_group(&id, |policies| set_slot(&mut policies.attached, slot, there))
                        }
                        _ => self.change_principal(&id, |principal| principal.set_attached(slot, there)),
                    }
                }
            }
            Kind::InlinePolicy => {
                let (id, name) = keys::take_id(id).ok_or_else(damaged)?;
                let name = std::str::from_utf8(name).map_err(|_| damaged())?;
                let policy = value.map(|v| InlinePolicy::decode(v)).transpose()?;
                let compiled = policy.map(|p| compile(&p.document, PolicyKind::Identity, p.name.as_str()));
                match id.kind() {
                    IdKind::Group => {
                        self.change_group(&id, |policies| set_inline(&mut policies.inline, name, compiled))
                    }
                    _ => self.change_principal(&id, |principal| {
                        principal.change_inline(|inline| set_inline(inline, name, compiled))
                    }),
                }
            }
            Kind::AccessKey => {
                let id = std::str::from_utf8(id).map_err(|_| damaged())?;
                self.put_key(id, value.map(|v| storage::AccessKey::decode(v)).transpose()?);
            }
            Kind::Service => {
                let prefix = std::str::from_utf8(id).map_err(|_| damaged())?;
                self.next.put_service(prefix, value.map(|v| storage::Service::decode(v)).transpose()?);
            }
            Kind::Resource => {
                let arn = std::str::from_utf8(id).map_err(|_| damaged())?;
                self.next.put_resource(account, arn, value.map(|v| storage::Resource::decode(v)).transpose()?);
            }
            // Indexes, counters and rows that decisions do not depend on.
            _ => {}
        }
        Ok(())
    }

    /// The view as it is now, whole.
    pub(crate) fn publish(&mut self) -> Result<Arc<Snapshot>, StoreError> {
        for slot in std::mem::take(&mut self.stale) {
            self.compile_default(slot)?;
        }
        Ok(Arc::new(self.next.clone()))
    }

    pub(crate) fn set_revision(&mut self, revision: Revision) {
        self.next.revision = revision;
    }

    fn put_account(&mut self, account: Option<storage::Account>) {
        // Accounts are closed, never removed.
        let Some(account) = account else { return };
        if account.management {
            self.next.management_account = account.id;
        }
        let new = Account {
            id: account.id,
            state: account.state,
            management: account.management,
            sessions_valid_after: account.sessions_valid_after,
        };
        self.next.accounts.insert(new.id.number(), Arc::new(new), |old| old.id == account.id);
    }

    pub(super) fn put_entity(&mut self, id: &UniqueId, new: Option<(Entity, Option<PolicyRef>)>) {
        let id_hash = self.next.hash(id);
        let old_name = self.next.entity(id).map(|old| self.name_hash(old));
        let new_name = new.as_ref().map(|(new, _)| self.name_hash(new));
        if let Some(name_hash) = old_name.filter(|_| old_name != new_name) {
            self.next.entity_names.remove(name_hash, |hash| *hash == id_hash);
        }
        if let Some(name_hash) = new_name.filter(|_| old_name != new_name) {
            self.next.entity_names.insert(name_hash, id_hash, |hash| *hash == id_hash);
        }
        let hasher = self.next.hasher.clone();
        let hash_of = |id: &UniqueId| hasher.hash_one(id);
        let Some((new, boundary)) = new else {
            self.next.entities.remove(id_hash, |entity| entity.id == *id);
            self.next.principals.remove(id_hash, id, hash_of);
            return;
        };
        self.next.entities.insert(id_hash, Arc::new(new), |entity| entity.id == *id);
        let boundary = boundary.map(|policy| self.policy_slot(policy));
        match self.next.principals.get(id_hash, id) {
            Some(principal) if principal.boundary() == boundary => {}
            old => {
                let mut principal = old.cloned().unwrap_or_else(|| PrincipalPolicies::new(*id));
                principal.set_boundary(boundary);
                self.next.principals.insert(id_hash, principal, hash_of);
            }
        }
    }

    fn name_hash(&self, entity: &Entity) -> u64 {
        let kind = if entity.is_role() { NameKind::Role } else { NameKind::User };
        self.next.name_hash(kind, entity.account, &entity.name)
    }

    pub(super) fn change_principal(&mut self, id: &UniqueId, change: impl FnOnce(&mut PrincipalPolicies)) {
        // An entity that was deleted has no policies to change.
        if let Some(principal) = self.next.principals.get_mut(self.next.hash(id), id) {
            change(principal);
        }
    }

    pub(super) fn change_group(&mut self, id: &UniqueId, change: impl FnOnce(&mut GroupPolicies)) {
        let slot = self.group_slot(*id);
        if let Some(group) = self.next.groups.get_mut(slot) {
            change(&mut Arc::make_mut(group).policies);
        }
    }

    fn put_group(&mut self, id: UniqueId, new: Option<storage::Group>) {
        let slot = self.group_slot(id);
        let Some(new) = new else {
            self.group_slots.remove(&id);
            self.next.groups.remove(slot);
            return;
        };
        if let Some(group) = self.next.groups.get_mut(slot) {
            let group = Arc::make_mut(group);
            if group.name.is_empty() {
                // Until now the group was known only from its members, and denied them everything.
                set_inline(&mut group.policies.inline, MISSING_GROUP, None);
            }
            group.account = new.account;
            group.name = new.name.as_str().into();
            group.path = new.path;
        }
    }

    /// Returns the slot of a group. A group whose row was not read yet denies everything to its members.
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

    /// Returns the slot of a managed policy. A policy whose row was not read yet denies everything to its holders.
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

    fn put_policy(&mut self, reference: PolicyRef, new: Option<Policy>) {
        let slot = self.policy_slot(reference);
        let arn = new
            .as_ref()
            .map(|new| Arn::iam(self.next.partition, new.account, format_args!("policy{}{}", new.path, new.name)));
        let old_arn = self.next.managed_at(slot).and_then(|old| old.arn().cloned());
        if old_arn != arn {
            if let Some(old) = old_arn {
                let hash = self.next.hash(old.as_str());
                self.next.policy_arns.remove(hash, |found| *found == slot);
            }
            if let Some(new) = &arn {
                let hash = self.next.hash(new.as_str());
                self.next.policy_arns.insert(hash, slot, |found| *found == slot);
            }
        }
        if arn.is_none() {
            let hash = self.next.hash(reference);
            self.next.policy_slots.remove(hash, |(found, _)| *found == reference);
            self.next.policies.remove(slot);
            return;
        }
        if let Some(managed) = self.next.policies.get_mut(slot) {
            let metadata = Arc::make_mut(&mut managed.metadata);
            metadata.arn = arn;
            (metadata.default_version, metadata.tags) =
                new.map_or_else(Default::default, |new| (new.default_version, new.tags));
            self.stale.insert(slot);
        }
    }

    pub(super) fn put_version(&mut self, reference: PolicyRef, version: u32, value: Option<&Bytes>) {
        let slot = match (value, self.next.managed_policy_by_ref(reference)) {
            // A policy that was deleted has no versions to remove.
            (None, None) => return,
            _ => self.policy_slot(reference),
        };
        if let Some(managed) = self.next.policies.get_mut(slot) {
            let metadata = Arc::make_mut(&mut managed.metadata);
            metadata.versions.retain(|(number, _)| *number != version);
            metadata.versions.extend(value.map(|value| (version, value.clone())));
            self.stale.insert(slot);
        }
    }

    fn compile_default(&mut self, slot: Slot) -> Result<(), StoreError> {
        let Some(ManagedPolicy { policy, metadata }) = self.next.policies.get_mut(slot) else { return Ok(()) };
        let Some(arn) = &metadata.arn else { return Ok(()) };
        let default = metadata.versions.iter().find(|(number, _)| *number == metadata.default_version);
        *policy = match default {
            Some((number, record)) => match PolicyVersion::decode(record) {
                Ok(version) => compile(&version.document, PolicyKind::Identity, arn.as_str()),
                Err(error @ StoreError::Newer { .. }) => return Err(error),
                Err(error) => {
                    self.damage.report(&keys::policy_version(metadata.reference, *number), &error.to_string());
                    deny_all(PolicyKind::Identity, arn.as_str())
                }
            },
            None => {
                tracing::error!(policy = %arn, "a managed policy without its default version denies everything");
                deny_all(PolicyKind::Identity, arn.as_str())
            }
        };
        Ok(())
    }

    pub(super) fn put_key(&mut self, id: &str, new: Option<storage::AccessKey>) {
        let hash = self.next.hash(id);
        let is_it = |key: &Arc<AccessKey>| key.id.as_str() == id;
        let Some(key) = new else {
            self.next.keys.remove(hash, is_it);
            return;
        };
        let user = match key.owner {
            KeyOwner::Root => None,
            KeyOwner::User(id) => Some(id),
        };
        let new =
            AccessKey { id: key.id, account: key.account, user, active: key.active, sealed_secret: key.sealed_secret };
        self.next.keys.insert(hash, Arc::new(new), is_it);
    }
}

/// The name of the policy that denies everything to the members of a missing group.
pub(super) const MISSING_GROUP: &str = "missing group";

fn from_user(user: storage::User) -> (Entity, Option<PolicyRef>) {
    let mut entity = Entity::new(user.account, user.id, user.name.as_str(), user.path, user.tags);
    entity.sessions_valid_after = user.sessions_valid_after;
    (entity, user.boundary)
}

fn from_role(role: storage::Role, partition: Partition) -> (Entity, Option<PolicyRef>) {
    let mut entity = Entity::new(role.account, role.id, role.name.as_str(), role.path, role.tags);
    entity.sessions_valid_after = role.sessions_valid_after;
    let name = Arn::iam(partition, entity.account, format_args!("role{}{}", entity.path(), entity.name));
    entity.role = Some(Box::new(Role {
        trust: compile_bound(&role.trust_policy.text, &role.trust_policy.bound, PolicyKind::Trust, name.as_str()),
        max_session_seconds: role.max_session_seconds,
        linked_service: role.linked_service.map(Into::into),
    }));
    (entity, role.boundary)
}

/// Inserts, replaces or removes the inline policy with this name.
pub(super) fn set_inline(inline: &mut Inline, name: &str, policy: Option<Compiled>) {
    let at = inline.iter().position(|old| old.name().is_some_and(|old| old.eq_ignore_ascii_case(name)));
    match (at, policy) {
        (Some(at), Some(policy)) => inline[at] = policy,
        (Some(at), None) => drop(inline.remove(at)),
        (None, Some(policy)) => inline.push(policy),
        (None, None) => {}
    }
}
