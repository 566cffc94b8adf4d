//! The policies of users and roles, by the hash of their unique ids, in a persistent hash map.

use std::sync::Arc;

use bailiwick_evaluator::Policy;
use bailiwick_model::UniqueId;

use super::entities::{Inline, Slot, Slots, set_slot};
use super::node;

#[cfg(test)]
mod tests;

/// How many bits of a hash select a child.
const BITS: u32 = 5;
/// The low half of a hash leads through the branches, the high half to the place within a leaf. Below this depth
/// leaves grow.
const DEPTH: u32 = 6;
/// The places of leaves as they grow. A leaf is at most four fifths full: an entry is at most a few adjacent lines from
/// the place where its search begins.
const SIZES: [usize; 16] = [4, 6, 8, 10, 12, 14, 16, 20, 24, 28, 32, 36, 40, 48, 56, 64];
/// How many slots of policies and groups an entry stores inline.
const INLINE_SLOTS: usize = 5;
const NO_SLOT: Slot = Slot::MAX;

/// The policies of a user or role, in one cache line: in a large map, each further cache miss costs more than the rest
/// of the look-up.
#[derive(Clone)]
#[repr(C, align(64))]
pub(super) struct PrincipalPolicies {
    extra: Option<Arc<Extra>>,
    boundary: Slot,
    attached: u32,
    groups: u32,
    /// Of attached policies, then of groups.
    slots: [Slot; INLINE_SLOTS],
    id: UniqueId,
    /// Whether the slots are in `extra` because they do not fit inline.
    spilled: bool,
}

/// Inline policies, and slots that do not fit inline.
#[derive(Clone, Default)]
struct Extra {
    inline: Inline,
    slots: Box<[Slot]>,
}

impl PrincipalPolicies {
    pub(super) fn new(id: UniqueId) -> PrincipalPolicies {
        PrincipalPolicies {
            extra: None,
            boundary: NO_SLOT,
            attached: 0,
            groups: 0,
            slots: [NO_SLOT; INLINE_SLOTS],
            id,
            spilled: false,
        }
    }

    /// The unique id.
    pub(super) fn id(&self) -> &UniqueId {
        &self.id
    }

    /// The slot of the permissions boundary.
    pub(super) fn boundary(&self) -> Option<Slot> {
        (self.boundary != NO_SLOT).then_some(self.boundary)
    }

    pub(super) fn set_boundary(&mut self, boundary: Option<Slot>) {
        self.boundary = boundary.unwrap_or(NO_SLOT);
    }

    /// The inline policies.
    pub(super) fn inline(&self) -> &[Policy] {
        self.extra.as_ref().map_or(&[], |extra| &extra.inline)
    }

    /// Changes the inline policies.
    pub(super) fn change_inline(&mut self, change: impl FnOnce(&mut Inline)) {
        self.change_extra(|extra| change(&mut extra.inline));
    }

    /// The attached managed policies.
    pub(super) fn attached(&self) -> &[Slot] {
        self.slots().split_at_checked(self.attached as usize).unwrap_or_default().0
    }

    /// The groups that the user is a member of.
    pub(super) fn groups(&self) -> &[Slot] {
        self.slots().split_at_checked(self.attached as usize).unwrap_or_default().1
    }

    /// Attaches a policy, or detaches it.
    pub(super) fn set_attached(&mut self, slot: Slot, there: bool) {
        let (mut attached, groups) = (Slots::from(self.attached()), Slots::from(self.groups()));
        set_slot(&mut attached, slot, there);
        self.set_slots(attached, groups);
    }

    /// Adds the user to a group, or removes them.
    pub(super) fn set_group(&mut self, slot: Slot, there: bool) {
        let (attached, mut groups) = (Slots::from(self.attached()), Slots::from(self.groups()));
        set_slot(&mut groups, slot, there);
        self.set_slots(attached, groups);
    }

    fn slots(&self) -> &[Slot] {
        match &self.extra {
            Some(extra) if self.spilled => &extra.slots,
            _ => self.slots.get(..(self.attached + self.groups) as usize).unwrap_or_default(),
        }
    }

    fn set_slots(&mut self, attached: Slots, groups: Slots) {
        (self.attached, self.groups) = (attached.len() as u32, groups.len() as u32);
        let mut all = attached;
        all.extend(groups);
        let spilled: Box<[Slot]> = match self.slots.get_mut(..all.len()) {
            Some(inline) => {
                inline.copy_from_slice(&all);
                Box::default()
            }
            None => all.as_slice().into(),
        };
        self.spilled = !spilled.is_empty();
        if self.spilled || self.extra.is_some() {
            self.change_extra(|extra| extra.slots = spilled);
        }
    }

    fn change_extra(&mut self, change: impl FnOnce(&mut Extra)) {
        let extra = Arc::make_mut(self.extra.get_or_insert_default());
        change(extra);
        if extra.inline.is_empty() && extra.slots.is_empty() {
            self.extra = None;
        }
    }
}

