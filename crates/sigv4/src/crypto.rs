//! SHA-256 and HMAC-SHA-256, by the library that the crate's features choose.
//!
//! `aws-lc-rs` takes precedence if both features are enabled, so that enabling `rust-crypto` in one crate of a program
//! does not change another.

#[cfg(not(any(feature = "aws-lc-rs", feature = "rust-crypto")))]
compile_error!("enable the feature `aws-lc-rs` (the default) or `rust-crypto`");

#[cfg(feature = "aws-lc-rs")]
pub(crate) use aws_lc::{HmacKey, sha256};
#[cfg(not(feature = "aws-lc-rs"))]
pub(crate) use pure_rust::{HmacKey, sha256};

#[cfg(feature = "aws-lc-rs")]
mod aws_lc {
    use aws_lc_rs::{constant_time, digest, hmac};

    pub(crate) fn sha256(text: &[u8]) -> [u8; 32] {
        let mut hash = [0; 32];
        // SHA-256 is 32 bytes.
        hash.copy_from_slice(digest::digest(&digest::SHA256, text).as_ref());
        hash
    }

    /// A key of HMAC-SHA-256. Its memory is cleared on drop.
    #[derive(Clone)]
    pub(crate) struct HmacKey(hmac::Key);

    impl HmacKey {
        pub(crate) fn new(key: &[u8]) -> Self {
            Self(hmac::Key::new(hmac::HMAC_SHA256, key))
        }

        pub(crate) fn sign(&self, text: &[u8]) -> [u8; 32] {
            let mut tag = [0; 32];
            // HMAC-SHA-256 is 32 bytes.
            tag.copy_from_slice(hmac::sign(&self.0, text).as_ref());
            tag
        }

        /// Compares in constant time.
        pub(crate) fn verify(&self, text: &[u8], tag: &[u8; 32]) -> bool {
            constant_time::verify_slices_are_equal(&self.sign(text), tag).is_ok()
        }
    }
}

#[cfg(all(feature = "rust-crypto", any(test, not(feature = "aws-lc-rs"))))]
mod pure_rust {
    use hmac::{Hmac, KeyInit, Mac};
    use sha2::{Digest, Sha256};

    pub(crate) fn sha256(text: &[u8]) -> [u8; 32] {
        Sha256::digest(text).into()
    }

    /// A key of HMAC-SHA-256. Its memory is cleared on drop.
    #[derive(Clone)]
    pub(crate) struct HmacKey(Hmac<Sha256>);

    impl HmacKey {
        pub(crate) fn new(key: &[u8]) -> Self {
            let key = Hmac::new_from_slice(key);
            // HMAC accepts keys of every length.
            Self(key.unwrap_or_else(|_| unreachable!("a key of HMAC has no invalid length")))
        }

        pub(crate) fn sign(&self, text: &[u8]) -> [u8; 32] {
            self.0.clone().chain_update(text).finalize().into_bytes().into()
        }

        /// Compares in constant time.
        pub(crate) fn verify(&self, text: &[u8], tag: &[u8; 32]) -> bool {
            self.0.clone().chain_update(text).verify_slice(tag).is_ok()
        }
    }
}

#[cfg(all(test, feature = "aws-lc-rs", feature = "rust-crypto"))]
mod tests {
    use super::{aws_lc, pure_rust};

    #[test]
    fn both_libraries_agree() {
        for length in [0, 1, 31, 32, 63, 64, 65, 200] {
            let (key, text) = (vec![7; length], vec![9; 2 * length]);
            assert_eq!(aws_lc::sha256(&text), pure_rust::sha256(&text));
            let (one, other) = (aws_lc::HmacKey::new(&key), pure_rust::HmacKey::new(&key));
            let mut tag = one.sign(&text);
            assert_eq!(tag, other.sign(&text));
            assert!(one.verify(&text, &tag) && other.verify(&text, &tag));
            tag[31] ^= 1;
            assert!(!one.verify(&text, &tag) && !other.verify(&text, &tag));
        }
    }
}
