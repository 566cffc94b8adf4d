//! Signs tokens of every algorithm with keys made for the test.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair as RsaKey, KeySize};
use aws_lc_rs::signature::{self as lc, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _};
use data_encoding::BASE64URL_NOPAD;

use super::KeySet;

/// A key and its algorithm. The key's id is the algorithm's name.
pub(super) struct Signer {
    pub(super) algorithm: &'static str,
    key: Key,
}

enum Key {
    Rsa(Box<lc::RsaKeyPair>),
    Ec(&'static str, EcdsaKeyPair),
    Ed(Ed25519KeyPair),
}

/// Encodes a part of a token.
pub(super) fn part(text: &str) -> String {
    BASE64URL_NOPAD.encode(text.as_bytes())
}

/// The key set of these signers.
pub(super) fn jwks(signers: &[&Signer]) -> KeySet {
    let keys: Vec<String> = signers.iter().map(|signer| signer.jwk()).collect();
    KeySet::parse(format!(r#"{{"keys":[{}]}}"#, keys.join(",")).as_bytes()).unwrap()
}

impl Signer {
    pub(super) const ALL: [&'static str; 10] =
        ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"];

    pub(super) fn new(algorithm: &'static str) -> Self {
        let ec = |curve, signing| Key::Ec(curve, EcdsaKeyPair::generate(signing).unwrap());
        let key = match algorithm {
            "ES256" => ec("P-256", &lc::ECDSA_P256_SHA256_FIXED_SIGNING),
            "ES384" => ec("P-384", &lc::ECDSA_P384_SHA384_FIXED_SIGNING),
            "ES512" => ec("P-521", &lc::ECDSA_P521_SHA512_FIXED_SIGNING),
            "EdDSA" => Key::Ed(Ed25519KeyPair::generate().unwrap()),
            _ => Key::Rsa(Box::new(RsaKey::generate(KeySize::Rsa2048).unwrap())),
        };
        Signer { algorithm, key }
    }

    pub(super) fn jwk(&self) -> String {
        let text = |bytes: &[u8]| BASE64URL_NOPAD.encode(bytes);
        let head = format!(r#""kid":"{0}","alg":"{0}""#, self.algorithm);
        match &self.key {
            Key::Rsa(key) => {
                let public = pkcs1::RsaPublicKeyRef::try_from(key.public_key().as_ref()).unwrap();
                let (n, e) = (public.modulus.as_bytes(), public.public_exponent.as_bytes());
                format!(r#"{{"kty":"RSA",{head},"n":"{}","e":"{}"}}"#, text(n), text(e))
            }
            Key::Ec(curve, key) => {
                let point = &key.public_key().as_ref()[1..];
                let (x, y) = point.split_at(point.len() / 2);
                format!(r#"{{"kty":"EC",{head},"crv":"{curve}","x":"{}","y":"{}"}}"#, text(x), text(y))
            }
            Key::Ed(key) => {
                format!(r#"{{"kty":"OKP",{head},"crv":"Ed25519","x":"{}"}}"#, text(key.public_key().as_ref()))
            }
        }
    }

    /// A token with these members in its header besides algorithm and key id.
    pub(super) fn token(&self, members: &str, claims: &str) -> String {
        self.token_with_header(&format!(r#""alg":"{0}","kid":"{0}"{members}"#, self.algorithm), claims)
    }

    /// A token that names the algorithm and key of another.
    pub(super) fn signed_as(&self, other: &Signer, claims: &str) -> String {
        self.token_with_header(&format!(r#""alg":"{0}","kid":"{0}""#, other.algorithm), claims)
    }

    /// A token with exactly these members in its header.
    pub(super) fn token_with_header(&self, members: &str, claims: &str) -> String {
        let message = format!("{}.{}", part(&format!("{{{members}}}")), part(claims));
        format!("{message}.{}", BASE64URL_NOPAD.encode(&self.sign(message.as_bytes())))
    }

    #[expect(clippy::disallowed_methods, reason = "a signature of a test is never compared")]
    fn sign(&self, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match &self.key {
            Key::Rsa(key) => {
                let padding: &dyn lc::RsaEncoding = match self.algorithm {
                    "RS256" => &lc::RSA_PKCS1_SHA256,
                    "RS384" => &lc::RSA_PKCS1_SHA384,
                    "RS512" => &lc::RSA_PKCS1_SHA512,
                    "PS256" => &lc::RSA_PSS_SHA256,
                    "PS384" => &lc::RSA_PSS_SHA384,
                    _ => &lc::RSA_PSS_SHA512,
                };
                let mut signature = vec![0; key.public_modulus_len()];
                key.sign(padding, &random, message, &mut signature).unwrap();
                signature
            }
            Key::Ec(_, key) => key.sign(&random, message).unwrap().as_ref().to_vec(),
            Key::Ed(key) => key.sign(message).as_ref().to_vec(),
        }
    }
}
