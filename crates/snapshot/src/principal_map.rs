//! What users and roles hold, found by the hash of their unique ids: a map that is cheap to search and cheap to publish.

use std::sync::Arc;

use bailiwick_evaluator::Policy;
use bailiwick_model::UniqueId;

use crate::people::{Inline, Slot, Slots, set_slot};
use crate::shared::{Shared, make_mut};

#[cfg(test)]
mod tests;

/// How many children a branch has: 2 to the power of `BITS`.
const FANOUT: usize = 32;
const BITS: u32 = 5;
/// The low half of a hash leads through the branches, the high half to the place within a leaf. Below this depth
/// leaves grow.
const DEPTH: u32 = 6;
/// The places of leaves as they grow. A leaf is at most three quarters full.
const SIZES: [usize; 9] = [4, 6, 8, 12, 16, 24, 32, 48, 64];
/// How many policies and groups together stand in the seat itself.
const INLINE: usize = 5;
const NO_SLOT: Slot = Slot::MAX;

/// What every decision reads of a user or role, on one line of cache: among a million of them each further piece of
/// memory that is touched costs more than all the rest of finding one.
#[derive(Clone)]
#[repr(C, align(64))]
pub(crate) struct Seat {
    own: Option<Arc<Own>>,
    boundary: Slot,
    attached: u32,
    groups: u32,
    /// Of attached policies, then of groups.
    slots: [Slot; INLINE],
    id: UniqueId,
    /// They are more and stand all in `own`.
    many: bool,
}

/// What only some have.
#[derive(Clone, Default)]
struct Own {
    inline: Inline,
    slots: Box<[Slot]>,
}

impl Seat {
    pub(crate) fn new(id: UniqueId) -> Seat {
        Seat { own: None, boundary: NO_SLOT, attached: 0, groups: 0, slots: [NO_SLOT; INLINE], id, many: false }
    }

    /// The policy that bounds him.
    pub(crate) fn boundary(&self) -> Option<Slot> {
        (self.boundary != NO_SLOT).then_some(self.boundary)
    }

    pub(crate) fn set_boundary(&mut self, boundary: Option<Slot>) {
        self.boundary = boundary.unwrap_or(NO_SLOT);
    }

    /// His own inline policies.
    pub(crate) fn inline(&self) -> &[Policy] {
        self.own.as_ref().map_or(&[], |own| &own.inline)
    }

    /// Changes his inline policies.
    pub(crate) fn change_inline(&mut self, change: impl FnOnce(&mut Inline)) {
        self.change_own(|own| change(&mut own.inline));
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
        match &self.own {
            Some(own) if self.many => &own.slots,
            _ => self.slots.get(..(self.attached + self.groups) as usize).unwrap_or_default(),
        }
    }

    fn set_slots(&mut self, attached: Slots, groups: Slots) {
        (self.attached, self.groups) = (attached.len() as u32, groups.len() as u32);
        let mut all = attached;
        all.extend(groups);
        let many: Box<[Slot]> = match self.slots.get_mut(..all.len()) {
            Some(few) => {
                few.copy_from_slice(&all);
                Box::default()
            }
            None => all.as_slice().into(),
        };
        self.many = !many.is_empty();
        if self.many || self.own.is_some() {
            self.change_own(|own| own.slots = many);
        }
    }

    fn change_own(&mut self, change: impl FnOnce(&mut Own)) {
        let own = Arc::make_mut(self.own.get_or_insert_default());
        change(own);
        if own.inline.is_empty() && own.slots.is_empty() {
            self.own = None;
        }
    }
}

/// The seats of users and roles. Copies share everything; changing a copy leaves the others as they were, and costs one leaf and a
/// few branches, however many there are.
#[derive(Clone, Default)]
pub(crate) struct Roster {
    root: Node,
}

#[derive(Clone, Default)]
enum Node {
    #[default]
    Empty,
    /// As many as [`FANOUT`].
    Branch(Arc<[Node]>),
    /// Each seat stands where its hash says, or in the next place that was free: mostly the first look finds it.
    Leaf(Arc<[Option<Seat>]>),
}

