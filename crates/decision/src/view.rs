//! The compiled view of principals and policies, and its look-ups.

use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use bailiwick_evaluator::Policy;
use bailiwick_model::{AccountId, Arn, Partition, PolicyRef, UniqueId};

pub mod change;

mod builder;
mod compile;
mod deny;
mod effective;
mod entities;
mod index_cache;
mod key_ages;
mod node;
mod persistent_vec;
mod policies;
mod principal_map;
mod principal_record;
mod providers;
mod registry;
mod revocations;
mod services;
mod shared;
mod sign_ins;
mod trie;

use entities::Slot;
use index_cache::{Contents, IndexCache};
use persistent_vec::PersistentVec;
use principal_map::PrincipalMap;
use principal_record::PrincipalRecord;
use providers::Provider;
use revocations::Revocation;
use services::Services;
use sign_ins::SignIns;
use trie::Trie;

pub use builder::ViewBuilder;
pub use effective::{EffectivePolicies, Holder};
pub use entities::{AccessKey, Account, Entity, Group, Role};
pub use key_ages::KeyAge;
pub use policies::ManagedPolicy;
pub use services::{Resource, Service};

/// Everything that decisions depend on, at one point in time.
///
/// A clone copies a few pointers. A view is immutable; the next one shares what did not change.
#[derive(Clone)]
pub struct View {
    version: u64,
    partition: Partition,
    hasher: RandomState,
    deny_all: Arc<[Policy; 1]>,
    accounts: Trie<Arc<Account>>,
    /// Users and roles with their policies, by unique id.
    principals: PrincipalMap,
    /// By account, kind and name without case: the hash of the unique id.
    entity_names: Trie<u64>,
    keys: Trie<Arc<AccessKey>>,
    /// Of the accounts whose access keys expire.
    key_ages: Trie<Arc<KeyAge>>,
    /// By account and user.
    sign_ins: Trie<Arc<SignIns>>,
    /// By account and resource of the ARN.
    providers: Trie<Arc<Provider>>,
    /// Revoked sessions, by what they have in common.
    revocations: Trie<Arc<Revocation>>,
    /// By slot.
    groups: PersistentVec<Arc<Group>>,
    /// By slot.
    policies: PersistentVec<ManagedPolicy>,
    indexes: Arc<IndexCache>,
    /// By owner and unique id.
    policy_slots: Trie<(PolicyRef, Slot)>,
    /// By ARN.
    policy_arns: Trie<Slot>,
    management_account: AccountId,
    services: Arc<Services>,
    /// Resources of other services, by account and ARN.
    resources: Trie<Arc<Resource>>,
}

impl fmt::Debug for View {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (version, entities) = (&self.version, self.principals.len());
        f.debug_struct("View").field("version", version).field("entities", &entities).finish_non_exhaustive()
    }
}

/// The kind of entity in the index of names.
#[derive(Clone, Copy, Hash)]
enum NameKind {
    User,
    Role,
}

impl View {
    /// The number that it was published under. Of the views of one builder, those with equal numbers are equal.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// The partition that every ARN in it is in.
    pub fn partition(&self) -> Partition {
        self.partition
    }

    /// The management account; [`AccountId::NONE`] if there is none yet.
    pub fn management_account(&self) -> AccountId {
        self.management_account
    }

    /// Returns an account, closed or not.
    pub fn account(&self, id: AccountId) -> Option<&Account> {
        self.accounts.get(id.number(), |account| account.id == id).map(|account| &**account)
    }

    /// A user or role, by unique id.
    pub fn entity(&self, id: &UniqueId) -> Option<&Entity> {
        self.entity_arc(id).map(|entity| &**entity)
    }

    /// Like [`Self::entity`], but returns the shared pointer.
    pub fn entity_arc(&self, id: &UniqueId) -> Option<&Arc<Entity>> {
        self.principal(id).map(PrincipalRecord::entity)
    }

    /// A user, by name without regard to case.
    pub fn user(&self, account: AccountId, name: &str) -> Option<&Entity> {
        self.named(NameKind::User, account, name)
    }

