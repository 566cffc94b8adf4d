//! A persistent hash map: a clone copies one pointer, and a change copies only the path to the changed entry.

use std::sync::Arc;

use super::shared::{Shared, make_mut, warm};

#[cfg(test)]
mod tests;

/// How many children a branch has: 2 to the power of `BITS`.
const FANOUT: usize = 16;
const BITS: u32 = 4;
/// The maximum number of entries in a leaf before it is split.
const LEAF: usize = 32;
/// Below this depth the hash has no bits left: leaves grow.
const DEPTH: u32 = u64::BITS / BITS;

/// Entries by 64-bit hash. The caller computes hashes and distinguishes entries with equal hashes.
///
/// Clones share everything. A change to a clone leaves the others unchanged and copies one leaf and a few branches,
/// whatever the size of the map; nodes that no other clone refers to are changed in place.
#[derive(Clone)]
pub(super) struct Trie<T> {
    root: Node<T>,
    len: usize,
}

enum Node<T> {
    Empty,
    /// As many as [`FANOUT`].
    Branch(Arc<[Node<T>]>),
    /// Never empty. One allocation, because each further one costs a cache miss per look-up.
    Leaf(Arc<[(u64, T)]>),
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

impl<T> Shared for Node<T> {
    fn count(&self) -> usize {
        match self {
            Node::Empty => 0,
            Node::Branch(children) => children.count(),
            Node::Leaf(entries) => entries.count(),
        }
    }
}

impl<T> Default for Trie<T> {
    fn default() -> Self {
        Trie { root: Node::Empty, len: 0 }
    }
}

fn slot(hash: u64, depth: u32) -> usize {
    (hash >> (depth * BITS)) as usize % FANOUT
}

impl<T> Trie<T> {
    /// The number of entries.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// The entry under `hash` that `is` recognizes.
    pub(super) fn get(&self, hash: u64, is: impl Fn(&T) -> bool) -> Option<&T> {
        let mut node = &self.root;
        let mut depth = 0;
        loop {
            match node {
                Node::Empty => return None,
                Node::Branch(children) => {
                    node = &children[slot(hash, depth)];
                    depth += 1;
                }
                Node::Leaf(entries) => {
                    return entries.iter().find(|(h, entry)| *h == hash && is(entry)).map(|(_, entry)| entry);
                }
            }
        }
    }

    /// Calls `each` with every entry, in no particular order.
    pub(super) fn for_each<'a>(&'a self, each: &mut impl FnMut(&'a T)) {
        fn walk<'a, T>(node: &'a Node<T>, each: &mut impl FnMut(&'a T)) {
            match node {
                Node::Empty => {}
                Node::Branch(children) => children.iter().for_each(|child| walk(child, each)),
                Node::Leaf(entries) => entries.iter().for_each(|(_, entry)| each(entry)),
            }
        }
        walk(&self.root, each);
    }
}

impl<T: Clone + Shared> Trie<T> {
    /// Inserts an entry, or replaces the one that `is` recognizes.
    pub(super) fn insert(&mut self, hash: u64, entry: T, is: impl Fn(&T) -> bool) -> Option<T> {
        let mut node = &mut self.root;
        let mut depth = 0;
        loop {
            if let Node::Leaf(entries) = node
                && entries.len() >= LEAF
                && depth < DEPTH
                && !entries.iter().any(|(h, entry)| *h == hash && is(entry))
            {
                *node = split(entries, depth);
            }
            match node {
                Node::Empty => {
                    *node = Node::Leaf(Arc::new([(hash, entry)]));
                    self.len += 1;
                    return None;
                }
                Node::Branch(children) => {
                    node = &mut make_mut(children)[slot(hash, depth)];
                    depth += 1;
                }
                Node::Leaf(entries) => {
                    let Some(at) = entries.iter().position(|(h, entry)| *h == hash && is(entry)) else {
                        warm(entries);
                        *entries = entries.iter().cloned().chain([(hash, entry)]).collect();
                        self.len += 1;
                        return None;
                    };
                    return Some(std::mem::replace(&mut make_mut(entries)[at].1, entry));
                }
            }
        }
    }

    /// Takes out the entry under `hash` that `is` recognizes.
    pub(super) fn remove(&mut self, hash: u64, is: impl Fn(&T) -> bool) -> Option<T> {
        self.get(hash, &is)?;
        self.len -= 1;
        let mut node = &mut self.root;
        let mut depth = 0;
        loop {
            match node {
                Node::Empty => return None,
                Node::Branch(children) => {
                    node = &mut make_mut(children)[slot(hash, depth)];
                    depth += 1;
                }
                Node::Leaf(entries) => {
                    let at = entries.iter().position(|(h, entry)| *h == hash && is(entry))?;
                    warm(entries);
                    let removed = entries[at].1.clone();
                    let rest = entries.iter().enumerate().filter(|(other, _)| *other != at);
                    let rest: Arc<[_]> = rest.map(|(_, entry)| entry.clone()).collect();
                    *node = if rest.is_empty() { Node::Empty } else { Node::Leaf(rest) };
                    return Some(removed);
                }
            }
        }
    }
}

fn split<T: Clone>(entries: &[(u64, T)], depth: u32) -> Node<T> {
    let mut leaves: [Vec<(u64, T)>; FANOUT] = Default::default();
    for (hash, entry) in entries {
        leaves[slot(*hash, depth)].push((*hash, entry.clone()));
    }
    Node::Branch(Arc::new(leaves.map(|leaf| if leaf.is_empty() { Node::Empty } else { Node::Leaf(leaf.into()) })))
}
