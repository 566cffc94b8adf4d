use std::collections::HashMap;

use super::*;

/// A deterministic pseudo-random generator.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self, below: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % below
    }
}

/// The trie behaves like a `HashMap`, for any hash function, and earlier clones stay unchanged.
fn check(hash: fn(u64) -> u64, keys: u64, steps: u64) {
    let mut numbers = Numbers(0x9e37_79b9_7f4a_7c15);
    let mut trie = Trie::default();
    let mut map = HashMap::new();
    let mut copies = Vec::new();
    for step in 0..steps {
        let key = numbers.next(keys);
        let is = |entry: &(u64, u64)| entry.0 == key;
        match numbers.next(3) {
            0 | 1 => assert_eq!(trie.insert(hash(key), (key, step), is).map(|e| e.1), map.insert(key, step)),
            _ => assert_eq!(trie.remove(hash(key), is).map(|e| e.1), map.remove(&key)),
        }
        if step % (steps / 8) == 0 {
            copies.push((trie.clone(), map.clone()));
        }
    }
    copies.push((trie, map));
    for (trie, map) in &copies {
        assert_eq!(trie.len(), map.len());
        for key in 0..keys {
            assert_eq!(trie.get(hash(key), |e| e.0 == key).map(|e| e.1), map.get(&key).copied());
        }
        let mut seen = 0;
        trie.for_each(&mut |(key, value)| {
            seen += 1;
            assert_eq!(map.get(key), Some(value));
        });
        assert_eq!(seen, map.len());
    }
}

#[test]
fn a_trie_is_a_map() {
    check(|key| key, 3_000, 20_000);
    check(|key| key.wrapping_mul(0x9e37_79b9_7f4a_7c15), 3_000, 20_000);
    // Collisions: of all bits, or of all but the last.
    check(|_| 7, 40, 400);
    check(|key| key << 62, 100, 2_000);
}

#[test]
fn a_change_copies_one_path_and_shares_the_rest() {
    let mut trie = Trie::default();
    for key in 0..100_000u64 {
        trie.insert(key, Arc::new(key), |e| **e == key);
    }
    let before = trie.clone();
    trie.insert(77_777, Arc::new(0), |e| **e == 77_777);
    let (copied, shared) = before.root.compare(&trie.root);
    assert!(copied <= 6, "{copied} nodes were copied");
    assert!(shared >= 40, "{shared} nodes were shared");
    assert_eq!(before.get(77_777, |_| true), Some(&Arc::new(77_777)));
    assert_eq!(trie.get(77_777, |_| true), Some(&Arc::new(0)));
}
