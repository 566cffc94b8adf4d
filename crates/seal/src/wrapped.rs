//! The form in which keyrings are stored.

use std::sync::Arc;

use zeroize::Zeroizing;

use crate::{
    error::SealError,
    keyring::{Key, Keyring},
    master::{self, MasterKey},
    purpose::KeyPurpose,
};

/// The format: these bytes, the version, the master key's fingerprint, then the sealed entries.
const MAGIC: &[u8; 7] = b"BWKRING";
const VERSION: u8 = 1;
const HEADER: usize = 16;
/// Id, purpose, time and key.
const ENTRY: usize = 4 + 1 + 8 + 32;

/// A keyring sealed under its master key, so that it can be stored.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct WrappedKeyring(Vec<u8>);

impl WrappedKeyring {
    /// Bytes that were stored.
    pub fn from_bytes(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// Bytes to store.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Wraps a keyring.
    ///
    /// # Errors
    ///
    /// [`SealError::Unavailable`].
    pub fn wrap(keyring: &Keyring, master: &MasterKey) -> Result<Self, SealError> {
        let keys = keyring.keys();
        let mut plaintext = Zeroizing::new(Vec::with_capacity(4 + keys.len() * ENTRY));
        plaintext.extend_from_slice(&keyring.next_id().to_be_bytes());
        for key in keys {
            plaintext.extend_from_slice(&key.id.to_be_bytes());
            plaintext.push(key.purpose.number());
            plaintext.extend_from_slice(&key.created.to_be_bytes());
            plaintext.extend_from_slice(&*key.bytes);
        }
        let mut out = Vec::with_capacity(HEADER + plaintext.len() + 32);
        out.extend_from_slice(MAGIC);
        out.push(VERSION);
        out.extend_from_slice(&master.fingerprint()?);
        let header = out.clone();
        master.wrapping_key()?.seal(&header, &plaintext, &mut out)?;
        Ok(Self(out))
    }

    /// Unwraps the keyring.
    ///
    /// # Errors
    ///
    /// [`SealError::WrongMasterKey`], [`SealError::DamagedKeyring`], [`SealError::NewerKeyring`].
    pub fn unwrap_with(&self, master: &MasterKey) -> Result<Keyring, SealError> {
        let (header, sealed) = self.0.split_at_checked(HEADER).ok_or(SealError::DamagedKeyring)?;
        let (magic, rest) = header.split_at(MAGIC.len());
        let (version, fingerprint) = rest.split_at(1);
        if magic != MAGIC || version[0] == 0 {
            return Err(SealError::DamagedKeyring);
        }
        if version[0] > VERSION {
            return Err(SealError::NewerKeyring);
        }
        if fingerprint != master.fingerprint()? {
            return Err(SealError::WrongMasterKey);
        }
        let plaintext = master.wrapping_key()?.open(header, sealed).map_err(|_| SealError::DamagedKeyring)?;
        read(&plaintext).ok_or(SealError::DamagedKeyring)
    }

    /// The identifier of the master key that it is wrapped under, as [`MasterKey::id`]; none if these bytes are not a wrapped
    /// keyring. It is not authenticated.
    pub fn master_key_id(&self) -> Option<String> {
        let header = self.0.first_chunk::<HEADER>()?;
        header.strip_prefix(MAGIC).map(|rest| master::hex(&rest[1..]))
    }

    /// Wraps the same keyring under another master key. Sealed bytes stay valid.
    ///
    /// # Errors
    ///
    /// The errors of [`Self::unwrap_with`] for the old master key.
    pub fn rewrap(&self, old: &MasterKey, new: &MasterKey) -> Result<Self, SealError> {
        Self::wrap(&self.unwrap_with(old)?, new)
    }
}

fn read(plaintext: &[u8]) -> Option<Keyring> {
    let (next_id, entries) = plaintext.split_first_chunk()?;
    let (entries, []) = entries.as_chunks::<ENTRY>() else { return None };
    let keys = entries.iter().map(|entry| {
        let (id, rest) = entry.split_first_chunk()?;
        let ([purpose], rest) = rest.split_first_chunk()?;
        let (created, bytes) = rest.split_first_chunk()?;
        let mut key = Zeroizing::new([0; 32]);
        key.copy_from_slice(bytes);
        let purpose = KeyPurpose::of_number(*purpose)?;
        Key::new(u32::from_be_bytes(*id), purpose, i64::from_be_bytes(*created), key).ok().map(Arc::new)
    });
    Keyring::of_keys(keys.collect::<Option<_>>()?, u32::from_be_bytes(*next_id))
}

#[cfg(test)]
mod tests;
