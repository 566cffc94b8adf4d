//! Random keys, a series for each purpose, the last of which seals.

use std::sync::Arc;

use aws_lc_rs::hkdf;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use zeroize::Zeroizing;

use crate::{
    error::SealError,
    key::{self, AeadKey, OVERHEAD},
    purpose::KeyPurpose,
    row::RowKey,
    secret::SecretString,
};

/// The format of sealed bytes: this version, the key's id in four bytes, nonce, ciphertext, tag.
const VERSION: u8 = 1;
const HEADER: usize = 5;

/// The data keys of a cluster. Immutable: a change creates a new keyring, which shares the unchanged keys.
#[derive(Clone)]
pub struct Keyring {
    /// By id, ascending.
    keys: Vec<Arc<Key>>,
    /// Ids are never reused, even after a key was pruned.
    next_id: u32,
}

/// A random key for one purpose.
pub(crate) struct Key {
    pub(crate) id: u32,
    pub(crate) purpose: KeyPurpose,
    /// Seconds since 1970.
    pub(crate) created: i64,
    pub(crate) bytes: Zeroizing<[u8; 32]>,
    aead: AeadKey,
    derivation: hkdf::Prk,
}

impl Key {
    pub(crate) fn new(
        id: u32,
        purpose: KeyPurpose,
        created: i64,
        bytes: Zeroizing<[u8; 32]>,
    ) -> Result<Self, SealError> {
        let derivation = hkdf::Salt::new(hkdf::HKDF_SHA256, b"bailiwick keyring v1").extract(&*bytes);
        let aead = AeadKey::derive(&derivation, &[b"seal", &[purpose.number()]])?;
        Ok(Self { id, purpose, created, bytes, aead, derivation })
    }
}

impl Keyring {
    /// Creates a keyring with one random key for each purpose. `now` is in seconds since 1970, as in all methods.
    ///
    /// # Errors
    ///
    /// [`SealError::Unavailable`].
    pub fn generate(now: i64) -> Result<Self, SealError> {
        Self { keys: Vec::new(), next_id: 1 }.complete(now)
    }

    /// Returns a keyring that also has a key for each purpose without one. Older versions of Bailiwick do not know all
    /// purposes; in particular, a keyring without a [`KeyPurpose::Rows`] key belongs to a store whose rows are not
    /// authenticated.
    ///
    /// # Errors
    ///
    /// [`SealError::Unavailable`].
    pub fn complete(&self, now: i64) -> Result<Self, SealError> {
        let mut missing = KeyPurpose::ALL.into_iter().filter(|purpose| self.count(*purpose) == 0);
        missing.try_fold(self.clone(), |keyring, purpose| keyring.rotate(purpose, now))
    }

    /// Whether every purpose has a key.
    pub fn is_complete(&self) -> bool {
        KeyPurpose::ALL.into_iter().all(|purpose| self.count(purpose) > 0)
    }

    /// Returns the key that authenticates the rows of the store; `None` if its rows are not authenticated.
    ///
    /// # Errors
    ///
    /// [`SealError::Unavailable`].
    pub fn row_key(&self) -> Result<Option<RowKey>, SealError> {
        self.current(KeyPurpose::Rows).map(|key| RowKey::of(&key.derivation)).transpose()
    }

    /// Returns a keyring with a new key for a purpose, which seals from then on.
    ///
    /// # Errors
    ///
    /// [`SealError::Permanent`] for [`KeyPurpose::Rows`] if the keyring has such a key, [`SealError::Unavailable`].
    pub fn rotate(&self, purpose: KeyPurpose, now: i64) -> Result<Self, SealError> {
        if purpose == KeyPurpose::Rows && self.count(purpose) > 0 {
            return Err(SealError::Permanent);
        }
        let mut keys = self.keys.clone();
        keys.push(Arc::new(Key::new(self.next_id, purpose, now, key::random()?)?));
        let next_id = self.next_id.checked_add(1).ok_or(SealError::Unavailable)?;
        Ok(Self { keys, next_id })
    }

    /// Whether the key that seals for that purpose is at least `age` seconds old.
    pub fn is_due(&self, purpose: KeyPurpose, now: i64, age: i64) -> bool {
        self.current(purpose).is_none_or(|key| key.created.saturating_add(age) <= now)
    }

    /// Returns a keyring without the keys of a purpose that were replaced at least `keep` seconds ago. Bytes that they
    /// sealed can no longer be opened.
    pub fn prune(&self, purpose: KeyPurpose, now: i64, keep: i64) -> Self {
        let mut keys = self.keys.clone();
        keys.retain(|key| {
            let successor = self.keys.iter().find(|other| other.purpose == purpose && other.id > key.id);
            key.purpose != purpose || successor.is_none_or(|s| s.created.saturating_add(keep) > now)
        });
        Self { keys, next_id: self.next_id }
    }

    /// Returns a keyring without the keys that were made at `time` or later. A purpose without an older one keeps its oldest.
    pub fn before(&self, time: i64) -> Self {
        let mut keys = self.keys.clone();
        let oldest = |key: &Key| self.keys.iter().find(|other| other.purpose == key.purpose).map(|other| other.id);
        keys.retain(|key| key.created < time || oldest(key) == Some(key.id));
        Self { keys, next_id: self.next_id }
    }

