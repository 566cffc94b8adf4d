//! A hash table from hashes to numbers.

/// A hash table from hashes to numbers. It does not distinguish keys with the same hash.
#[derive(Default)]
pub(crate) struct Table {
    slots: Box<[Slot]>,
    items: Box<[u32]>,
}

#[derive(Clone, Copy, Default)]
struct Slot {
    hash: u64,
    item: u32,
    items: u32,
}

impl Table {
    pub(crate) fn build(mut entries: Vec<(u64, u32)>) -> Self {
        if entries.is_empty() {
            return Self::default();
        }
        entries.sort_unstable();
        entries.dedup();
        let distinct = entries.chunk_by(|a, b| a.0 == b.0).count();
        let mut slots = vec![Slot::default(); (distinct * 2).next_power_of_two()];
        let mut items = Vec::with_capacity(entries.len());
        let mask = slots.len() - 1;
        for group in entries.chunk_by(|a, b| a.0 == b.0) {
            let mut at = group[0].0 as usize & mask;
            while slots[at].items > 0 {
                at = (at + 1) & mask;
            }
            slots[at] = Slot { hash: group[0].0, item: items.len() as u32, items: group.len() as u32 };
            items.extend(group.iter().map(|(_, item)| *item));
        }
        Self { slots: slots.into(), items: items.into() }
    }

    /// The numbers under a hash.
    pub(crate) fn get(&self, hash: u64) -> &[u32] {
        if self.slots.is_empty() {
            return &[];
        }
        let mask = self.slots.len() - 1;
        let mut at = hash as usize & mask;
        // At least half of the slots are empty, so this ends.
        loop {
            let slot = self.slots[at];
            if slot.items == 0 {
                return &[];
            }
            if slot.hash == hash {
                return &self.items[slot.item as usize..(slot.item + slot.items) as usize];
            }
            at = (at + 1) & mask;
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    pub(crate) fn heap_bytes(&self) -> usize {
        size_of_val(&*self.slots) + size_of_val(&*self.items)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_found_under_their_hash() {
        // Hashes that collide in their low bits too.
        let entries: Vec<(u64, u32)> = (0..500u32).map(|n| (u64::from(n % 250) << (n % 3 * 20), n)).collect();
        let table = Table::build(entries.clone());
        for hash in entries.iter().map(|e| e.0).chain([7777, u64::MAX]) {
            let mut expected: Vec<u32> = entries.iter().filter(|e| e.0 == hash).map(|e| e.1).collect();
            expected.sort_unstable();
            assert_eq!(table.get(hash), expected);
        }
        assert!(Table::default().get(0).is_empty());
    }
}
