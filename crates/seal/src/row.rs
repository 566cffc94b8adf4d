//! Authentication of data that a store keeps in clear: its rows, and the set of rows that exist.

use std::{hash::Hasher as _, sync::Arc};

use aws_lc_rs::{
    aead::{Aad, Nonce},
    constant_time, hkdf,
};
use siphasher::sip128::{Hasher128 as _, SipHasher24};
use zeroize::Zeroizing;

use crate::{
    error::SealError,
    key::{self, AeadKey, encode_parts},
};

/// Bytes of a tag.
pub const TAG: usize = 16;

/// What a tag authenticates. A tag of one kind is never valid for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TagKind {
    /// A row: its key and its value.
    Row,
    /// An entry of the change log.
    Log,
}

/// The key that authenticates rows. Clones share the key; it has no `Debug`.
///
/// A tag is AES-256-GCM-SIV over associated data only, with the revision as the nonce. Nonces repeat (a batch has many
/// rows, and a failed batch is written again), which GCM-SIV, unlike other modes, tolerates.
#[derive(Clone)]
pub struct RowKey(Arc<Keys>);

struct Keys {
    row: AeadKey,
    log: AeadKey,
    state: AeadKey,
    row_digest: SipHasher24,
}

impl RowKey {
    pub(crate) fn of(key: &hkdf::Prk) -> Result<Self, SealError> {
        let derive = |what: &[u8]| AeadKey::derive(key, &[b"rows", what]);
        let mut row_digest = Zeroizing::new([0; 16]);
        key::derive(key, &[b"rows", b"presence"], &mut *row_digest)?;
        let keys = Keys {
            row: derive(b"row")?,
            log: derive(b"log")?,
            state: derive(b"state")?,
            row_digest: SipHasher24::new_with_key(&row_digest),
        };
        Ok(RowKey(Arc::new(keys)))
    }

    /// The tag of `key` and `value` at a revision. `scratch` is a buffer that is used again.
    ///
    /// # Errors
    ///
    /// [`SealError::Unavailable`].
    pub fn tag(
        &self,
        what: TagKind,
        revision: u64,
        key: &[u8],
        value: &[u8],
        scratch: &mut Vec<u8>,
    ) -> Result<[u8; TAG], SealError> {
        let aead = match what {
            TagKind::Row => &self.0.row,
            TagKind::Log => &self.0.log,
        };
        let mut nonce = [0; 12];
        nonce[4..].copy_from_slice(&revision.to_be_bytes());
        scratch.clear();
        // The length separates the key from the value.
        scratch.extend_from_slice(&(key.len() as u64).to_be_bytes());
        scratch.extend_from_slice(key);
        scratch.extend_from_slice(value);
        aead.tag(Nonce::assume_unique_for_key(nonce), Aad::from(&scratch[..]))
    }

    /// Whether that is the tag; in constant time.
    ///
    /// # Errors
    ///
    /// [`SealError::Unavailable`].
    pub fn holds(
        &self,
        what: TagKind,
        revision: u64,
        key: &[u8],
        value: &[u8],
        tag: &[u8],
        scratch: &mut Vec<u8>,
    ) -> Result<bool, SealError> {
        let right = self.tag(what, revision, key, value, scratch)?;
        Ok(constant_time::verify_slices_are_equal(&right, tag).is_ok())
    }

    /// A digest of a row's key and revision, independent of its value. Sums of digests distinguish sets of rows, as
    /// long as digests and sums stay secret; they are stored sealed.
    ///
    /// SipHash-2-4 with 128 bits suffices, because an attacker sees no output; it is designed for short inputs.
    pub fn row_digest(&self, revision: u64, key: &[u8]) -> u128 {
        let mut hasher = self.0.row_digest;
        hasher.write(key);
        hasher.write(&revision.to_be_bytes());
        hasher.finish128().as_u128()
    }

    /// Seals the state of a store, with `place` as associated data.
    ///
    /// # Errors
    ///
    /// [`SealError::Unavailable`].
    pub fn seal(&self, place: &[u8], plaintext: &[u8]) -> Result<Vec<u8>, SealError> {
        let mut out = Vec::with_capacity(plaintext.len() + crate::key::OVERHEAD);
        self.0.state.seal(&encode_parts(&[], &[place]), plaintext, &mut out)?;
        Ok(out)
    }

    /// Opens bytes that [`Self::seal`] sealed with the same `place`.
    ///
    /// # Errors
    ///
    /// [`SealError::Unopenable`].
    pub fn open(&self, place: &[u8], sealed: &[u8]) -> Result<Vec<u8>, SealError> {
        Ok(self.0.state.open(&encode_parts(&[], &[place]), sealed)?.to_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Keyring;

    #[test]
    fn a_tag_is_valid_for_one_kind_key_revision_and_value() {
        let key = Keyring::generate(0).unwrap().row_key().unwrap().unwrap();
        let mut scratch = Vec::new();
        let tag = key.tag(TagKind::Row, 7, b"key", b"value", &mut scratch).unwrap();
        let mut holds = |what, revision, name: &[u8], value: &[u8], tag: &[u8]| {
            key.holds(what, revision, name, value, tag, &mut scratch).unwrap()
        };
        assert!(holds(TagKind::Row, 7, b"key", b"value", &tag));
        for (what, revision, name, value) in [
            (TagKind::Log, 7, "key", "value"),
            (TagKind::Row, 8, "key", "value"),
            (TagKind::Row, 7, "kez", "value"),
            (TagKind::Row, 7, "key", "valu"),
            (TagKind::Row, 7, "keyv", "alue"),
            (TagKind::Row, 7, "ke", "yvalue"),
            (TagKind::Row, 7, "", "keyvalue"),
        ] {
            assert!(
                !holds(what, revision, name.as_bytes(), value.as_bytes(), &tag),
                "{what:?} {revision} {name} {value}"
            );
        }
        for bad in [&tag[..15], &[], &[tag, tag].concat()] {
            assert!(!holds(TagKind::Row, 7, b"key", b"value", bad));
        }
        let other = Keyring::generate(0).unwrap().row_key().unwrap().unwrap();
        assert_ne!(other.tag(TagKind::Row, 7, b"key", b"value", &mut scratch).unwrap(), tag);
    }

    #[test]
    fn row_digests_depend_on_key_and_revision() {
        let key = |_| Keyring::generate(0).unwrap().row_key().unwrap().unwrap();
        let [one, other] = [(); 2].map(key);
        let cases = [(7, "key"), (8, "key"), (7, "kez"), (7, "ke"), (7 << 8, "key")];
        let mut all: Vec<u128> =
            cases.iter().map(|(revision, key)| one.row_digest(*revision, key.as_bytes())).collect();
        all.push(other.row_digest(7, b"key"));
        assert_eq!(all[0], one.clone().row_digest(7, b"key"));
        all.sort();
        all.dedup();
        assert_eq!(all.len(), cases.len() + 1);
    }

    #[test]
    fn a_state_opens_only_in_its_place() {
        let key = Keyring::generate(0).unwrap().row_key().unwrap().unwrap();
        let sealed = key.seal(b"here", b"state").unwrap();
        assert_eq!(key.open(b"here", &sealed).unwrap(), b"state");
        assert_eq!(key.open(b"there", &sealed), Err(SealError::Unopenable));
        assert_eq!(key.open(b"here", &sealed[1..]), Err(SealError::Unopenable));
        assert_ne!(key.seal(b"here", b"state").unwrap(), sealed);
    }
}
