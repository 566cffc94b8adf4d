use std::collections::HashMap;

use super::*;

#[test]
fn a_persistent_vec_is_a_map_and_earlier_clones_stay_unchanged() {
    let mut list = PersistentVec::default();
    let mut map = HashMap::new();
    let mut copies = Vec::new();
    // Places at every height, and back again.
    let slots = [0, 1, 63, 64, 65, 4_095, 4_096, 300_000, 20_000_000, u32::MAX, 7];
    for (step, slot) in slots.into_iter().chain(0..5_000).enumerate() {
        if step % 3 == 2 {
            list.remove(slot / 2);
            map.remove(&(slot / 2));
        }
        *list.at(slot) = Some(step);
        map.insert(slot, step);
        if let Some(entry) = list.get_mut(slot / 3) {
            *entry += 1;
            *map.get_mut(&(slot / 3)).unwrap() += 1;
        }
        if step % 400 == 0 {
            copies.push((list.clone(), map.clone()));
        }
    }
    copies.push((list, map));
    for (list, map) in &copies {
        for slot in (0..5_100).chain(slots) {
            assert_eq!(list.get(slot), map.get(&slot), "{slot}");
        }
    }
}

#[test]
fn a_missing_entry_copies_nothing() {
    let mut list = PersistentVec::default();
    *list.at(5) = Some(1);
    let before = list.clone();
    assert_eq!(list.get_mut(6), None);
    list.remove(700);
    let (Node::Leaf(old), Node::Leaf(new)) = (&before.root, &list.root) else { panic!("one leaf holds them") };
    assert!(Arc::ptr_eq(old, new));
}
