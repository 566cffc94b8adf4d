//! A bounded cache, safe to share.

use std::borrow::Borrow;
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};

/// Keeps recently used entries: at least `capacity` in weight, at most twice that.
///
/// Entries are in a young or an old half. When the young half is full, it becomes the old one, and entries that were not
/// used in the meantime are dropped.
pub(crate) struct Cache<K, V> {
    halves: Mutex<Halves<K, V>>,
    capacity: usize,
}

struct Halves<K, V> {
    young: HashMap<K, (V, usize)>,
    old: HashMap<K, (V, usize)>,
    weight: usize,
}

impl<K: Eq + Hash + Clone, V: Clone> Cache<K, V> {
    pub(crate) fn new(capacity: usize) -> Self {
        let halves = Halves { young: HashMap::new(), old: HashMap::new(), weight: 0 };
        Cache { halves: Mutex::new(halves), capacity }
    }

    pub(crate) fn get<Q: Eq + Hash + ?Sized>(&self, key: &Q) -> Option<V>
    where
        K: Borrow<Q>,
    {
        let mut halves = self.halves();
        if let Some((value, _)) = halves.young.get(key) {
            return Some(value.clone());
        }
        let (key, (value, weight)) = halves.old.remove_entry(key)?;
        halves.insert(key, value.clone(), weight, self.capacity);
        Some(value)
    }

    /// Adds an entry that counts as `weight`.
    pub(crate) fn insert(&self, key: K, value: V, weight: usize) {
        // An entry that would evict most others is not cached.
        if weight <= self.capacity / 4 {
            let mut halves = self.halves();
            halves.old.remove(&key);
            halves.insert(key, value, weight, self.capacity);
        }
    }

    /// Drops every entry for which `keep` returns false.
    pub(crate) fn retain(&self, keep: impl Fn(&K, &V) -> bool) {
        let mut halves = self.halves();
        halves.old.retain(|key, (value, _)| keep(key, value));
        halves.young.retain(|key, (value, _)| keep(key, value));
        halves.weight = halves.young.values().map(|(_, weight)| weight).sum();
    }

    fn halves(&self) -> std::sync::MutexGuard<'_, Halves<K, V>> {
        // A cache is valid even if a panic interrupted a change.
        self.halves.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Eq + Hash, V> Halves<K, V> {
    fn insert(&mut self, key: K, value: V, weight: usize, capacity: usize) {
        if self.weight + weight > capacity {
            self.old = std::mem::take(&mut self.young);
            self.weight = 0;
        }
        let replaced = self.young.insert(key, (value, weight)).map_or(0, |(_, weight)| weight);
        self.weight += weight - replaced.min(weight);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn used_entries_stay_and_others_are_dropped() {
        let cache = Cache::new(10);
        for key in 0..1_000 {
            cache.insert(key, key * 2, 1);
            assert_eq!(cache.get(&0), Some(0), "after {key}");
            let halves = cache.halves();
            assert!(halves.young.len() <= 10 && halves.old.len() <= 10);
        }
        assert_eq!(cache.get(&1), None);
        assert_eq!(cache.get(&999), Some(1_998));
        cache.insert(999, 7, 1);
        assert_eq!(cache.get(&999), Some(7));
        cache.retain(|key, _| *key == 0);
        assert_eq!((cache.get(&0), cache.get(&999)), (Some(0), None));
    }

    #[test]
    fn an_entry_that_is_too_heavy_is_not_kept() {
        let cache = Cache::new(100);
        cache.insert("light", 1, 25);
        cache.insert("heavy", 2, 26);
        assert_eq!((cache.get("light"), cache.get("heavy")), (Some(1), None));
        // The weight of a replaced entry counts once.
        for _ in 0..100 {
            cache.insert("light", 1, 25);
        }
        assert!(cache.halves().old.is_empty());
    }
}
