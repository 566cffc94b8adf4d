//! The key of one day, region and service, made from a secret access key.

use zeroize::Zeroizing;

use crate::{crypto::HmacKey, encode, scope::Scope};

/// A signing key for one secret, day, region and service. It can be cached for that day.
///
/// The secret cannot be derived from it. It has no `Debug`, and its memory is cleared on drop.
#[derive(Clone)]
pub struct SigningKey(HmacKey);

impl SigningKey {
    /// Derives the key of a scope with four HMACs.
    ///
    /// For an unknown access key id, derive and verify with a dummy secret, so that known and unknown ids take the same
    /// time.
    pub fn derive(secret_access_key: &[u8], scope: &Scope<'_>) -> Self {
        let mut secret = Zeroizing::new(Vec::with_capacity(4 + secret_access_key.len()));
        secret.extend_from_slice(b"AWS4");
        secret.extend_from_slice(secret_access_key);
        let date = mac(&secret, scope.date().as_bytes());
        let region = mac(&*date, scope.region().as_bytes());
        let service = mac(&*region, scope.service().as_bytes());
        let key = mac(&*service, b"aws4_request");
        Self(HmacKey::new(&*key))
    }

    /// The signature of a text, 64 hex digits.
    pub(crate) fn sign(&self, string_to_sign: &[u8]) -> String {
        let mut hex = Vec::with_capacity(64);
        encode::push_hex(&mut hex, &self.0.sign(string_to_sign));
        String::from_utf8(hex).unwrap_or_default()
    }

    /// Whether `signature` is that of a text, in constant time.
    pub(crate) fn verify(&self, string_to_sign: &[u8], signature: &[u8; 32]) -> bool {
        self.0.verify(string_to_sign, signature)
    }
}

fn mac(key: &[u8], text: &[u8]) -> Zeroizing<[u8; 32]> {
    Zeroizing::new(HmacKey::new(key).sign(text))
}
