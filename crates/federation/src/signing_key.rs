//! Keys of an issuer of OpenID Connect tokens: made, stored, published as JSON Web Keys, and used to sign tokens.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{self, KeySize};
use aws_lc_rs::signature::{ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, RSA_PKCS1_SHA256};
use data_encoding::BASE64URL_NOPAD;
use pkcs1::RsaPublicKey;
use pkcs1::der::{Decode as _, asn1::UintRef};
use zeroize::Zeroizing;

/// The algorithm of a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SigningAlgorithm {
    /// RSA PKCS #1 with SHA-256, and a key of 2048 bits.
    Rs256,
    /// ECDSA on P-384 with SHA-384.
    Es384,
}

impl SigningAlgorithm {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Es384, Self::Rs256];

    /// The name in tokens: `RS256` or `ES384`.
    pub fn as_str(self) -> &'static str {
        match self {
            SigningAlgorithm::Rs256 => "RS256",
            SigningAlgorithm::Es384 => "ES384",
        }
    }

    /// Parses a name, with case.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.as_str() == name)
    }
}

/// A key that signs tokens.
pub struct SigningKey {
    pair: Pair,
    id: String,
}

enum Pair {
    Rsa(rsa::KeyPair),
    Ecdsa(EcdsaKeyPair),
}

/// Making, reading or using a key failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a signing key cannot be made, read or used")]
pub struct SigningKeyError;

impl SigningKey {
    /// Makes a key. An RSA key takes some tenths of a second; call this off the threads that answer requests.
    ///
    /// # Errors
    /// [`SigningKeyError`] without randomness.
    pub fn generate(algorithm: SigningAlgorithm) -> Result<Self, SigningKeyError> {
        let pair = match algorithm {
            SigningAlgorithm::Rs256 => {
                Pair::Rsa(rsa::KeyPair::generate(KeySize::Rsa2048).map_err(|_| SigningKeyError)?)
            }
            SigningAlgorithm::Es384 => {
                let pair = EcdsaKeyPair::generate(&ECDSA_P384_SHA384_FIXED_SIGNING);
                Pair::Ecdsa(pair.map_err(|_| SigningKeyError)?)
            }
        };
        Self::of(pair)
    }

    /// Reads a private key that [`Self::to_pkcs8`] wrote.
    ///
    /// # Errors
    /// [`SigningKeyError`] if it is none of that algorithm.
    pub fn from_pkcs8(algorithm: SigningAlgorithm, pkcs8: &[u8]) -> Result<Self, SigningKeyError> {
        let pair = match algorithm {
            SigningAlgorithm::Rs256 => Pair::Rsa(rsa::KeyPair::from_pkcs8(pkcs8).map_err(|_| SigningKeyError)?),
            SigningAlgorithm::Es384 => {
                let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P384_SHA384_FIXED_SIGNING, pkcs8);
                Pair::Ecdsa(pair.map_err(|_| SigningKeyError)?)
            }
        };
        Self::of(pair)
    }

    fn of(pair: Pair) -> Result<Self, SigningKeyError> {
        let members = members(&pair)?;
        // RFC 7638: the required members in the order of their names.
        let text: Vec<String> = members.iter().map(|(name, value)| format!("\"{name}\":\"{value}\"")).collect();
        let id = BASE64URL_NOPAD.encode(digest(&SHA256, format!("{{{}}}", text.join(",")).as_bytes()).as_ref());
        Ok(SigningKey { pair, id })
    }

    /// The algorithm.
    pub fn algorithm(&self) -> SigningAlgorithm {
        match self.pair {
            Pair::Rsa(_) => SigningAlgorithm::Rs256,
            Pair::Ecdsa(_) => SigningAlgorithm::Es384,
        }
    }

    /// The id of the key: the thumbprint of the public key.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The private key, as PKCS #8.
    ///
    /// # Errors
    /// [`SigningKeyError`].
    pub fn to_pkcs8(&self) -> Result<Zeroizing<Vec<u8>>, SigningKeyError> {
        let der = match &self.pair {
            Pair::Rsa(pair) => pair.as_der().map(|der| der.as_ref().to_vec()),
            Pair::Ecdsa(pair) => pair.to_pkcs8v1().map(|der| der.as_ref().to_vec()),
        };
        der.map(Zeroizing::new).map_err(|_| SigningKeyError)
    }

    /// The public key as a JSON Web Key.
    ///
    /// # Errors
    /// [`SigningKeyError`].
    pub fn to_jwk(&self) -> Result<String, SigningKeyError> {
        let mut text = format!(r#"{{"kid":"{}","use":"sig","alg":"{}""#, self.id, self.algorithm().as_str());
        for (name, value) in members(&self.pair)? {
            text.push_str(&format!(",\"{name}\":\"{value}\""));
        }
        text.push('}');
        Ok(text)
    }

    /// Signs claims, a JSON object, as a token in the compact form.
    ///
    /// # Errors
    /// [`SigningKeyError`].
    pub fn sign(&self, claims: &str) -> Result<String, SigningKeyError> {
        let header = format!(r#"{{"alg":"{}","kid":"{}","typ":"JWT"}}"#, self.algorithm().as_str(), self.id);
        let mut token = BASE64URL_NOPAD.encode(header.as_bytes());
        token.push('.');
        BASE64URL_NOPAD.encode_append(claims.as_bytes(), &mut token);
        #[expect(clippy::disallowed_methods, reason = "the library has its own source, and ignores this argument")]
        let random = SystemRandom::new();
        let signature = match &self.pair {
            Pair::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, token.as_bytes(), &mut signature).map(|()| signature)
            }
            Pair::Ecdsa(pair) => pair.sign(&random, token.as_bytes()).map(|signature| signature.as_ref().to_vec()),
        };
        let signature = signature.map_err(|_| SigningKeyError)?;
        token.push('.');
        BASE64URL_NOPAD.encode_append(&signature, &mut token);
        Ok(token)
    }
}

/// The members of a JSON Web Key that determine the public key, in the order of their names.
fn members(pair: &Pair) -> Result<Vec<(&'static str, String)>, SigningKeyError> {
    let encode = |bytes: &[u8]| BASE64URL_NOPAD.encode(bytes);
    match pair {
        Pair::Rsa(pair) => {
            let public =
                RsaPublicKey::<UintRef<'_>>::from_der(pair.public_key().as_ref()).map_err(|_| SigningKeyError)?;
            let (n, e) = (public.modulus.as_bytes(), public.public_exponent.as_bytes());
            Ok(vec![("e", encode(e)), ("kty", "RSA".to_owned()), ("n", encode(n))])
        }
        Pair::Ecdsa(pair) => {
            // 4, x, y.
            let point = pair.public_key().as_ref().get(1..).filter(|point| point.len() == 96).ok_or(SigningKeyError)?;
            let (x, y) = point.split_at(48);
            Ok(vec![("crv", "P-384".to_owned()), ("kty", "EC".to_owned()), ("x", encode(x)), ("y", encode(y))])
        }
    }
}

#[cfg(test)]
mod tests;