    /// A role, by name without regard to case.
    pub fn role(&self, account: AccountId, name: &str) -> Option<&Entity> {
        self.named(NameKind::Role, account, name)
    }

    /// Returns the user or role with this ARN. Path and case must match exactly.
    pub fn entity_by_arn(&self, arn: &Arn) -> Option<&Entity> {
        if arn.service() != "iam" || arn.partition() != self.partition.as_str() {
            return None;
        }
        let (kind, _, name) = arn.typed_resource()?;
        let named = match kind {
            "user" => NameKind::User,
            "role" => NameKind::Role,
            _ => return None,
        };
        self.named(named, arn.account_id()?, name).filter(|entity| entity.arn(self.partition) == *arn)
    }

    /// An access key, active or not.
    pub fn access_key(&self, id: &str) -> Option<&Arc<AccessKey>> {
        self.keys.get(self.hash(id), |key| key.id.as_str() == id)
    }

    /// Calls `each` with every access key, in no order.
    pub fn for_each_access_key<'a>(&'a self, each: &mut impl FnMut(&'a Arc<AccessKey>)) {
        self.keys.for_each(each);
    }

    /// A managed policy, by ARN.
    pub fn managed_policy(&self, arn: &Arn) -> Option<&ManagedPolicy> {
        let named = |slot: &Slot| self.managed_at(*slot).is_some_and(|managed| managed.arn() == Some(arn));
        self.managed_at(*self.policy_arns.get(self.hash(arn.as_str()), named)?)
    }

    /// Returns a managed policy by owner and unique id.
    pub fn managed_policy_by_ref(&self, policy: PolicyRef) -> Option<&ManagedPolicy> {
        let (_, slot) = self.policy_slots.get(self.hash(policy), |(reference, _)| *reference == policy)?;
        self.managed_at(*slot).filter(|managed| managed.arn().is_some())
    }

    /// The number of users and roles.
    pub fn entity_count(&self) -> usize {
        self.principals.len()
    }

    /// Calls `each` with every user and role, in no order.
    pub fn for_each_entity<'a>(&'a self, each: &mut impl FnMut(&'a Entity)) {
        self.principals.for_each(&mut |record| each(record.entity()));
    }

    /// The policy that denies everything, which replaces policies that are missing or unreadable.
    pub fn deny_all(&self) -> &Policy {
        &self.deny_all[0]
    }

    fn group_at(&self, slot: Slot) -> Option<&Group> {
        self.groups.get(slot).map(|group| &**group)
    }

    fn managed_at(&self, slot: Slot) -> Option<&ManagedPolicy> {
        self.policies.get(slot)
    }

    /// Returns the policy in a slot, or the one that denies everything if the slot is empty.
    fn policy_at(&self, slot: Slot) -> &Policy {
        self.managed_at(slot).map_or(self.deny_all(), |managed| &managed.policy)
    }

    fn principal(&self, id: &UniqueId) -> Option<&PrincipalRecord> {
        self.principals.get(self.hash(id), id)
    }

    fn named(&self, kind: NameKind, account: AccountId, name: &str) -> Option<&Entity> {
        let is_it = |entity: &Entity| {
            entity.account == account
                && entity.is_role() == matches!(kind, NameKind::Role)
                && entity.name.eq_ignore_ascii_case(name)
        };
        let find = |id_hash: u64| {
            self.principals.find(id_hash, |record| is_it(record.entity())).map(|record| &**record.entity())
        };
        find(*self.entity_names.get(self.name_hash(kind, account, name), |id_hash| find(*id_hash).is_some())?)
    }

    /// How often groups and managed policies have changed.
    fn contents(&self) -> Contents {
        Contents { groups: self.groups.changes(), policies: self.policies.changes() }
    }

    fn hash(&self, of: impl std::hash::Hash) -> u64 {
        self.hasher.hash_one(of)
    }

    fn name_hash(&self, kind: NameKind, account: AccountId, name: &str) -> u64 {
        use std::hash::{Hash, Hasher};
        let mut state = self.hasher.build_hasher();
        (kind, account).hash(&mut state);
        for byte in name.bytes() {
            state.write_u8(byte.to_ascii_lowercase());
        }
        state.finish()
    }
}
