//! The tree that persistent hash maps consist of: branches, which the bits of a hash lead through, and leaves.

use std::sync::Arc;

use super::shared::{Shared, make_mut};

/// A node, and the nodes below it. A branch has a child for each value of `BITS` bits of a hash, the lowest first; one that
/// [grows](Node::grow) has one for each value of fewer bits at first, and then no branch below it.
#[derive(Default)]
pub(super) enum Node<E, const BITS: u32> {
    #[default]
    Empty,
    Branch(Arc<[Node<E, BITS>]>),
    /// Never empty. One allocation, because each further one costs a cache miss per look-up.
    Leaf(Arc<[E]>),
}

// Derived, it would ask for `E: Clone`.
impl<E, const BITS: u32> Clone for Node<E, BITS> {
    fn clone(&self) -> Self {
        match self {
            Node::Empty => Node::Empty,
            Node::Branch(children) => Node::Branch(Arc::clone(children)),
            Node::Leaf(entries) => Node::Leaf(Arc::clone(entries)),
        }
    }
}

impl<E, const BITS: u32> Shared for Node<E, BITS> {
    fn count(&self) -> usize {
        match self {
            Node::Empty => 0,
            Node::Branch(children) => children.count(),
            Node::Leaf(entries) => entries.count(),
        }
    }
}

impl<E, const BITS: u32> Node<E, BITS> {
    /// Returns the entries of the leaf that a hash leads to.
    pub(super) fn leaf(&self, hash: u64) -> &[E] {
        let (mut node, mut depth) = (self, 0);
        loop {
            match node {
                Node::Empty => return &[],
                Node::Branch(children) => {
                    node = &children[child::<BITS>(hash, depth, children.len())];
                    depth += 1;
                }
                Node::Leaf(entries) => return entries,
            }
        }
    }

    /// Returns the node below all branches that a hash leads to, and its depth. Branches that others refer to are copied.
    pub(super) fn reach(&mut self, hash: u64) -> (&mut Self, u32) {
        let (mut node, mut depth) = (self, 0);
        while let Node::Branch(children) = node {
            let child = child::<BITS>(hash, depth, children.len());
            node = &mut make_mut(children)[child];
            depth += 1;
        }
        (node, depth)
    }

    /// Returns a branch with `width` children, a power of two, at this depth. `leaf` makes a child of the entries with the
    /// same bits.
    pub(super) fn split(
        entries: impl Iterator<Item = E>,
        width: usize,
        depth: u32,
        hash_of: impl Fn(&E) -> u64,
        leaf: impl Fn(Vec<E>) -> Self,
    ) -> Self {
        let mut children: Vec<Vec<E>> = (0..width).map(|_| Vec::new()).collect();
        entries.for_each(|entry| children[child::<BITS>(hash_of(&entry), depth, width)].push(entry));
        Node::Branch(children.into_iter().map(leaf).collect())
    }

    /// Splits the leaf that a hash leads to, and its neighbours: the branch above them gets twice as many children. If it
    /// cannot get more, the leaf becomes a branch with two. So leaves are not much smaller after than before.
    pub(super) fn grow(&mut self, hash: u64, hash_of: impl Fn(&E) -> u64, leaf: impl Fn(Vec<E>) -> Self)
    where
        E: Clone,
    {
        let (mut node, mut depth) = (self, 0);
        while matches!(node, Node::Branch(children) if children.len() == 1 << BITS) {
            let Node::Branch(children) = node else { return };
            let child = child::<BITS>(hash, depth, children.len());
            node = &mut make_mut(children)[child];
            depth += 1;
        }
        let width = if let Node::Branch(children) = node { 2 * children.len() } else { 2 };
        let mut entries = Vec::new();
        node.for_each(&mut |entry: &E| entries.push(entry.clone()));
        *node = Self::split(entries.into_iter(), width, depth, hash_of, leaf);
    }

    /// Calls `each` with every entry, in no particular order.
    pub(super) fn for_each<'a>(&'a self, each: &mut impl FnMut(&'a E)) {
        match self {
            Node::Empty => {}
            Node::Branch(children) => children.iter().for_each(|child| child.for_each(each)),
            Node::Leaf(entries) => entries.iter().for_each(each),
        }
    }

    /// How many nodes of two trees differ, and how many they share, not counting those below a shared one.
    #[cfg(test)]
    pub(super) fn compare(&self, other: &Self) -> (usize, usize) {
        let is_shared = match (self, other) {
            (Node::Empty, Node::Empty) => return (0, 0),
            (Node::Branch(a), Node::Branch(b)) => Arc::ptr_eq(a, b),
            (Node::Leaf(a), Node::Leaf(b)) => Arc::ptr_eq(a, b),
            _ => false,
        };
        match (self, other) {
            _ if is_shared => (0, 1),
            (Node::Branch(a), Node::Branch(b)) => {
                let below = a.iter().zip(&**b).map(|(a, b)| a.compare(b));
                below.fold((1, 0), |sum, below| (sum.0 + below.0, sum.1 + below.1))
            }
            _ => (1, 0),
        }
    }
}

fn child<const BITS: u32>(hash: u64, depth: u32, width: usize) -> usize {
    (hash >> (depth * BITS)) as usize & (width - 1)
}
