use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use bailiwick_model::{AccountId, IdKind, Path};

use super::super::entities::{Entity, Properties, Slot};
use super::*;

fn id(number: u64) -> UniqueId {
    let mut random = [0; 17];
    random[..8].copy_from_slice(&number.to_le_bytes());
    // Five bits of each byte count.
    for at in 0..8 {
        random[8 + at] = random[at] >> 5;
    }
    UniqueId::new(IdKind::User, random)
}

fn principal(number: u64, boundary: Slot) -> PrincipalRecord {
    let entity = Entity::new(AccountId::NONE, id(number), "", Path::root(), Properties::default());
    let mut principal = PrincipalRecord::new(Arc::new(entity));
    principal.set_boundary(Some(boundary));
    principal
}

/// The map behaves like a `HashMap`, for any hash function, and earlier clones stay unchanged.
fn check(hash_of: impl Fn(&UniqueId) -> u64 + Copy, entities: u64, steps: u64) {
    let mut principal_map = PrincipalMap::default();
    let mut map: HashMap<u64, Slot> = HashMap::new();
    let mut copies = Vec::new();
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    for step in 0..steps {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        let number = (state >> 8) % entities;
        let hash = hash_of(&id(number));
        match state % 4 {
            0 | 1 => {
                principal_map.insert(hash, principal(number, step as Slot), hash_of);
                map.insert(number, step as Slot);
            }
            2 => {
                principal_map.remove(hash, &id(number), hash_of);
                map.remove(&number);
            }
            _ => {
                let principal = principal_map.get_mut(hash, &id(number));
                assert_eq!(principal.is_some(), map.contains_key(&number));
                if let Some(principal) = principal {
                    principal.set_boundary(Some(step as Slot));
                    map.insert(number, step as Slot);
                }
            }
        }
        if step % (steps / 4) == 0 {
            copies.push((principal_map.clone(), map.clone()));
        }
    }
    copies.push((principal_map, map));
    for (principal_map, map) in &copies {
        let mut count = 0;
        principal_map.for_each(&mut |_| count += 1);
        assert_eq!((principal_map.len(), count), (map.len(), map.len()));
        for number in 0..entities {
            let found = principal_map.get(hash_of(&id(number)), &id(number)).and_then(PrincipalRecord::boundary);
            assert_eq!(found, map.get(&number).copied());
        }
    }
}

#[test]
fn a_principal_map_is_a_map() {
    let hasher = RandomState::new();
    check(|id| hasher.hash_one(id), 4_000, 20_000);
    check(|id| hasher.hash_one(id), 30, 2_000);
    // Collisions: of all bits, of the bits that select a leaf, of the bits that select a place in it.
    check(|_| 7, 150, 2_000);
    check(|id| hasher.hash_one(id) << 32, 150, 2_000);
    check(|id| hasher.hash_one(id) >> 32, 300, 2_000);
}

#[test]
fn a_change_copies_one_path_and_shares_the_rest() {
    let hasher = RandomState::new();
    let hash_of = |id: &UniqueId| hasher.hash_one(id);
    let mut principal_map = PrincipalMap::default();
    for number in 0..20_000 {
        principal_map.insert(hash_of(&id(number)), principal(number, 0), hash_of);
    }
    let before = principal_map.clone();
    principal_map.insert(hash_of(&id(777)), principal(777, 1), hash_of);
    let (copied, shared) = before.root.compare(&principal_map.root);
    assert!(copied <= 4, "{copied} nodes were copied");
    assert!(shared >= 31, "{shared} nodes were shared");
    assert_eq!(before.get(hash_of(&id(777)), &id(777)).unwrap().boundary(), Some(0));
}

/// A leaf that became 32 when it was full left three records in each of them.
#[test]
fn leaves_are_not_nearly_empty_at_any_size() {
    let hasher = RandomState::new();
    let hash_of = |id: &UniqueId| hasher.hash_one(id);
    let mut principal_map = PrincipalMap::default();
    for number in 0..30_000 {
        principal_map.insert(hash_of(&id(number)), principal(number, 0), hash_of);
        let records = principal_map.len();
        if [100, 1_000, 3_000, 10_000, 30_000].contains(&records) {
            let mut places = 0;
            principal_map.root.for_each(&mut |_| places += 1);
            assert!(5 * places <= 8 * records, "{places} places for {records} records");
        }
    }
}
