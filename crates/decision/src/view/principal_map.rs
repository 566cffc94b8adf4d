//! The users and roles with their policies, by the hash of their unique ids, in a persistent hash map.

use bailiwick_model::UniqueId;

use super::node;
use super::principal_record::PrincipalRecord;
use super::shared::make_mut;

#[cfg(test)]
mod tests;

/// How many bits of a hash select a child.
const BITS: u32 = 5;
/// The low half of a hash leads through the branches, the high half to the place within a leaf. Below this depth
/// leaves grow.
const DEPTH: u32 = 6;
/// The places of leaves as they grow. A leaf is at most four fifths full: a record is at most a few adjacent lines from
/// the place where its search begins.
const SIZES: [usize; 16] = [4, 6, 8, 10, 12, 14, 16, 20, 24, 28, 32, 36, 40, 48, 56, 64];

/// All users and roles. Clones share everything; a change to a clone leaves the others unchanged and copies one leaf and a
/// few branches, whatever the size of the map.
#[derive(Clone, Default)]
pub(super) struct PrincipalMap {
    root: Node,
    len: usize,
}

/// A leaf is an open-addressing table: most look-ups find a record at the first place that they probe.
type Node = node::Node<Option<PrincipalRecord>, BITS>;

/// The probe sequence of a hash in a leaf of `size` places.
fn places(hash: u64, size: usize) -> impl Iterator<Item = usize> {
    let first = ((hash >> 32) as usize * size) >> 32;
    (first..size).chain(0..first)
}

impl PrincipalMap {
    /// The number of users and roles.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Returns the record of a unique id, given its hash.
    pub(super) fn get(&self, hash: u64, id: &UniqueId) -> Option<&PrincipalRecord> {
        self.find(hash, |record| record.id() == id)
    }

    /// Returns the record that `is` recognizes, given the hash of its unique id.
    pub(super) fn find(&self, hash: u64, is: impl Fn(&PrincipalRecord) -> bool) -> Option<&PrincipalRecord> {
        let records = self.root.leaf(hash);
        let mut taken = places(hash, records.len()).map_while(|at| records[at].as_ref());
        taken.find(|record| is(record))
    }

    /// Calls `each` with every record, in no particular order.
    pub(super) fn for_each<'a>(&'a self, each: &mut impl FnMut(&'a PrincipalRecord)) {
        self.root.for_each(&mut |place| place.iter().for_each(&mut *each));
    }

    /// Returns the record of a unique id, mutably; other clones of the map do not change.
    pub(super) fn get_mut(&mut self, hash: u64, id: &UniqueId) -> Option<&mut PrincipalRecord> {
        // Searched first, so that a missing record copies nothing.
        self.get(hash, id)?;
        let (Node::Leaf(records), _) = self.root.reach(hash) else { return None };
        let records = make_mut(records);
        let at =
            places(hash, records.len()).find(|at| records[*at].as_ref().is_some_and(|record| record.id() == id))?;
        records[at].as_mut()
    }

    /// Inserts or replaces a record. `hash_of` returns the hashes of other records.
    pub(super) fn insert(&mut self, hash: u64, record: PrincipalRecord, hash_of: impl Fn(&UniqueId) -> u64) {
        if let Some(old) = self.get_mut(hash, record.id()) {
            *old = record;
            return;
        }
        self.len += 1;
        loop {
            let (node, depth) = self.root.reach(hash);
            let Node::Leaf(records) = node else {
                *node = new_leaf(vec![record], SIZES[0], &hash_of);
                return;
            };
            let count = records.iter().flatten().count();
            if fits(count + 1, records.len()) {
                put(make_mut(records), hash, record);
                return;
            }
            let larger = SIZES.into_iter().find(|size| fits(count + 1, *size));
            if larger.is_none() && depth < DEPTH {
                let hash_of_place = |place: &Option<PrincipalRecord>| place.as_ref().map_or(0, |it| hash_of(it.id()));
                let leaf = |places: Vec<Option<PrincipalRecord>>| {
                    new_leaf(places.into_iter().flatten().collect(), SIZES[0], &hash_of)
                };
                self.root.grow(hash, hash_of_place, leaf);
                continue;
            }
            let size = larger.unwrap_or(2 * records.len());
            *node = new_leaf(records.iter().flatten().cloned().chain([record]).collect(), size, &hash_of);
            return;
        }
    }

    /// Removes the record of a unique id.
    pub(super) fn remove(&mut self, hash: u64, id: &UniqueId, hash_of: impl Fn(&UniqueId) -> u64) {
        if self.get(hash, id).is_none() {
            return;
        }
        self.len -= 1;
        let (node, _) = self.root.reach(hash);
        if let Node::Leaf(records) = node {
            // The other records are inserted again, so that no probe sequence ends at the gap.
            let others = records.iter().flatten().filter(|record| record.id() != id).cloned().collect();
            *node = new_leaf(others, SIZES[0], &hash_of);
        }
    }
}

/// Returns whether a leaf with this many records has enough free places for short probe sequences.
fn fits(count: usize, size: usize) -> bool {
    5 * count <= 4 * size
}

/// Creates a leaf with these records and at least `size` places.
fn new_leaf(records: Vec<PrincipalRecord>, size: usize, hash_of: &impl Fn(&UniqueId) -> u64) -> Node {
    if records.is_empty() {
        return Node::Empty;
    }
    let fitting = SIZES.into_iter().filter(|fitting| *fitting >= size).find(|fitting| fits(records.len(), *fitting));
    let mut places = vec![None; fitting.unwrap_or(size.max(2 * records.len()))];
    for record in records {
        let hash = hash_of(record.id());
        put(&mut places, hash, record);
    }
    Node::Leaf(places.into())
}

/// Inserts a record into a leaf that has a free place.
fn put(records: &mut [Option<PrincipalRecord>], hash: u64, record: PrincipalRecord) {
    if let Some(free) = places(hash, records.len()).find(|at| records[*at].is_none()) {
        records[free] = Some(record);
    }
}