/// The policies of all users and roles. Clones share everything; a change to a clone leaves the others unchanged and
/// copies one leaf and a few branches, whatever the size of the map.
#[derive(Clone, Default)]
pub(super) struct PrincipalMap {
    root: Node,
}

/// A leaf is an open-addressing table: most look-ups find an entry at the first place that they probe.
type Node = node::Node<Option<PrincipalPolicies>, BITS>;

/// The probe sequence of a hash in a leaf of `size` places.
fn places(hash: u64, size: usize) -> impl Iterator<Item = usize> {
    let first = ((hash >> 32) as usize * size) >> 32;
    (first..size).chain(0..first)
}

impl PrincipalMap {
    /// Returns the entry of a unique id, given its hash.
    pub(super) fn get(&self, hash: u64, id: &UniqueId) -> Option<&PrincipalPolicies> {
        let principals = self.root.leaf(hash);
        let mut taken = places(hash, principals.len()).map_while(|at| principals[at].as_ref());
        taken.find(|principal| principal.id == *id)
    }

    /// Returns the entry of a unique id, mutably; other clones of the map do not change.
    pub(super) fn get_mut(&mut self, hash: u64, id: &UniqueId) -> Option<&mut PrincipalPolicies> {
        // Searched first, so that a missing entry copies nothing.
        self.get(hash, id)?;
        let (Node::Leaf(principals), _) = self.root.reach(hash) else { return None };
        let principals = Arc::make_mut(principals);
        let at = places(hash, principals.len())
            .find(|at| principals[*at].as_ref().is_some_and(|principal| principal.id == *id))?;
        principals[at].as_mut()
    }

    /// Inserts or replaces an entry. `hash_of` returns the hashes of other entries.
    pub(super) fn insert(&mut self, hash: u64, principal: PrincipalPolicies, hash_of: impl Fn(&UniqueId) -> u64) {
        if let Some(old) = self.get_mut(hash, &principal.id) {
            *old = principal;
            return;
        }
        loop {
            let (node, depth) = self.root.reach(hash);
            let Node::Leaf(principals) = node else {
                *node = new_leaf(vec![principal], SIZES[0], &hash_of);
                return;
            };
            let count = principals.iter().flatten().count();
            if fits(count + 1, principals.len()) {
                let principals = Arc::make_mut(principals);
                return put(principals, hash, principal);
            }
            let all = principals.iter().flatten().cloned();
            let larger = SIZES.into_iter().find(|size| fits(count + 1, *size));
            if larger.is_none() && depth < DEPTH {
                let hash_of_place = |place: &Option<PrincipalPolicies>| place.as_ref().map_or(0, |it| hash_of(&it.id));
                let leaf = |places: Vec<Option<PrincipalPolicies>>| {
                    new_leaf(places.into_iter().flatten().collect(), SIZES[0], &hash_of)
                };
                *node = Node::split(all.map(Some), depth, hash_of_place, leaf);
                continue;
            }
            let size = larger.unwrap_or(2 * principals.len());
            *node = new_leaf(all.chain([principal]).collect(), size, &hash_of);
            return;
        }
    }

    /// Removes the entry of a unique id.
    pub(super) fn remove(&mut self, hash: u64, id: &UniqueId, hash_of: impl Fn(&UniqueId) -> u64) {
        if self.get(hash, id).is_none() {
            return;
        }
        let (node, _) = self.root.reach(hash);
        if let Node::Leaf(principals) = node {
            // The other entries are inserted again, so that no probe sequence ends at the gap.
            let others = principals.iter().flatten().filter(|principal| principal.id != *id).cloned().collect();
            *node = new_leaf(others, SIZES[0], &hash_of);
        }
    }
}

/// Returns whether a leaf with this many entries has enough free places for short probe sequences.
fn fits(count: usize, size: usize) -> bool {
    5 * count <= 4 * size
}

/// Creates a leaf with these entries and at least `size` places.
fn new_leaf(principals: Vec<PrincipalPolicies>, size: usize, hash_of: &impl Fn(&UniqueId) -> u64) -> Node {
    if principals.is_empty() {
        return Node::Empty;
    }
    let fitting = SIZES.into_iter().filter(|fitting| *fitting >= size).find(|fitting| fits(principals.len(), *fitting));
    let mut places = vec![None; fitting.unwrap_or(size.max(2 * principals.len()))];
    for principal in principals {
        let hash = hash_of(&principal.id);
        put(&mut places, hash, principal);
    }
    Node::Leaf(places.into())
}

/// Inserts an entry into a leaf that has a free place.
fn put(principals: &mut [Option<PrincipalPolicies>], hash: u64, principal: PrincipalPolicies) {
    if let Some(free) = places(hash, principals.len()).find(|at| principals[*at].is_none()) {
        principals[free] = Some(principal);
    }
}