    /// How many keys that purpose has.
    pub fn count(&self, purpose: KeyPurpose) -> usize {
        self.keys.iter().filter(|key| key.purpose == purpose).count()
    }

    /// Returns whether the keyring has the key that sealed these bytes; if not, a newer keyring may have it. Does not
    /// authenticate the bytes.
    pub fn knows(&self, purpose: KeyPurpose, sealed: &[u8]) -> bool {
        self.key_of(purpose, sealed).is_ok()
    }

    /// Whether a key of that purpose that has been replaced sealed this, so that it had better be sealed again.
    pub fn is_outdated(&self, purpose: KeyPurpose, sealed: &[u8]) -> bool {
        let current = self.current(purpose);
        self.key_of(purpose, sealed).is_ok_and(|key| current.is_some_and(|current| current.id != key.id))
    }

    /// Seals bytes. They open only for the same purpose and the same associated data; `aad` is a list whose parts
    /// cannot be confused with each other.
    ///
    /// # Errors
    ///
    /// [`SealError::Unavailable`].
    pub fn seal(&self, purpose: KeyPurpose, aad: &[&[u8]], plaintext: &[u8]) -> Result<Vec<u8>, SealError> {
        let key = self.current(purpose).ok_or(SealError::Unavailable)?;
        let mut sealed = Vec::with_capacity(HEADER + plaintext.len() + OVERHEAD);
        sealed.push(VERSION);
        sealed.extend_from_slice(&key.id.to_be_bytes());
        let aad = key::encode_parts(&sealed, aad);
        key.aead.seal(&aad, plaintext, &mut sealed)?;
        Ok(sealed)
    }

    /// Opens bytes that [`Self::seal`] returned.
    ///
    /// # Errors
    ///
    /// [`SealError::Unopenable`], whatever the reason.
    pub fn open(&self, purpose: KeyPurpose, aad: &[&[u8]], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, SealError> {
        let key = self.key_of(purpose, sealed)?;
        let (header, body) = sealed.split_at(HEADER);
        key.aead.open(&key::encode_parts(header, aad), body)
    }

    /// Derives the secret access key of a sealed token: 40 characters, as for any access key. It depends on every byte
    /// of the token, including its random nonce, and on `info`. The result is stable as long as the keyring has the key
    /// that sealed the token.
    ///
    /// This method does not authenticate the token; the secret must only be used after the token was opened.
    ///
    /// # Errors
    ///
    /// [`SealError::Unopenable`] when the keyring does not have the key that sealed the token.
    pub fn derive_secret(&self, purpose: KeyPurpose, token: &[u8], info: &[&[u8]]) -> Result<SecretString, SealError> {
        let key = self.key_of(purpose, token)?;
        let mut parts: Vec<&[u8]> = vec![b"secret of token", token];
        parts.extend_from_slice(info);
        let mut bytes = Zeroizing::new([0; 30]);
        key::derive(&key.derivation, &parts, &mut *bytes)?;
        Ok(SecretString::from(STANDARD.encode(*bytes)))
    }

    /// A keyed hash of these parts: without the keys of the deployment, parts with a given fingerprint cannot be found. It
    /// stays the same for the life of the store.
    ///
    /// # Errors
    ///
    /// [`SealError::Unavailable`], also for a keyring without a key for rows.
    pub fn fingerprint(&self, parts: &[&[u8]]) -> Result<[u8; 16], SealError> {
        let key = self.current(KeyPurpose::Rows).ok_or(SealError::Unavailable)?;
        let mut all: Vec<&[u8]> = vec![b"fingerprint"];
        all.extend_from_slice(parts);
        let mut fingerprint = [0; 16];
        key::derive(&key.derivation, &all, &mut fingerprint)?;
        Ok(fingerprint)
    }

    pub(crate) fn keys(&self) -> &[Arc<Key>] {
        &self.keys
    }

    pub(crate) fn next_id(&self) -> u32 {
        self.next_id
    }

    /// Requires keys in ascending order of ids, with at least one for each purpose of the first version.
    pub(crate) fn of_keys(keys: Vec<Arc<Key>>, next_id: u32) -> Option<Self> {
        let ascending = keys.is_sorted_by(|a, b| a.id < b.id) && keys.last().is_some_and(|key| key.id < next_id);
        let complete = KeyPurpose::FIRST.iter().all(|purpose| keys.iter().any(|key| key.purpose == *purpose));
        (ascending && complete).then_some(Self { keys, next_id })
    }

    fn current(&self, purpose: KeyPurpose) -> Option<&Key> {
        self.keys.iter().rev().find(|key| key.purpose == purpose).map(|key| &**key)
    }

    fn key_of(&self, purpose: KeyPurpose, sealed: &[u8]) -> Result<&Key, SealError> {
        let [VERSION, id @ ..] = sealed.first_chunk::<HEADER>().ok_or(SealError::Unopenable)? else {
            return Err(SealError::Unopenable);
        };
        let id = u32::from_be_bytes(*id);
        let found = self.keys.binary_search_by_key(&id, |key| key.id).map_err(|_| SealError::Unopenable)?;
        Some(&*self.keys[found]).filter(|key| key.purpose == purpose).ok_or(SealError::Unopenable)
    }
}

#[cfg(test)]
mod tests;
