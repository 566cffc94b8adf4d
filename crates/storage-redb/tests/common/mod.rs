//! Helpers that the tests of this crate share.
#![allow(dead_code, reason = "no test uses all of it")]

use bailiwick_seal::Keyring;
use bailiwick_storage::Authenticator;

pub(crate) mod disk;

/// Creates an authenticator with a new key.
pub(crate) fn authenticator() -> Authenticator {
    let keyring = Keyring::generate(0).expect("a keyring");
    Authenticator::new(keyring.row_key().expect("a key").expect("new keyrings have one"))
}
