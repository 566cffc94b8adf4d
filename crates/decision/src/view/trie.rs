//! A persistent hash map: a clone copies one pointer, and a change copies only the path to the changed entry.

use std::sync::Arc;

use super::node::Node;
use super::shared::{Shared, make_mut, warm};

#[cfg(test)]
mod tests;

/// How many bits of a hash select a child.
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
    root: Node<(u64, T), BITS>,
    len: usize,
}

impl<T> Default for Trie<T> {
    fn default() -> Self {
        Trie { root: Node::Empty, len: 0 }
    }
}

impl<T> Trie<T> {
    /// The number of entries.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// The entry under `hash` that `is` recognizes.
    pub(super) fn get(&self, hash: u64, is: impl Fn(&T) -> bool) -> Option<&T> {
        self.root.leaf(hash).iter().find(|(h, entry)| *h == hash && is(entry)).map(|(_, entry)| entry)
    }

    /// Calls `each` with every entry, in no particular order.
    pub(super) fn for_each<'a>(&'a self, each: &mut impl FnMut(&'a T)) {
        self.root.for_each(&mut |(_, entry)| each(entry));
    }
}

impl<T: Clone + Shared> Trie<T> {
    /// Inserts an entry, or replaces the one that `is` recognizes.
    pub(super) fn insert(&mut self, hash: u64, entry: T, is: impl Fn(&T) -> bool) -> Option<T> {
        loop {
            let (node, depth) = self.root.reach(hash);
            let Node::Leaf(entries) = node else {
                *node = Node::Leaf(Arc::new([(hash, entry)]));
                self.len += 1;
                return None;
            };
            if let Some(at) = entries.iter().position(|(h, entry)| *h == hash && is(entry)) {
                return Some(std::mem::replace(&mut make_mut(entries)[at].1, entry));
            }
            if entries.len() < LEAF || depth == DEPTH {
                warm(entries);
                *entries = entries.iter().cloned().chain([(hash, entry)]).collect();
                self.len += 1;
                return None;
            }
            *node = Node::split(entries.iter().cloned(), 1 << BITS, depth, |(hash, _)| *hash, leaf);
        }
    }

    /// Removes the entry under `hash` that `is` recognizes.
    pub(super) fn remove(&mut self, hash: u64, is: impl Fn(&T) -> bool) -> Option<T> {
        // Searched first, so that a missing entry copies nothing.
        self.get(hash, &is)?;
        let (node, _) = self.root.reach(hash);
        let Node::Leaf(entries) = node else { return None };
        let at = entries.iter().position(|(h, entry)| *h == hash && is(entry))?;
        warm(entries);
        let removed = entries[at].1.clone();
        let rest = entries.iter().enumerate().filter(|(other, _)| *other != at);
        *node = leaf(rest.map(|(_, entry)| entry.clone()).collect());
        self.len -= 1;
        Some(removed)
    }
}

fn leaf<T>(entries: Vec<(u64, T)>) -> Node<(u64, T), BITS> {
    if entries.is_empty() { Node::Empty } else { Node::Leaf(entries.into()) }
}