impl Shared for Node {
    fn count(&self) -> usize {
        match self {
            Node::Empty => 0,
            Node::Branch(children) => children.count(),
            Node::Leaf(seats) => seats.count(),
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

impl Roster {
    /// The seat of a unique id, under its hash.
    pub(crate) fn get(&self, hash: u64, id: &UniqueId) -> Option<&Seat> {
        let mut node = &self.root;
        let mut depth = 0;
        loop {
            match node {
                Node::Empty => return None,
                Node::Branch(children) => {
                    node = &children[child(hash, depth)];
                    depth += 1;
                }
                Node::Leaf(seats) => {
                    let mut taken = places(hash, seats.len()).map_while(|at| seats[at].as_ref());
                    return taken.find(|seat| seat.id == *id);
                }
            }
        }
    }

    /// The seat of a unique id, to be changed; for other copies it stays as it is.
    pub(crate) fn get_mut(&mut self, hash: u64, id: &UniqueId) -> Option<&mut Seat> {
        // Looked for first, so that who is not there copies nothing.
        self.get(hash, id)?;
        let (Node::Leaf(seats), _) = reach(&mut self.root, hash) else { return None };
        let seats = Arc::make_mut(seats);
        let at = places(hash, seats.len()).find(|at| seats[*at].as_ref().is_some_and(|seat| seat.id == *id))?;
        seats[at].as_mut()
    }

    /// Gives somebody a seat, in the place of the one that he has. `hash_of` tells the hashes of the others.
    pub(crate) fn insert(&mut self, hash: u64, seat: Seat, hash_of: impl Fn(&UniqueId) -> u64) {
        if let Some(old) = self.get_mut(hash, &seat.id) {
            *old = seat;
            return;
        }
        loop {
            let (node, depth) = reach(&mut self.root, hash);
            let Node::Leaf(seats) = node else {
                *node = seated(vec![seat], SIZES[0], &hash_of);
                return;
            };
            let count = seats.iter().flatten().count();
            if fits(count + 1, seats.len()) {
                let seats = Arc::make_mut(seats);
                return put(seats, hash, seat);
            }
            let all = seats.iter().flatten().cloned();
            let larger = SIZES.into_iter().find(|size| fits(count + 1, *size));
            if larger.is_none() && depth < DEPTH {
                let mut children: [Vec<Seat>; FANOUT] = Default::default();
                all.for_each(|seat| children[child(hash_of(&seat.id), depth)].push(seat));
                *node = Node::Branch(Arc::new(children.map(|seats| seated(seats, SIZES[0], &hash_of))));
                continue;
            }
            let size = larger.unwrap_or(2 * seats.len());
            *node = seated(all.chain([seat]).collect(), size, &hash_of);
            return;
        }
    }

    /// Takes away the seat of a unique id.
    pub(crate) fn remove(&mut self, hash: u64, id: &UniqueId, hash_of: impl Fn(&UniqueId) -> u64) {
        if self.get(hash, id).is_none() {
            return;
        }
        let (node, _) = reach(&mut self.root, hash);
        if let Node::Leaf(seats) = node {
            // The others move up, so that no search ends at the gap.
            let others = seats.iter().flatten().filter(|seat| seat.id != *id).cloned().collect();
            *node = seated(others, SIZES[0], &hash_of);
        }
    }
}

/// Whether so many seats leave a leaf free enough for searches to be short.
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
fn seated(seats: Vec<Seat>, size: usize, hash_of: &impl Fn(&UniqueId) -> u64) -> Node {
    if seats.is_empty() {
        return Node::Empty;
    }
    let fitting = SIZES.into_iter().filter(|own| *own >= size).find(|own| fits(seats.len(), *own));
    let mut places = vec![None; fitting.unwrap_or(size.max(2 * seats.len()))];
    for seat in seats {
        let hash = hash_of(&seat.id);
        put(&mut places, hash, seat);
    }
    Node::Leaf(places.into())
}

/// Puts a seat in its place, of which there is one.
fn put(seats: &mut [Option<Seat>], hash: u64, seat: Seat) {
    if let Some(free) = places(hash, seats.len()).find(|at| seats[*at].is_none()) {
        seats[free] = Some(seat);
    }
}
