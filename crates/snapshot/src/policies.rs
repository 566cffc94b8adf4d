//! Managed policies, and what an identity holds when everything is put together.

use std::sync::Arc;

use bailiwick_evaluator::Policy;
use bailiwick_model::{Arn, Tags, UniqueId};
use bailiwick_storage::PolicyRef;
use bytes::Bytes;
use smallvec::SmallVec;

use crate::people::Slot;
use crate::roster::Seat;
use crate::{Group, Snapshot};

/// A managed policy: its default version, compiled.
#[derive(Clone, Debug)]
pub struct ManagedPolicy {
    /// The default version, compiled.
    pub policy: Policy,
    pub(crate) kept: Arc<Kept>,
}

/// What decisions need not know of a managed policy.
#[derive(Clone, Debug)]
pub(crate) struct Kept {
    pub(crate) reference: PolicyRef,
    pub(crate) arn: Option<Arn>,
    pub(crate) tags: Tags,
    pub(crate) default_version: u32,
    /// The stored records of all versions, so that another one can become the default.
    pub(crate) versions: Vec<(u32, Bytes)>,
}

impl ManagedPolicy {
    /// Owner and unique id.
    pub fn reference(&self) -> PolicyRef {
        self.kept.reference
    }

    /// The tags.
    pub fn tags(&self) -> &Tags {
        &self.kept.tags
    }

    /// The ARN; none if there is no such policy, which then denies everything to who holds it.
    pub fn arn(&self) -> Option<&Arn> {
        self.kept.arn.as_ref()
    }
}

/// The policies of a user or role as a decision takes them; borrowed from the snapshot.
#[derive(Clone)]
pub struct Holdings<'s> {
    seat: &'s Seat,
    identity: SmallVec<[&'s [Policy]; 12]>,
    boundary: Option<&'s Policy>,
}

/// Through whom an identity holds a policy.
#[derive(Clone, Copy, Debug)]
pub enum Holder<'s> {
    /// It is the user's or role's own.
    Own,
    /// It is a group's that the user is a member of.
    Group(&'s Group),
}

impl Snapshot {
    /// What a user or role holds, by unique id: own policies, then those of each group. Nothing is copied.
    pub fn holdings<'s>(&'s self, id: &UniqueId) -> Option<Holdings<'s>> {
        let seat = self.seat(id)?;
        let mut identity = SmallVec::new();
        self.push(&mut identity, seat.inline(), seat.attached());
        for slot in seat.groups() {
            match self.group_at(*slot) {
                Some(group) => self.push(&mut identity, &group.held.inline, &group.held.attached),
                None => identity.push(std::slice::from_ref(self.deny_all())),
            }
        }
        let boundary = seat.boundary().map(|slot| self.policy_at(slot));
        Some(Holdings { seat, identity, boundary })
    }

    fn push<'s>(&'s self, identity: &mut SmallVec<[&'s [Policy]; 12]>, inline: &'s [Policy], attached: &[Slot]) {
        if !inline.is_empty() {
            identity.push(inline);
        }
        identity.extend(attached.iter().map(|slot| std::slice::from_ref(self.policy_at(*slot))));
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
        let mut end = self.seat.inline().len() + self.seat.attached().len();
        if position >= end {
            for slot in self.seat.groups() {
                let group = snapshot.group_at(*slot);
                end += group.map_or(1, |group| group.held.inline.len() + group.held.attached.len());
                if let Some(group) = group
                    && position < end
                {
                    return Holder::Group(group);
                }
            }
        }
        Holder::Own
    }
}
