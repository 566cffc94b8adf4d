//! The Ed25519 keys of digests.

use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair as _, UnparsedPublicKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use crate::hash;

/// A SubjectPublicKeyInfo of an Ed25519 key before its 32 bytes (RFC 8410).
const SPKI: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];
const BEGIN: &str = "-----BEGIN PUBLIC KEY-----";
const END: &str = "-----END PUBLIC KEY-----";

/// A key that signs digests.
pub(crate) struct SigningKey {
    pair: Ed25519KeyPair,
    public: PublicKey,
}

/// The public key of digests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PublicKey([u8; 32]);

/// A key cannot be made or read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a signing key of the audit trail cannot be made or read")]
pub(crate) struct KeyError;

impl SigningKey {
    /// Makes a key.
    pub(crate) fn generate() -> Result<Self, KeyError> {
        Self::of(Ed25519KeyPair::generate().map_err(|_| KeyError)?)
    }

    /// Reads a private key that [`Self::to_pkcs8`] wrote.
    pub(crate) fn from_pkcs8(pkcs8: &[u8]) -> Result<Self, KeyError> {
        Self::of(Ed25519KeyPair::from_pkcs8(pkcs8).map_err(|_| KeyError)?)
    }

    fn of(pair: Ed25519KeyPair) -> Result<Self, KeyError> {
        let public = PublicKey::of(pair.public_key().as_ref()).ok_or(KeyError)?;
        Ok(SigningKey { pair, public })
    }

    /// The private key, as PKCS #8.
    pub(crate) fn to_pkcs8(&self) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        Ok(Zeroizing::new(self.pair.to_pkcs8().map_err(|_| KeyError)?.as_ref().to_vec()))
    }

    pub(crate) fn public(&self) -> PublicKey {
        self.public
    }

    /// The signature of bytes, 64 bytes.
    pub(crate) fn sign(&self, bytes: &[u8]) -> Vec<u8> {
        self.pair.sign(bytes).as_ref().to_vec()
    }
}

impl PublicKey {
    /// A key of these bytes; none unless they are 32.
    pub(crate) fn of(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(PublicKey)
    }

    pub(crate) fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The id of the key: the SHA-256 of its DER, a SubjectPublicKeyInfo, in hexadecimal.
    pub fn id(&self) -> String {
        hash::of(&self.to_der())
    }

    /// The key as PEM.
    pub fn to_pem(&self) -> String {
        format!("{BEGIN}\n{}\n{END}\n", STANDARD.encode(self.to_der()))
    }

    /// Reads every key of a text, as PEM. Text around the keys is ignored.
    ///
    /// # Errors
    /// If there is none, or one is not an Ed25519 key.
    pub fn parse_pem(text: &str) -> Result<Vec<Self>, String> {
        let mut keys = Vec::new();
        for part in text.split(BEGIN).skip(1) {
            let (body, _) = part.split_once(END).ok_or_else(|| format!("`{END}` is missing"))?;
            let body: String = body.split_ascii_whitespace().collect();
            let der = STANDARD.decode(body).map_err(|e| format!("a public key is not base64: {e}"))?;
            let key = der.strip_prefix(&SPKI).and_then(Self::of);
            keys.push(key.ok_or("a public key is not an Ed25519 key")?);
        }
        if keys.is_empty() { Err(format!("it has no public key in PEM: expected `{BEGIN}`")) } else { Ok(keys) }
    }

    pub(crate) fn verifies(&self, bytes: &[u8], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(&ED25519, &self.0).verify(bytes, signature).is_ok()
    }

    fn to_der(self) -> Vec<u8> {
        [&SPKI[..], &self.0].concat()
    }
}
