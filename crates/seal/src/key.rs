//! A symmetric key and the keys derived from it.

use aws_lc_rs::{
    aead::{AES_256_GCM_SIV, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey},
    hkdf, rand,
};
use zeroize::Zeroizing;

use crate::error::SealError;

/// How many bytes sealing adds: the nonce in front and the tag at the end.
pub(crate) const OVERHEAD: usize = NONCE_LEN + TAG_LEN;
const TAG_LEN: usize = 16;

/// Random bytes from the operating system.
pub(crate) fn random<const N: usize>() -> Result<Zeroizing<[u8; N]>, SealError> {
    let mut bytes = Zeroizing::new([0; N]);
    rand::fill(&mut *bytes).map_err(|_| SealError::Unavailable)?;
    Ok(bytes)
}

/// HKDF-Expand. The encoding of `info` is injective: different parts give different bytes.
pub(crate) fn derive(prk: &hkdf::Prk, info: &[&[u8]], out: &mut [u8]) -> Result<(), SealError> {
    struct Length(usize);
    impl hkdf::KeyType for Length {
        fn len(&self) -> usize {
            self.0
        }
    }
    let info = encode_parts(&[], info);
    let info = [info.as_slice()];
    let okm = prk.expand(&info, Length(out.len())).map_err(|_| SealError::Unavailable)?;
    okm.fill(out).map_err(|_| SealError::Unavailable)
}

/// Encodes `prefix` and the parts, each part after its length.
pub(crate) fn encode_parts(prefix: &[u8], parts: &[&[u8]]) -> Vec<u8> {
    let size: usize = parts.iter().map(|part| part.len() + 8).sum();
    let mut out = Vec::with_capacity(prefix.len() + size);
    out.extend_from_slice(prefix);
    for part in parts {
        out.extend_from_slice(&(part.len() as u64).to_be_bytes());
        out.extend_from_slice(part);
    }
    out
}

/// A key of AES-256-GCM-SIV.
pub(crate) struct AeadKey(LessSafeKey);

impl AeadKey {
    pub(crate) fn derive(prk: &hkdf::Prk, info: &[&[u8]]) -> Result<Self, SealError> {
        let mut bytes = Zeroizing::new([0; 32]);
        derive(prk, info, &mut *bytes)?;
        let key = UnboundKey::new(&AES_256_GCM_SIV, &*bytes).map_err(|_| SealError::Unavailable)?;
        Ok(Self(LessSafeKey::new(key)))
    }

    /// Appends nonce, ciphertext and tag. The nonce is random; if one repeats, GCM-SIV only reveals whether two
    /// messages are equal.
    pub(crate) fn seal(&self, aad: &[u8], plaintext: &[u8], out: &mut Vec<u8>) -> Result<(), SealError> {
        let nonce = random::<NONCE_LEN>()?;
        out.extend_from_slice(&*nonce);
        let start = out.len();
        out.extend_from_slice(plaintext);
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let tag = self.0.seal_in_place_separate_tag(nonce, Aad::from(aad), &mut out[start..]);
        out.extend_from_slice(tag.map_err(|_| SealError::Unavailable)?.as_ref());
        Ok(())
    }

    /// The tag over associated data alone.
    pub(crate) fn tag(&self, nonce: Nonce, aad: Aad<&[u8]>) -> Result<[u8; TAG_LEN], SealError> {
        let tag = self.0.seal_in_place_separate_tag(nonce, aad, &mut []).map_err(|_| SealError::Unavailable)?;
        tag.as_ref().try_into().map_err(|_| SealError::Unavailable)
    }

    /// Opens nonce, ciphertext and tag.
    pub(crate) fn open(&self, aad: &[u8], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, SealError> {
        if sealed.len() < OVERHEAD {
            return Err(SealError::Unopenable);
        }
        let (nonce, sealed) = sealed.split_at(NONCE_LEN);
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| SealError::Unopenable)?;
        let mut plaintext = Zeroizing::new(sealed.to_vec());
        self.0.open_in_place(nonce, Aad::from(aad), &mut plaintext).map_err(|_| SealError::Unopenable)?;
        plaintext.truncate(sealed.len() - TAG_LEN);
        Ok(plaintext)
    }
}
