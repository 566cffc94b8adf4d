//! What users and roles hold, found by the hash of their unique ids: a map that is cheap to search and cheap to publish.

use std::sync::Arc;

use bailiwick_evaluator::Policy;
use bailiwick_model::UniqueId;

use crate::entities::{Inline, Slot, Slots, set_slot};
use crate::shared::{Shared, make_mut};

#[cfg(test)]
mod tests;

/// How spilled children a branch has: 2 to the power of `BITS`.
const FANOUT: usize = 32;
const BITS: u32 = 5;
/// The low half of a hash leads through the branches, the high half to the place within a leaf. Below this depth
/// leaves grow.
const DEPTH: u32 = 6;
/// The places of leaves as they grow. A leaf is at most three quarters full.
const SIZES: [usize; 9] = [4, 6, 8, 12, 16, 24, 32, 48, 64];
/// How spilled policies and groups together stand in the seat itself.
const INLINE_SLOTS: usize = 5;
const NO_SLOT: Slot = Slot::MAX;

/// What every decision reads of a user or role, on one line of cache: among a million of them each further piece of
/// memory that is touched costs more than all the rest of finding one.
#[derive(Clone)]
#[repr(C, align(64))]
pub(crate) struct PrincipalPolicies {
    extra: Option<Arc<Extra>>,
    boundary: Slot,
    attached: u32,
    groups: u32,
    /// Of attached policies, then of groups.
    slots: [Slot; INLINE_SLOTS],
    id: UniqueId,
    /// They are more and stand all in `extra`.
    spilled: bool,
}

/// What only some have.
#[derive(Clone, Default)]
struct Extra {
    inline: Inline,
    slots: Box<[Slot]>,
}

