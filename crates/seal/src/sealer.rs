//! The current keyring, which can be replaced while other threads read it.

use std::sync::Arc;

use arc_swap::ArcSwap;
use zeroize::Zeroizing;

use crate::{error::SealError, keyring::Keyring, purpose::KeyPurpose};

/// Seals and opens with the newest keyring. Threads share it; readers never wait.
///
/// ```
/// use bailiwick_seal::{KeyPurpose, Keyring, SealError, Sealer};
///
/// let sealer = Sealer::new(Keyring::generate(1_772_366_400)?);
/// let owner: &[&[u8]] = &[b"access-key", b"111122223333", b"AIDAEXAMPLE"];
/// let sealed = sealer.seal(KeyPurpose::AtRest, owner, b"a secret")?;
///
/// sealer.replace(sealer.keyring().rotate(KeyPurpose::AtRest, 1_772_370_000)?);
/// assert_eq!(**sealer.open(KeyPurpose::AtRest, owner, &sealed)?, *b"a secret");
/// assert_eq!(sealer.open(KeyPurpose::Marker, owner, &sealed), Err(SealError::Unopenable));
/// assert_eq!(sealer.open(KeyPurpose::AtRest, &[b"another"], &sealed), Err(SealError::Unopenable));
/// # Ok::<(), SealError>(())
/// ```
pub struct Sealer {
    keyring: ArcSwap<Keyring>,
    /// The keyring that seals; older than the other one for a while.
    sealing: ArcSwap<Keyring>,
}

impl Sealer {
    /// A sealer that begins with this keyring.
    pub fn new(keyring: Keyring) -> Self {
        let keyring = Arc::new(keyring);
        Self { keyring: ArcSwap::new(keyring.clone()), sealing: ArcSwap::new(keyring) }
    }

    /// The keyring that opens. Call it once for two operations that must use the same keys.
    pub fn keyring(&self) -> Arc<Keyring> {
        self.keyring.load_full()
    }

    /// The keyring that seals. Call it once for two operations that must use the same keys.
    pub fn sealing_keyring(&self) -> Arc<Keyring> {
        self.sealing.load_full()
    }

    /// Opens with another keyring from now on, and seals as before: until [`Self::seal_with`], other servers may not have the
    /// new keys yet.
    pub fn announce(&self, keyring: Arc<Keyring>) {
        self.keyring.store(keyring);
    }

    /// Seals with a keyring that was announced, unless one with newer keys seals already. Keys that were announced after it
    /// seal nothing yet.
    pub fn seal_with(&self, announced: &Arc<Keyring>) {
        self.sealing.rcu(|sealing| {
            let newest = if announced.next_id() < sealing.next_id() { sealing } else { announced };
            Arc::clone(newest)
        });
    }

    /// Seals with the keys that were made before this time, in seconds since 1970, until [`Self::seal_with`].
    pub fn seal_with_keys_before(&self, time: i64) {
        self.sealing.store(Arc::new(self.keyring().before(time)));
    }

    /// Uses another keyring from now on.
    pub fn replace(&self, keyring: Keyring) {
        let keyring = Arc::new(keyring);
        self.keyring.store(keyring.clone());
        self.sealing.store(keyring);
    }

    /// See [`Keyring::seal`].
    ///
    /// # Errors
    ///
    /// [`SealError::Unavailable`].
    pub fn seal(&self, purpose: KeyPurpose, aad: &[&[u8]], plaintext: &[u8]) -> Result<Vec<u8>, SealError> {
        self.sealing.load().seal(purpose, aad, plaintext)
    }

    /// See [`Keyring::open`].
    ///
    /// # Errors
    ///
    /// [`SealError::Unopenable`], whatever the reason.
    pub fn open(&self, purpose: KeyPurpose, aad: &[&[u8]], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, SealError> {
        self.keyring.load().open(purpose, aad, sealed)
    }
}

#[cfg(test)]
mod tests;
