//! The keys of digests in the store, private keys sealed.

use bailiwick_model::AccountId;
use bailiwick_operation::SecretPlace;
use bailiwick_seal::Sealer;
use bytes::Bytes;
use prost::Message;

use super::key::{PublicKey, SigningKey};

/// All keys that ever signed, in the order in which they were made; the last one signs.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct StoredKeys {
    #[prost(message, repeated, tag = "1")]
    keys: Vec<StoredKey>,
}

/// A key.
#[derive(Clone, PartialEq, Message)]
struct StoredKey {
    /// The public key, 32 bytes.
    #[prost(bytes = "bytes", tag = "1")]
    public: Bytes,
    /// The private key as PKCS #8, sealed.
    #[prost(bytes = "bytes", tag = "2")]
    sealed: Bytes,
    /// Seconds since 1970.
    #[prost(int64, tag = "3")]
    created: i64,
}

impl StoredKeys {
    /// Reads stored keys.
    ///
    /// # Errors
    /// For bytes that are none.
    pub(crate) fn read(bytes: &Bytes) -> Result<Self, String> {
        StoredKeys::decode(bytes.clone()).map_err(|e| format!("the signing keys in the store cannot be read: {e}"))
    }

    pub(crate) fn to_bytes(&self) -> Bytes {
        self.encode_to_vec().into()
    }

    /// The public keys.
    pub(crate) fn public(&self) -> Vec<PublicKey> {
        self.keys.iter().filter_map(|key| PublicKey::of(&key.public)).collect()
    }

    /// Adds a key, which signs from now on.
    ///
    /// # Errors
    /// If it cannot be sealed.
    pub(crate) fn add(&mut self, key: &SigningKey, sealer: &Sealer, created: i64) -> Result<(), String> {
        let pkcs8 = key.to_pkcs8().map_err(|e| e.to_string())?;
        let sealed = place(&key.public().id()).seal(sealer, &pkcs8).map_err(|e| e.to_string())?;
        let public = Bytes::copy_from_slice(key.public().bytes());
        self.keys.push(StoredKey { public, sealed: sealed.into(), created });
        Ok(())
    }

    /// The key that signs; none if there is none yet.
    ///
    /// # Errors
    /// If it cannot be opened.
    pub(crate) fn signer(&self, sealer: &Sealer) -> Result<Option<SigningKey>, String> {
        let Some(stored) = self.keys.last() else { return Ok(None) };
        let public = PublicKey::of(&stored.public).ok_or("the signing key in the store has no public key")?;
        let opened = place(&public.id()).open(sealer, &stored.sealed).map_err(|e| format!("the signing key: {e}"))?;
        let key = SigningKey::from_pkcs8(opened.expose()).map_err(|e| e.to_string())?;
        if key.public() == public { Ok(Some(key)) } else { Err("the signing key is stored as another one".to_owned()) }
    }
}

/// Checks that the keys of a store can sign.
///
/// # Errors
/// Why they cannot.
pub fn check_signing_keys(keys: &Bytes, sealer: &Sealer) -> Result<(), String> {
    match StoredKeys::read(keys)?.signer(sealer)? {
        Some(_) => Ok(()),
        None => Err("there is no signing key".to_owned()),
    }
}

fn place(id: &str) -> SecretPlace<'_> {
    SecretPlace { table: "audit-signing-key", account: AccountId::NONE, owner: "", id }
}
