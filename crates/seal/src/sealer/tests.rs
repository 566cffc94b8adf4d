use super::*;

const PURPOSE: KeyPurpose = KeyPurpose::SessionToken;

/// Whether this keyring opens what the sealer seals now.
fn seals_for(sealer: &Sealer, keyring: &Keyring) -> bool {
    let sealed = sealer.seal(PURPOSE, &[], b"token").unwrap();
    assert!(sealer.open(PURPOSE, &[], &sealed).is_ok(), "a sealer opens what it seals");
    keyring.open(PURPOSE, &[], &sealed).is_ok()
}

/// Keys that were announced after a keyring began to seal when that keyring's time was over, before other servers had them.
#[test]
fn each_announced_keyring_seals_by_itself() {
    let first = Keyring::generate(0).unwrap();
    let second = Arc::new(first.rotate(PURPOSE, 10).unwrap());
    let third = Arc::new(second.rotate(PURPOSE, 11).unwrap());
    let sealer = Sealer::new(first.clone());
    sealer.announce(Arc::clone(&second));
    sealer.announce(Arc::clone(&third));
    assert!(seals_for(&sealer, &first));
    sealer.seal_with(&second);
    assert!(!seals_for(&sealer, &first) && seals_for(&sealer, &second));
    sealer.seal_with(&third);
    assert!(!seals_for(&sealer, &second) && seals_for(&sealer, &third));
    sealer.seal_with(&second);
    assert!(!seals_for(&sealer, &second), "older keys do not come back");
}

#[test]
fn keys_that_others_may_not_have_seal_nothing() {
    let first = Keyring::generate(0).unwrap();
    let second = first.rotate(PURPOSE, 10).unwrap();
    let sealer = Sealer::new(second.clone());
    sealer.seal_with_keys_before(10);
    assert!(seals_for(&sealer, &first));
    sealer.seal_with_keys_before(11);
    assert!(!seals_for(&sealer, &first));
    sealer.seal_with_keys_before(0);
    assert!(seals_for(&sealer, &first), "each purpose keeps a key");
    sealer.seal_with(&Arc::new(second));
    assert!(!seals_for(&sealer, &first));
}
