//! Managed policies, and what an identity holds when everything is put together.

use bailiwick_evaluator::Policy;
use bailiwick_model::Arn;
use bailiwick_storage::PolicyRef;
use bytes::Bytes;
use smallvec::SmallVec;

use crate::{Entity, Group, Snapshot, people::Held};

/// A managed policy: its default version, compiled.
#[derive(Clone, Debug)]
pub struct ManagedPolicy {
    /// Owner and unique id.
    pub reference: PolicyRef,
    /// The ARN; none if there is no such policy, which then denies everything to who holds it.
    pub arn: Option<Arn>,
    /// The default version, compiled.
    pub policy: Policy,
    pub(crate) default_version: u32,
    /// The stored records of all versions, so that another one can become the default.
    pub(crate) versions: Vec<(u32, Bytes)>,
}

/// The policies of a user or role as a decision takes them; borrowed from the snapshot.
#[derive(Clone, Debug)]
pub struct Holdings<'s> {
    entity: &'s Entity,
    identity: SmallVec<[&'s [Policy]; 12]>,
    boundary: Option<&'s Policy>,
}

/// Through whom an identity holds a policy.
#[derive(Clone, Copy, Debug)]
pub enum Holder<'s> {
    /// It is the entity's own.
    Own(&'s Entity),
    /// It is a group's that the user is a member of.
    Group(&'s Group),
}

impl Snapshot {
    /// What a user or role holds: own policies, then those of each group. Nothing is copied.
    pub fn holdings<'s>(&'s self, entity: &'s Entity) -> Holdings<'s> {
        let mut identity = SmallVec::new();
        self.push(&mut identity, &entity.held);
        for slot in &entity.groups {
            match self.group_at(*slot) {
                Some(group) => self.push(&mut identity, &group.held),
                None => identity.push(self.deny_all()),
            }
        }
        let boundary = entity.boundary.map(|slot| self.policy_at(slot));
        Holdings { entity, identity, boundary }
    }

    fn push<'s>(&'s self, identity: &mut SmallVec<[&'s [Policy]; 12]>, held: &'s Held) {
        if !held.inline.is_empty() {
            identity.push(&held.inline);
        }
        for slot in &held.attached {
            identity.push(std::slice::from_ref(self.policy_at(*slot)));
        }
    }

    fn policy_at(&self, slot: u32) -> &Policy {
        self.managed_at(slot).map_or(&self.deny_all()[0], |managed| &managed.policy)
    }
}

impl<'s> Holdings<'s> {
    /// Identity policies, in slices, in the order in which the evaluator counts them.
    pub fn identity(&self) -> &[&'s [Policy]] {
        &self.identity
    }

    /// The permissions boundary, if there is one.
    pub fn boundary(&self) -> Option<&'s Policy> {
        self.boundary
    }

    /// Through whom the policy at a position among the identity policies is held.
    pub fn holder(&self, snapshot: &'s Snapshot, position: usize) -> Holder<'s> {
        let count = |held: &Held| held.inline.len() + held.attached.len();
        let mut end = count(&self.entity.held);
        if position >= end {
            for slot in &self.entity.groups {
                let group = snapshot.group_at(*slot);
                end += group.map_or(1, |group| count(&group.held));
                if let Some(group) = group
                    && position < end
                {
                    return Holder::Group(group);
                }
            }
        }
        Holder::Own(self.entity)
    }
}
