use super::*;

fn master() -> MasterKey {
    MasterKey::generate().ok().unwrap()
}

#[test]
fn a_wrapped_keyring_unwraps_to_the_same_keys() {
    let (keyring, master) = (Keyring::generate(5).unwrap().rotate(KeyPurpose::AtRest, 6).unwrap(), master());
    let sealed = keyring.seal(KeyPurpose::AtRest, &[b"a"], b"plain").unwrap();
    let wrapped = WrappedKeyring::wrap(&keyring, &master).unwrap();
    let stored = WrappedKeyring::from_bytes(wrapped.as_bytes().to_vec());
    let again = stored.unwrap_with(&master).ok().unwrap();
    assert_eq!(**again.open(KeyPurpose::AtRest, &[b"a"], &sealed).unwrap(), *b"plain");
    assert_eq!(again.count(KeyPurpose::AtRest), 2);
    assert_eq!(again.next_id(), keyring.next_id());
    // The stored form does not contain key bytes.
    assert!(again.is_complete());
    for key in keyring.keys() {
        assert!(!wrapped.as_bytes().windows(8).any(|w| key.bytes.windows(8).any(|k| k == w)));
    }
}

#[test]
fn changing_the_master_key_keeps_sealed_bytes_valid() {
    let (keyring, old, new) = (Keyring::generate(5).unwrap(), master(), master());
    let sealed = keyring.seal(KeyPurpose::AtRest, &[], b"plain").unwrap();
    let wrapped = WrappedKeyring::wrap(&keyring, &old).unwrap();
    let rewrapped = wrapped.rewrap(&old, &new).unwrap();
    assert!(rewrapped.unwrap_with(&new).ok().unwrap().open(KeyPurpose::AtRest, &[], &sealed).is_ok());
    assert_eq!(rewrapped.unwrap_with(&old).err(), Some(SealError::WrongMasterKey));
    assert_eq!(wrapped.unwrap_with(&new).err(), Some(SealError::WrongMasterKey));
    assert_eq!(wrapped.rewrap(&new, &new), Err(SealError::WrongMasterKey));
}

#[test]
fn damage_a_wrong_key_and_a_newer_format_are_different_errors() {
    let master = master();
    let good = WrappedKeyring::wrap(&Keyring::generate(5).unwrap(), &master).unwrap().0;
    for at in 0..good.len() {
        let mut bytes = good.clone();
        bytes[at] ^= 0x40;
        let expected = match at {
            7 => SealError::NewerKeyring,
            8..16 => SealError::WrongMasterKey,
            _ => SealError::DamagedKeyring,
        };
        assert_eq!(WrappedKeyring(bytes).unwrap_with(&master).err(), Some(expected), "{at}");
    }
    for len in 0..good.len() {
        let bytes = good[..len].to_vec();
        assert_eq!(WrappedKeyring(bytes).unwrap_with(&master).err(), Some(SealError::DamagedKeyring), "{len}");
    }
}

#[test]
fn invalid_entries_are_refused() {
    let entry = |id: u32, purpose: u8| [&id.to_be_bytes()[..], &[purpose], &[0; 8], &[9; 32]].concat();
    let ring = |next: u32, entries: &[Vec<u8>]| read(&[&next.to_be_bytes()[..], &entries.concat()].concat()).is_some();
    let all: Vec<_> = (1..=5).map(|n| entry(n, n as u8)).collect();
    assert!(ring(6, &all), "a keyring of the first version, without a key of rows");
    assert!(!ring(5, &all), "an id that would come again");
    assert!(!ring(6, &all[1..]), "a purpose without a key");
    assert!(!ring(9, &[&all[..], &[entry(5, 1)]].concat()), "an id twice");
    assert!(!ring(9, &[&all[..], &[entry(6, 0)]].concat()), "an unknown purpose");
    assert!(!ring(9, &[&all[..], &[vec![0]]].concat()), "half an entry");
    assert!(!ring(0, &[]));
}
