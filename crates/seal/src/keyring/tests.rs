use proptest::prelude::*;

use super::*;

const HOUR: i64 = 3600;

fn keyring() -> Keyring {
    Keyring::generate(1000).unwrap()
}

#[test]
fn sealed_bytes_open_only_for_their_purpose_and_context() {
    let keyring = keyring();
    let aad: &[&[u8]] = &[b"table", b"owner"];
    for purpose in KeyPurpose::ALL {
        let sealed = keyring.seal(purpose, aad, b"plain").unwrap();
        assert_eq!(sealed.len(), HEADER + OVERHEAD + 5);
        for other in KeyPurpose::ALL {
            let opened = keyring.open(other, aad, &sealed);
            assert_eq!(opened.is_ok_and(|plain| **plain == *b"plain"), other == purpose, "{purpose:?} {other:?}");
        }
        for other in ["", "table", "tableowner", "tabl|eowner", "table|owner|", "owner|table"] {
            let other: Vec<_> = other.split('|').map(str::as_bytes).collect();
            assert_eq!(keyring.open(purpose, &other, &sealed), Err(SealError::Unopenable), "{other:?}");
        }
    }
}

#[test]
fn keys_of_two_purposes_differ_even_with_the_same_bytes() {
    let bytes = || Zeroizing::new([7; 32]);
    let mut keys: Vec<_> = Vec::new();
    for (i, purpose) in (1..).zip(KeyPurpose::ALL) {
        keys.push(Arc::new(Key::new(i, purpose, 0, bytes()).unwrap()));
    }
    let keyring = Keyring::of_keys(keys, 10).unwrap();
    let sealed = keyring.seal(KeyPurpose::AtRest, &[], b"x").unwrap();
    let aad = key::encode_parts(&sealed[..HEADER], &[]);
    for key in &keyring.keys {
        let opened = key.aead.open(&aad, &sealed[HEADER..]);
        assert_eq!(opened.is_ok(), key.purpose == KeyPurpose::AtRest);
    }
}

#[test]
fn the_row_key_is_created_once_and_never_rotated() {
    let old = Keyring {
        keys: keyring().keys.into_iter().filter(|key| key.purpose != KeyPurpose::Rows).collect(),
        next_id: 9,
    };
    assert!(old.row_key().unwrap().is_none() && !old.is_complete());
    let sealed = old.seal(KeyPurpose::AtRest, &[], b"x").unwrap();
    let new = old.complete(7).unwrap();
    assert!(new.row_key().unwrap().is_some() && new.is_complete());
    assert!(new.open(KeyPurpose::AtRest, &[], &sealed).is_ok());
    assert_eq!(new.rotate(KeyPurpose::Rows, 8).err(), Some(SealError::Permanent));
    assert_eq!(new.complete(9).unwrap().next_id(), new.next_id());
    assert_eq!(new.prune(KeyPurpose::Rows, i64::MAX, 0).count(KeyPurpose::Rows), 1);
}

#[test]
fn sealing_twice_gives_different_bytes() {
    let keyring = keyring();
    let [a, b] = [0; 2].map(|_| keyring.seal(KeyPurpose::Marker, &[], b"same").unwrap());
    assert_ne!(a, b);
}

#[test]
fn bytes_sealed_before_a_rotation_open_until_pruned() {
    let purpose = KeyPurpose::SessionToken;
    let first = keyring();
    let old = first.seal(purpose, &[], b"old").unwrap();
    let second = first.rotate(purpose, 1000 + 24 * HOUR).unwrap();
    let new = second.seal(purpose, &[], b"new").unwrap();
    assert!(second.open(purpose, &[], &old).is_ok() && second.open(purpose, &[], &new).is_ok());
    assert!(first.open(purpose, &[], &new).is_err());
    assert!(second.knows(purpose, &new) && !first.knows(purpose, &new) && !second.knows(KeyPurpose::Marker, &new));
    assert!(second.is_outdated(purpose, &old) && !second.is_outdated(purpose, &new));
    // The last bytes that the first key sealed can be opened for `keep` seconds.
    let keep = 37 * HOUR;
    let before = second.prune(purpose, 1000 + (24 + 37) * HOUR - 1, keep);
    assert!(before.open(purpose, &[], &old).is_ok());
    let after = second.prune(purpose, 1000 + (24 + 37) * HOUR, keep);
    assert_eq!((after.count(purpose), after.count(KeyPurpose::AtRest)), (1, 1));
    assert_eq!(after.open(purpose, &[], &old), Err(SealError::Unopenable));
    assert!(after.open(purpose, &[], &new).is_ok());
    // The key in use is never pruned, however old, and ids do not come again.
    let last = after.prune(purpose, i64::MAX, 0);
    assert_eq!(last.count(purpose), 1);
    assert!(!last.rotate(purpose, 0).unwrap().knows(purpose, &old));
}

