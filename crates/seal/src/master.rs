//! The key of keys.

use aws_lc_rs::hkdf;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use zeroize::Zeroizing;

use crate::{
    error::SealError,
    key::{self, AeadKey},
    secret::SecretString,
};

/// The master key, under which keyrings are wrapped. It has no `Debug`, and is cleared when it is dropped.
///
/// ```compile_fail,E0277
/// println!("{:?}", bailiwick_seal::MasterKey::generate());
/// ```
#[derive(Clone)]
pub struct MasterKey(Zeroizing<[u8; 32]>);

impl MasterKey {
    /// Creates a random master key.
    ///
    /// # Errors
    ///
    /// [`SealError::Unavailable`].
    pub fn generate() -> Result<Self, SealError> {
        Ok(Self(key::random()?))
    }

    /// Reads the content of a key file or variable: 64 hexadecimal digits, 32 bytes in base64, or 32 bytes as they
    /// are. White space around the texts does not count.
    ///
    /// # Errors
    ///
    /// [`SealError::MalformedMasterKey`].
    pub fn parse(content: &[u8]) -> Result<Self, SealError> {
        let mut key = Zeroizing::new([0; 32]);
        let text = content.trim_ascii();
        if content.len() == 32 {
            key.copy_from_slice(content);
        } else if text.len() == 64 {
            for (byte, pair) in key.iter_mut().zip(text.as_chunks::<2>().0) {
                let digit = |d: u8| char::from(d).to_digit(16).ok_or(SealError::MalformedMasterKey);
                // Two hex digits are at most 255.
                *byte = (digit(pair[0])? * 16 + digit(pair[1])?) as u8;
            }
        } else {
            let bytes = Zeroizing::new(STANDARD.decode(text).map_err(|_| SealError::MalformedMasterKey)?);
            if bytes.len() != 32 {
                return Err(SealError::MalformedMasterKey);
            }
            key.copy_from_slice(&bytes);
        }
        Ok(Self(key))
    }

    /// The key as 64 hexadecimal digits, for its file.
    pub fn to_hex(&self) -> SecretString {
        let mut text = String::with_capacity(64);
        for byte in self.0.iter() {
            for digit in [byte >> 4, byte & 15] {
                // A nibble is a hex digit.
                text.push(char::from_digit(digit.into(), 16).unwrap_or('0'));
            }
        }
        SecretString::from(text)
    }

    /// A public identifier of the master key, 16 hexadecimal digits, which reveals nothing about it.
    ///
    /// # Errors
    ///
    /// [`SealError::Unavailable`].
    pub fn id(&self) -> Result<String, SealError> {
        self.fingerprint().map(|fingerprint| hex(&fingerprint))
    }

    /// Whether this is the same key. Takes as long for every other key.
    pub fn is(&self, other: &MasterKey) -> bool {
        aws_lc_rs::constant_time::verify_slices_are_equal(&*self.0, &*other.0).is_ok()
    }

    pub(crate) fn fingerprint(&self) -> Result<[u8; 8], SealError> {
        let mut fingerprint = [0; 8];
        key::derive(&self.extracted(), &[b"fingerprint"], &mut fingerprint)?;
        Ok(fingerprint)
    }

    pub(crate) fn wrapping_key(&self) -> Result<AeadKey, SealError> {
        AeadKey::derive(&self.extracted(), &[b"wrap keyring"])
    }

    fn extracted(&self) -> hkdf::Prk {
        hkdf::Salt::new(hkdf::HKDF_SHA256, b"bailiwick master key v1").extract(&*self.0)
    }
}

/// Hexadecimal digits of a fingerprint.
pub(crate) fn hex(fingerprint: &[u8]) -> String {
    fingerprint.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_master_key_has_three_encodings() {
        let bytes: [u8; 32] = core::array::from_fn(|i| i as u8 + 200);
        let expected: String = bytes.iter().map(|b| format!("{b:02x}")).collect();
        let base64 = STANDARD.encode(bytes);
        let texts = [
            expected.clone(),
            expected.to_uppercase(),
            format!("{expected}\n"),
            base64.clone(),
            format!(" {base64}\r\n"),
        ];
        for content in texts.iter().map(String::as_bytes).chain([&bytes[..]]) {
            assert_eq!(MasterKey::parse(content).ok().unwrap().to_hex().expose(), expected);
        }
    }

    #[test]
    fn other_texts_are_refused() {
        let short = STANDARD.encode([1; 31]);
        let long = STANDARD.encode([1; 33]);
        for content in ["", "key", &"g".repeat(64), &"0".repeat(63), &"0".repeat(65), &"0".repeat(31), &short, &long] {
            assert_eq!(MasterKey::parse(content.as_bytes()).err(), Some(SealError::MalformedMasterKey), "{content}");
        }
    }

    #[test]
    fn generated_keys_differ() {
        let [a, b] = [0; 2].map(|_| MasterKey::generate().ok().unwrap());
        assert_ne!(a.to_hex(), b.to_hex());
        assert_ne!(a.fingerprint(), b.fingerprint());
        assert_eq!(a.fingerprint(), a.clone().fingerprint());
        assert!(a.is(&a.clone()) && !a.is(&b));
        assert_eq!(a.id().unwrap().len(), 16);
    }
}
