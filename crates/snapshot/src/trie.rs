//! A hash map that is cheap to publish: a copy is one pointer, and a change copies only the way to what it changes.

use std::sync::Arc;

#[cfg(test)]
mod tests;

/// How many children a branch has: 2 to the power of `BITS`.
const FANOUT: usize = 16;
const BITS: u32 = 4;
/// How many entries a leaf takes before it becomes a branch.
const LEAF: usize = 16;
/// Below this depth the hash has no bits left: leaves grow.
const DEPTH: u32 = u64::BITS / BITS;

/// Entries under 64-bit hashes, which the caller computes; entries of equal hash are told apart by the caller too.
///
/// Copies share everything. Changing a copy leaves the others as they were and costs, whatever the size of the map,
/// one leaf and a few branches; what no other copy holds any more is changed in place.
#[derive(Clone)]
pub(crate) struct Trie<T> {
    root: Option<Arc<Node<T>>>,
    len: usize,
}

#[derive(Clone)]
enum Node<T> {
    Branch([Option<Arc<Node<T>>>; FANOUT]),
    Leaf(Vec<(u64, T)>),
}

impl<T> Default for Trie<T> {
    fn default() -> Self {
        Trie { root: None, len: 0 }
    }
}

fn slot(hash: u64, depth: u32) -> usize {
    (hash >> (depth * BITS)) as usize % FANOUT
}

impl<T> Trie<T> {
    /// How many entries there are.
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// The entry under `hash` that `is` recognizes.
    pub(crate) fn get(&self, hash: u64, is: impl Fn(&T) -> bool) -> Option<&T> {
        let mut node = self.root.as_deref()?;
        let mut depth = 0;
        loop {
            match node {
                Node::Branch(children) => {
                    node = children[slot(hash, depth)].as_deref()?;
                    depth += 1;
                }
                Node::Leaf(entries) => {
                    return entries.iter().find(|(h, entry)| *h == hash && is(entry)).map(|(_, entry)| entry);
                }
            }
        }
    }

    /// Calls `each` with every entry, in no order worth naming.
    pub(crate) fn for_each<'a>(&'a self, each: &mut impl FnMut(&'a T)) {
        fn walk<'a, T>(node: &'a Node<T>, each: &mut impl FnMut(&'a T)) {
            match node {
                Node::Branch(children) => children.iter().flatten().for_each(|child| walk(child, each)),
                Node::Leaf(entries) => entries.iter().for_each(|(_, entry)| each(entry)),
            }
        }
        if let Some(root) = &self.root {
            walk(root, each);
        }
    }
}

impl<T: Clone> Trie<T> {
    /// Puts an entry in the place of the one that `is` recognizes, or beside those that are there.
    pub(crate) fn insert(&mut self, hash: u64, entry: T, is: impl Fn(&T) -> bool) -> Option<T> {
        let root = self.root.get_or_insert_with(|| Arc::new(Node::Leaf(Vec::new())));
        let replaced = insert(root, 0, hash, entry, is);
        self.len += usize::from(replaced.is_none());
        replaced
    }

    /// The entry under `hash` that `is` recognizes, to be changed; for other copies it stays as it is.
    pub(crate) fn get_mut(&mut self, hash: u64, is: impl Fn(&T) -> bool) -> Option<&mut T> {
        // Looked for first, so that what is not there copies nothing.
        self.get(hash, &is)?;
        let mut node = Arc::make_mut(self.root.as_mut()?);
        let mut depth = 0;
        loop {
            match node {
                Node::Branch(children) => {
                    node = Arc::make_mut(children[slot(hash, depth)].as_mut()?);
                    depth += 1;
                }
                Node::Leaf(entries) => {
                    return entries.iter_mut().find(|(h, entry)| *h == hash && is(entry)).map(|(_, entry)| entry);
                }
            }
        }
    }

    /// Takes out the entry under `hash` that `is` recognizes.
    pub(crate) fn remove(&mut self, hash: u64, is: impl Fn(&T) -> bool) -> Option<T> {
        self.get(hash, &is)?;
        let removed = remove(self.root.as_mut()?, 0, hash, &is)?;
        self.len -= 1;
        Some(removed)
    }
}

fn insert<T: Clone>(node: &mut Arc<Node<T>>, depth: u32, hash: u64, entry: T, is: impl Fn(&T) -> bool) -> Option<T> {
    let node = Arc::make_mut(node);
    if let Node::Leaf(entries) = node {
        if let Some((_, found)) = entries.iter_mut().find(|(h, entry)| *h == hash && is(entry)) {
            return Some(std::mem::replace(found, entry));
        }
        if entries.len() < LEAF || depth >= DEPTH {
            // Exact, since most leaves are read far more often than they grow.
            entries.reserve_exact(1);
            entries.push((hash, entry));
            return None;
        }
        *node = split(std::mem::take(entries), depth);
    }
    let Node::Branch(children) = node else { return None };
    let child = children[slot(hash, depth)].get_or_insert_with(|| Arc::new(Node::Leaf(Vec::new())));
    insert(child, depth + 1, hash, entry, is)
}

fn split<T: Clone>(entries: Vec<(u64, T)>, depth: u32) -> Node<T> {
    let mut leaves: [Vec<(u64, T)>; FANOUT] = Default::default();
    for (hash, entry) in entries {
        leaves[slot(hash, depth)].push((hash, entry));
    }
    Node::Branch(leaves.map(|mut leaf| {
        leaf.shrink_to_fit();
        (!leaf.is_empty()).then(|| Arc::new(Node::Leaf(leaf)))
    }))
}

fn remove<T: Clone>(node: &mut Arc<Node<T>>, depth: u32, hash: u64, is: &impl Fn(&T) -> bool) -> Option<T> {
    match Arc::make_mut(node) {
        Node::Branch(children) => {
            let place = &mut children[slot(hash, depth)];
            let child = place.as_mut()?;
            let removed = remove(child, depth + 1, hash, is)?;
            if matches!(&**child, Node::Leaf(entries) if entries.is_empty()) {
                *place = None;
            }
            Some(removed)
        }
        Node::Leaf(entries) => {
            let at = entries.iter().position(|(h, entry)| *h == hash && is(entry))?;
            Some(entries.swap_remove(at).1)
        }
    }
}
