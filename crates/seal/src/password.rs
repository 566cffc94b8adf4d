//! Hashes of passwords.

use std::fmt;

use argon2::{Algorithm, Argon2, Params, Version};
use aws_lc_rs::constant_time;
use zeroize::{Zeroize, Zeroizing};

use crate::{SealError, SecretString};

/// The memory of one computation, in KiB.
const MEMORY: u32 = 19 * 1024;
/// The passes over the memory.
const PASSES: u32 = 2;
/// The lanes, which are computed one after the other.
const LANES: u32 = 1;
/// The first byte of the stored form.
const FORMAT: u8 = 1;

/// The Argon2id hash of a password, with its salt and parameters.
///
/// Computing one takes tens of milliseconds and 19 MiB of memory, so call [`PasswordHash::new`] and
/// [`PasswordHash::matches`] on a thread that may block, and only a bounded number of times at once. A hash is as secret
/// as a weak password: seal its stored form.
///
/// ```
/// use bailiwick_seal::{PasswordHash, SealError, SecretString};
///
/// let password = SecretString::from("correct horse".to_owned());
/// let hash = PasswordHash::new(&password, [7; 16])?;
/// assert!(hash.matches(&password));
/// assert!(!hash.matches(&SecretString::from("battery staple".to_owned())));
/// # Ok::<(), SealError>(())
/// ```
#[derive(Clone)]
pub struct PasswordHash {
    memory: u32,
    passes: u32,
    lanes: u32,
    salt: [u8; 16],
    hash: Zeroizing<[u8; 32]>,
}

impl PasswordHash {
    /// The length of the stored form in bytes.
    pub const STORED: usize = 61;

    /// Hashes a password. The salt must be random.
    ///
    /// # Errors
    /// [`SealError::Unavailable`] if the computation fails.
    pub fn new(password: &SecretString, salt: [u8; 16]) -> Result<Self, SealError> {
        let mut hash = Self { memory: MEMORY, passes: PASSES, lanes: LANES, salt, hash: Zeroizing::new([0; 32]) };
        hash.hash = hash.compute(password)?;
        Ok(hash)
    }

    /// Returns a hash that no password is known to match: comparing with it takes the same time as with that of a password.
    pub fn dummy(salt: [u8; 16]) -> Self {
        Self { memory: MEMORY, passes: PASSES, lanes: LANES, salt, hash: Zeroizing::new([0; 32]) }
    }

    /// Returns whether this is the hash of a password, in a time that does not depend on where they differ. False if the
    /// computation fails.
    pub fn matches(&self, password: &SecretString) -> bool {
        let computed = self.compute(password);
        computed.is_ok_and(|hash| constant_time::verify_slices_are_equal(&*hash, &*self.hash).is_ok())
    }

    /// The stored form: format, memory, passes, lanes, salt, hash.
    pub fn to_bytes(&self) -> Zeroizing<[u8; Self::STORED]> {
        let mut bytes = Zeroizing::new([0; Self::STORED]);
        bytes[0] = FORMAT;
        bytes[1..5].copy_from_slice(&self.memory.to_be_bytes());
        bytes[5..9].copy_from_slice(&self.passes.to_be_bytes());
        bytes[9..13].copy_from_slice(&self.lanes.to_be_bytes());
        bytes[13..29].copy_from_slice(&self.salt);
        bytes[29..].copy_from_slice(&*self.hash);
        bytes
    }

    /// Reads the stored form.
    ///
    /// # Errors
    /// [`SealError::Unopenable`] if these bytes are not a hash that this version knows.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, SealError> {
        let bytes: &[u8; Self::STORED] = bytes.try_into().map_err(|_| SealError::Unopenable)?;
        let number = |at: usize| u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]]);
        let (memory, passes, lanes) = (number(1), number(5), number(9));
        if bytes[0] != FORMAT || Params::new(memory, passes, lanes, Some(32)).is_err() {
            return Err(SealError::Unopenable);
        }
        let (mut salt, mut hash) = ([0; 16], Zeroizing::new([0; 32]));
        salt.copy_from_slice(&bytes[13..29]);
        hash.copy_from_slice(&bytes[29..]);
        Ok(Self { memory, passes, lanes, salt, hash })
    }

    fn compute(&self, password: &SecretString) -> Result<Zeroizing<[u8; 32]>, SealError> {
        let parameters = Params::new(self.memory, self.passes, self.lanes, Some(32));
        let parameters = parameters.map_err(|_| SealError::Unavailable)?;
        let mut hash = Zeroizing::new([0; 32]);
        Argon2::new(Algorithm::Argon2id, Version::V0x13, parameters)
            .hash_password_into(password.expose().as_bytes(), &self.salt, &mut *hash)
            .map_err(|_| SealError::Unavailable)?;
        Ok(hash)
    }
}

impl Drop for PasswordHash {
    fn drop(&mut self) {
        self.salt.zeroize();
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> SecretString {
        SecretString::from(text.to_owned())
    }

    #[test]
    fn a_stored_hash_matches_its_password_only() {
        let hash = PasswordHash::new(&secret("correct horse"), [1; 16]).unwrap();
        let stored = PasswordHash::from_bytes(&*hash.to_bytes()).unwrap();
        for (password, expected) in
            [("correct horse", true), ("correct hors", false), ("Correct horse", false), ("", false)]
        {
            assert_eq!(stored.matches(&secret(password)), expected, "{password}");
        }
        assert_eq!(format!("{hash:?}"), "[redacted]");
    }

    #[test]
    fn the_salt_and_the_parameters_are_part_of_the_hash() {
        let hash = PasswordHash::new(&secret("a"), [1; 16]).unwrap();
        let other = PasswordHash::new(&secret("a"), [2; 16]).unwrap();
        assert_ne!(*hash.hash, *other.hash);
        let weaker = {
            let mut weaker = hash.clone();
            weaker.passes = 1;
            weaker
        };
        assert!(!weaker.matches(&secret("a")));
    }

    #[test]
    fn other_bytes_are_refused() {
        let bytes = PasswordHash::new(&secret("a"), [1; 16]).unwrap().to_bytes();
        let changed = |at: usize, to: u8| {
            let mut bytes = *bytes;
            bytes[at] = to;
            bytes
        };
        for bad in [&changed(0, 2)[..], &changed(8, 0), &changed(12, 0), &bytes[1..], b""] {
            assert!(PasswordHash::from_bytes(bad).is_err());
        }
    }

    /// Fewer would be too fast to guess: 19 MiB, two passes, one lane.
    #[test]
    fn hashing_is_as_slow_as_promised() {
        let bytes = PasswordHash::new(&secret("a"), [1; 16]).unwrap().to_bytes();
        assert_eq!(bytes[1..13], [0, 0, 76, 0, 0, 0, 0, 2, 0, 0, 0, 1]);
        assert_eq!(PasswordHash::dummy([0; 16]).to_bytes()[1..13], bytes[1..13]);
        assert!(!PasswordHash::dummy([0; 16]).matches(&secret("")));
    }
}