#[test]
fn a_clock_that_is_set_back_loses_no_key() {
    let purpose = KeyPurpose::SessionToken;
    let back = keyring().rotate(purpose, 10).unwrap();
    let sealed = back.seal(purpose, &[], b"x").unwrap();
    assert!(!back.is_outdated(purpose, &sealed));
    assert!(back.prune(purpose, 10, HOUR).open(purpose, &[], &sealed).is_ok());
}

#[test]
fn a_key_is_due_at_its_age() {
    let keyring = keyring();
    for (now, due) in [(0, false), (1000 + 24 * HOUR - 1, false), (1000 + 24 * HOUR, true), (i64::MAX, true)] {
        assert_eq!(keyring.is_due(KeyPurpose::SessionToken, now, 24 * HOUR), due, "{now}");
    }
}

#[test]
fn derived_secrets_depend_on_token_and_info() {
    let purpose = KeyPurpose::SessionToken;
    let first = keyring();
    let token = first.seal(purpose, &[], b"a").unwrap();
    let [same_key, same_text] = [b"b", b"a"].map(|text| first.seal(purpose, &[], text).unwrap());
    let second = first.rotate(purpose, 2000).unwrap();
    let other_key = second.seal(purpose, &[], b"a").unwrap();
    let derive = |token: &[u8], info: &[&[u8]]| second.derive_secret(purpose, token, info).unwrap();
    let secret = derive(&token, &[b"ASIAONE"]);
    assert_eq!(secret.expose().len(), 40);
    for other in [&same_key, &same_text, &[&token[..], &[0]].concat(), &token[..token.len() - 1].to_vec()] {
        assert_ne!(secret, derive(other, &[b"ASIAONE"]));
    }
    assert_eq!(secret, first.derive_secret(purpose, &token, &[b"ASIAONE"]).unwrap());
    assert_ne!(secret, derive(&other_key, &[b"ASIAONE"]));
    assert_ne!(secret, derive(&token, &[b"ASIATWO"]));
    assert_ne!(secret, derive(&token, &[b"ASIA", b"ONE"]));
    assert_eq!(first.derive_secret(purpose, &other_key, &[]), Err(SealError::Unopenable));
    assert_eq!(first.derive_secret(KeyPurpose::BearerToken, &token, &[]), Err(SealError::Unopenable));
    assert_eq!(first.derive_secret(purpose, b"", &[]), Err(SealError::Unopenable));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn modified_bytes_do_not_open(plain: Vec<u8>, at: prop::sample::Index, byte: u8, arbitrary: Vec<u8>, cut: prop::sample::Index) {
        let keyring = keyring();
        let sealed = keyring.seal(KeyPurpose::Marker, &[b"x"], &plain).unwrap();
        prop_assert_eq!(&*keyring.open(KeyPurpose::Marker, &[b"x"], &sealed).unwrap(), &plain);
        let mut changed = sealed.clone();
        let at = at.index(changed.len());
        changed[at] = if changed[at] == byte { byte ^ 1 } else { byte };
        let shorter = &sealed[..cut.index(sealed.len())];
        let longer = [&sealed[..], &[0]].concat();
        for bad in [&changed[..], shorter, &longer, &arbitrary] {
            prop_assert_eq!(keyring.open(KeyPurpose::Marker, &[b"x"], bad), Err(SealError::Unopenable));
        }
    }
}