impl PrincipalPolicies {
    pub(crate) fn new(id: UniqueId) -> PrincipalPolicies {
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

    /// The policy that bounds him.
    pub(crate) fn boundary(&self) -> Option<Slot> {
        (self.boundary != NO_SLOT).then_some(self.boundary)
    }

    pub(crate) fn set_boundary(&mut self, boundary: Option<Slot>) {
        self.boundary = boundary.unwrap_or(NO_SLOT);
    }

    /// His extra inline policies.
    pub(crate) fn inline(&self) -> &[Policy] {
        self.extra.as_ref().map_or(&[], |extra| &extra.inline)
    }

    /// Changes his inline policies.
    pub(crate) fn change_inline(&mut self, change: impl FnOnce(&mut Inline)) {
        self.change_extra(|extra| change(&mut extra.inline));
    }

    /// The managed policies attached to him.
    pub(crate) fn attached(&self) -> &[Slot] {
        self.slots().split_at_checked(self.attached as usize).unwrap_or_default().0
    }

    /// The groups that he is a member of.
    pub(crate) fn groups(&self) -> &[Slot] {
        self.slots().split_at_checked(self.attached as usize).unwrap_or_default().1
    }

    /// Attaches a policy, or detaches it.
    pub(crate) fn set_attached(&mut self, slot: Slot, there: bool) {
        let (mut attached, groups) = (Slots::from(self.attached()), Slots::from(self.groups()));
        set_slot(&mut attached, slot, there);
        self.set_slots(attached, groups);
    }

    /// Makes him a member of a group, or of it no more.
    pub(crate) fn set_group(&mut self, slot: Slot, there: bool) {
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

/// The seats of users and roles. Copies share everything; changing a copy leaves the others as they were, and costs one leaf and a
/// inline branches, however spilled there are.
#[derive(Clone, Default)]
pub(crate) struct PrincipalMap {
    root: Node,
}

#[derive(Clone, Default)]
enum Node {
    #[default]
    Empty,
    /// As spilled as [`FANOUT`].
    Branch(Arc<[Node]>),
    /// Each seat stands where its hash says, or in the next place that was free: mostly the first look finds it.
    Leaf(Arc<[Option<PrincipalPolicies>]>),
}

impl Shared for Node {
    fn count(&self) -> usize {
        match self {
            Node::Empty => 0,
            Node::Branch(children) => children.count(),
            Node::Leaf(principals) => principals.count(),
        }
    }
}

fn child(hash: u64, depth: u32) -> usize {
    (hash >> (depth * BITS)) as usize % FANOUT
}

/// The places of a leaf of `size`, in the order in which a seat with that hash takes one.
fn places(hash: u64, size: usize) -> impl Iterator<Item = usize> {
    let first = ((hash >> 32) as usize * size) >> 32;
    (first..size).chain(0..first)
}

impl PrincipalMap {
    /// The seat of a unique id, under its hash.
    pub(crate) fn get(&self, hash: u64, id: &UniqueId) -> Option<&PrincipalPolicies> {
        let mut node = &self.root;
        let mut depth = 0;
        loop {
            match node {
                Node::Empty => return None,
                Node::Branch(children) => {
                    node = &children[child(hash, depth)];
                    depth += 1;
                }
                Node::Leaf(principals) => {
                    let mut taken = places(hash, principals.len()).map_while(|at| principals[at].as_ref());
                    return taken.find(|principal| principal.id == *id);
                }
            }
        }
    }

    /// The seat of a unique id, to be changed; for other copies it stays as it is.
    pub(crate) fn get_mut(&mut self, hash: u64, id: &UniqueId) -> Option<&mut PrincipalPolicies> {
        // Looked for first, so that who is not there copies nothing.
        self.get(hash, id)?;
        let (Node::Leaf(principals), _) = reach(&mut self.root, hash) else { return None };
        let principals = Arc::make_mut(principals);
        let at = places(hash, principals.len())
            .find(|at| principals[*at].as_ref().is_some_and(|principal| principal.id == *id))?;
        principals[at].as_mut()
    }

    /// Gives somebody a seat, in the place of the one that he has. `hash_of` tells the hashes of the others.
    pub(crate) fn insert(&mut self, hash: u64, principal: PrincipalPolicies, hash_of: impl Fn(&UniqueId) -> u64) {
        if let Some(old) = self.get_mut(hash, &principal.id) {
            *old = principal;
            return;
        }
        loop {
            let (node, depth) = reach(&mut self.root, hash);
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
                let mut children: [Vec<PrincipalPolicies>; FANOUT] = Default::default();
                all.for_each(|principal| children[child(hash_of(&principal.id), depth)].push(principal));
                *node = Node::Branch(Arc::new(children.map(|principals| new_leaf(principals, SIZES[0], &hash_of))));
                continue;
            }
            let size = larger.unwrap_or(2 * principals.len());
            *node = new_leaf(all.chain([principal]).collect(), size, &hash_of);
            return;
        }
    }

    /// Takes away the seat of a unique id.
    pub(crate) fn remove(&mut self, hash: u64, id: &UniqueId, hash_of: impl Fn(&UniqueId) -> u64) {
        if self.get(hash, id).is_none() {
            return;
        }
        let (node, _) = reach(&mut self.root, hash);
        if let Node::Leaf(principals) = node {
            // The others move up, so that no search ends at the gap.
            let others = principals.iter().flatten().filter(|principal| principal.id != *id).cloned().collect();
            *node = new_leaf(others, SIZES[0], &hash_of);
        }
    }
}

/// Whether so spilled seats leave a leaf free enough for searches to be short.
fn fits(count: usize, size: usize) -> bool {
    4 * count <= 3 * size
}

/// What a hash leads to behind all branches, and how deep that lies.
fn reach(mut node: &mut Node, hash: u64) -> (&mut Node, u32) {
    let mut depth = 0;
    while let Node::Branch(children) = node {
        node = &mut make_mut(children)[child(hash, depth)];
        depth += 1;
    }
    (node, depth)
}

/// A leaf with these seats, of a size not below `size`.
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

/// Puts a seat in its place, of which there is one.
fn put(principals: &mut [Option<PrincipalPolicies>], hash: u64, principal: PrincipalPolicies) {
    if let Some(free) = places(hash, principals.len()).find(|at| principals[*at].is_none()) {
        principals[free] = Some(principal);
    }
}
