use super::*;

#[test]
fn the_key_of_an_unknown_outcome_is_found() {
    let [old, new, other] = [(); 3].map(|()| MasterKey::generate().unwrap());
    let keyring = Keyring::generate(0).unwrap();
    for wraps in [&old, &new] {
        let wrapped = WrappedKeyring::wrap(&keyring, wraps).unwrap();
        let mut held = Held { current: old.clone(), possible: Some(new.clone()) };
        assert!(held.open(&wrapped).is_ok());
        assert!(held.current.is(wraps) && held.possible.is_none());
        assert!(held.open(&held.wrap(&keyring).unwrap()).is_ok());
    }
    let mut held = Held { current: old.clone(), possible: Some(new.clone()) };
    let foreign = WrappedKeyring::wrap(&keyring, &other).unwrap();
    assert_eq!(held.open(&foreign).err(), Some(SealError::WrongMasterKey));
    assert!(held.current.is(&old) && held.possible.is_some_and(|key| key.is(&new)));
}
