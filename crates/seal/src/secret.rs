//! Values that must not be seen.

use std::fmt;

use aws_lc_rs::constant_time;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use zeroize::{Zeroize, Zeroizing};

/// Secret bytes: cleared when dropped, compared in constant time, never shown.
///
/// ```compile_fail,E0277
/// println!("{}", bailiwick_seal::Secret::from(vec![1, 2, 3]));
/// ```
#[derive(Clone)]
pub struct Secret(Zeroizing<Vec<u8>>);

impl Secret {
    /// Exposes the bytes.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl From<Vec<u8>> for Secret {
    fn from(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes))
    }
}

impl From<Zeroizing<Vec<u8>>> for Secret {
    fn from(bytes: Zeroizing<Vec<u8>>) -> Self {
        Self(bytes)
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        constant_time::verify_slices_are_equal(&self.0, &other.0).is_ok()
    }
}

impl Eq for Secret {}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

/// Secret text: cleared when dropped, compared in constant time, never shown.
///
/// ```compile_fail,E0277
/// println!("{}", bailiwick_seal::SecretString::from(String::from("hush")));
/// ```
#[derive(Clone)]
pub struct SecretString(Zeroizing<String>);

impl SecretString {
    /// Exposes the text.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// A secret access key of random bytes: 40 characters of base64, as AWS's are.
    pub fn access_key(mut random: [u8; 30]) -> Self {
        let text = STANDARD.encode(random);
        random.zeroize();
        Self::from(text)
    }
}

impl From<String> for SecretString {
    fn from(text: String) -> Self {
        Self(Zeroizing::new(text))
    }
}

impl PartialEq for SecretString {
    fn eq(&self, other: &Self) -> bool {
        constant_time::verify_slices_are_equal(self.0.as_bytes(), other.0.as_bytes()).is_ok()
    }
}

impl Eq for SecretString {}

impl fmt::Debug for SecretString {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_hides_secrets() {
        let (bytes, text) = (Secret::from(b"hush".to_vec()), SecretString::from("hush".to_owned()));
        assert_eq!(format!("{bytes:?} {text:?} {:?}", Some(&text)), "[redacted] [redacted] Some([redacted])");
        assert_eq!((bytes.expose(), text.expose()), (&b"hush"[..], "hush"));
    }

    #[test]
    fn secrets_are_compared_completely() {
        let secret = |text: &str| (Secret::from(text.as_bytes().to_vec()), SecretString::from(text.to_owned()));
        assert_eq!(secret("a"), secret("a"));
        for other in ["b", "", "aa"] {
            assert_ne!(secret("a"), secret(other));
        }
    }

    #[test]
    fn access_keys_have_40_characters() {
        assert_eq!(SecretString::access_key([0; 30]).expose(), "A".repeat(40));
        assert_eq!(SecretString::access_key([255; 30]).expose(), "/".repeat(40));
    }
}
