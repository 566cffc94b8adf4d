//! A persistent vector: a clone copies one pointer, and a change copies only the path to the changed entry.

use std::sync::Arc;

use super::entities::Slot;

#[cfg(test)]
mod tests;

/// How many children a branch has, and entries a leaf: 2 to the power of `BITS`.
const FANOUT: usize = 64;
const BITS: u32 = 6;

/// Entries by index, as a radix tree with [`FANOUT`] children per node. Indexes are assigned in ascending order, so the
/// tree is dense.
#[derive(Clone)]
pub(super) struct PersistentVec<T> {
    /// How often an entry was, or may have been, changed.
    changes: u64,
    root: Node<T>,
    /// Branches above the leaves.
    height: u32,
}

enum Node<T> {
    Empty,
    Branch(Arc<[Node<T>; FANOUT]>),
    Leaf(Arc<[Option<T>; FANOUT]>),
}

// Derived, it would ask for `T: Clone`.
impl<T> Clone for Node<T> {
    fn clone(&self) -> Self {
        match self {
            Node::Empty => Node::Empty,
            Node::Branch(children) => Node::Branch(Arc::clone(children)),
            Node::Leaf(entries) => Node::Leaf(Arc::clone(entries)),
        }
    }
}

impl<T> Default for PersistentVec<T> {
    fn default() -> Self {
        PersistentVec { changes: 0, root: Node::Empty, height: 0 }
    }
}

fn child(slot: Slot, height: u32) -> usize {
    (slot >> (height * BITS)) as usize % FANOUT
}

impl<T> PersistentVec<T> {
    /// Returns whether the root covers an index.
    fn covers(&self, slot: Slot) -> bool {
        u64::from(slot) >> ((self.height + 1) * BITS) == 0
    }

    /// A number that differs from that of each earlier state with other entries.
    pub(super) fn changes(&self) -> u64 {
        self.changes
    }

    /// The entry at a place.
    pub(super) fn get(&self, slot: Slot) -> Option<&T> {
        if !self.covers(slot) {
            return None;
        }
        let (mut node, mut height) = (&self.root, self.height);
        loop {
            match node {
                Node::Empty => return None,
                Node::Branch(children) => {
                    node = &children[child(slot, height)];
                    height -= 1;
                }
                Node::Leaf(entries) => return entries[child(slot, 0)].as_ref(),
            }
        }
    }
}

impl<T: Clone> PersistentVec<T> {
    /// The place, to be filled, changed or emptied; for other copies it stays as it is.
    pub(super) fn at(&mut self, slot: Slot) -> &mut Option<T> {
        // INVARIANT: every change of an entry goes through here.
        self.changes += 1;
        while !self.covers(slot) {
            if !matches!(self.root, Node::Empty) {
                let mut children = empty();
                children[0] = std::mem::replace(&mut self.root, Node::Empty);
                self.root = Node::Branch(Arc::new(children));
            }
            self.height += 1;
        }
        place(&mut self.root, slot, self.height)
    }

    /// Returns the entry at an index, mutably. Copies nothing if there is no entry.
    pub(super) fn get_mut(&mut self, slot: Slot) -> Option<&mut T> {
        self.get(slot)?;
        self.at(slot).as_mut()
    }

    /// Empties a place.
    pub(super) fn remove(&mut self, slot: Slot) {
        if self.get(slot).is_some() {
            *self.at(slot) = None;
        }
    }
}

fn empty<T>() -> [Node<T>; FANOUT] {
    std::array::from_fn(|_| Node::Empty)
}

fn place<T: Clone>(node: &mut Node<T>, slot: Slot, height: u32) -> &mut Option<T> {
    if matches!(node, Node::Empty) {
        *node = match height {
            0 => Node::Leaf(Arc::new(std::array::from_fn(|_| None))),
            _ => Node::Branch(Arc::new(empty())),
        };
    }
    match node {
        Node::Leaf(entries) => &mut Arc::make_mut(entries)[child(slot, 0)],
        Node::Branch(children) => place(&mut Arc::make_mut(children)[child(slot, height)], slot, height - 1),
        Node::Empty => unreachable!("it has just been made a leaf or a branch"),
    }
}
