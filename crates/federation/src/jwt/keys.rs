//! The public keys of an issuer: a JSON Web Key Set (RFC 7517).

use aws_lc_rs::signature::{self as lc, ParsedPublicKey, RsaParameters, RsaPublicKeyComponents, VerificationAlgorithm};
use data_encoding::BASE64URL_NOPAD;
use thiserror::Error;

use crate::json::{Json, JsonError, Object};

/// The maximum size of a key set in bytes.
pub const MAX_JWKS_BYTES: usize = 1024 * 1024;
/// The maximum number of keys in a set. AWS accepts 100 RSA and 100 elliptic-curve keys.
pub const MAX_KEYS: usize = 200;

/// The maximum length of a key id in bytes.
const MAX_KEY_ID: usize = 512;
/// The sizes of RSA moduli in bits.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;
/// The maximum number of keys that are tried for one token, if several have the same id.
const MAX_CANDIDATES: usize = 4;

/// Why a key set is not accepted.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum JwksError {
    /// The text is not JSON with one reading.
    #[error("the key set is {0}")]
    Json(#[from] JsonError),
    /// It is larger than [`MAX_JWKS_BYTES`].
    #[error("the key set is larger than {MAX_JWKS_BYTES} bytes")]
    TooLarge,
    /// It has no array `keys`.
    #[error("the key set has no array `keys`")]
    NoArray,
    /// It has more than [`MAX_KEYS`] keys.
    #[error("the key set has more than {MAX_KEYS} keys")]
    TooManyKeys,
    /// No key can verify signatures.
    #[error("no key of the set can verify signatures: {0}")]
    NoKeys(&'static str),
}

/// The keys of an issuer that can verify its tokens.
#[derive(Clone, Debug, Default)]
pub struct KeySet {
    keys: Vec<Key>,
}

#[derive(Clone)]
struct Key {
    id: Option<String>,
    /// The name of the one algorithm that the key is for.
    algorithm: &'static str,
    key: ParsedPublicKey,
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Key").field("id", &self.id).field("algorithm", &self.algorithm).finish_non_exhaustive()
    }
}

impl KeySet {
    /// Reads a key set. A key of an unknown type, too weak, for encryption, or published with its private part cannot
    /// verify anything and is left out.
    ///
    /// # Errors
    /// [`JwksError`] for a set that is malformed, beyond a limit, or without a usable key.
    pub fn parse(bytes: &[u8]) -> Result<Self, JwksError> {
        if bytes.len() > MAX_JWKS_BYTES {
            return Err(JwksError::TooLarge);
        }
        let document = Object::parse(bytes)?;
        let Some(Json::Array(entries)) = document.get("keys") else { return Err(JwksError::NoArray) };
        if entries.len() > MAX_KEYS {
            return Err(JwksError::TooManyKeys);
        }
        let mut keys = Vec::new();
        let mut reason = "it is empty";
        for entry in entries {
            match entry {
                Json::Object(entry) => match Key::read(entry) {
                    Ok(key) => keys.push(key),
                    Err(why) => reason = why,
                },
                _ => reason = "an entry is not an object",
            }
        }
        if keys.is_empty() { Err(JwksError::NoKeys(reason)) } else { Ok(KeySet { keys }) }
    }

    /// The number of usable keys.
    pub fn len(&self) -> usize {
        self.keys.len()
    }

    /// Whether there is no usable key.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Whether a token with this key id can be verified by the set, as far as the id says. A token without one needs a set
    /// with a single key for its algorithm.
    pub fn has_key(&self, id: Option<&str>) -> bool {
        match id {
            Some(_) => self.keys.iter().any(|key| key.id.as_deref() == id),
            None => !self.keys.is_empty(),
        }
    }

    /// Verifies a signature by the keys with this id that are for this algorithm. None if there is no such key.
    pub(super) fn verify(&self, id: Option<&str>, algorithm: &str, message: &[u8], signature: &[u8]) -> Option<bool> {
        let fits = |key: &&Key| key.algorithm == algorithm && (id.is_none() || key.id.as_deref() == id);
        let candidates: Vec<&Key> = self.keys.iter().filter(fits).take(MAX_CANDIDATES).collect();
        if candidates.is_empty() || (id.is_none() && candidates.len() > 1) {
            return None;
        }
        Some(candidates.iter().any(|key| key.key.verify_sig(message, signature).is_ok()))
    }
}

impl Key {
    fn read(jwk: &Object) -> Result<Self, &'static str> {
        let text = |name: &str| jwk.text(name).map_err(|()| "a member of a key has a wrong type");
        if ["d", "p", "q", "dp", "dq", "qi", "oth", "k"].iter().any(|name| jwk.get(name).is_some()) {
            return Err("a key is published with its private part");
        }
        if text("use")?.is_some_and(|usage| usage != "sig") {
            return Err("a key is not for signatures");
        }
        match jwk.get("key_ops") {
            None => {}
            Some(Json::Array(uses)) if uses.contains(&Json::String("verify".into())) => {}
            Some(_) => return Err("a key is not for signatures"),
        }
        let id = text("kid")?;
        if id.is_some_and(|id| id.len() > MAX_KEY_ID) {
            return Err("the id of a key is too long");
        }
        let named = text("alg")?;
        let number = |name: &str| -> Result<Vec<u8>, &'static str> {
            let encoded = text(name)?.ok_or("a key is incomplete")?;
            BASE64URL_NOPAD.decode(encoded.as_bytes()).map_err(|_| "a number of a key is not base64url")
        };
        let (algorithm, key) = match (text("kty")?, text("crv")?) {
            (Some("RSA"), _) => rsa(named, &number("n")?, &number("e")?)?,
            (Some("EC"), Some(curve)) => {
                let (algorithm, size, verifier) = elliptic(curve).ok_or("the curve of a key is not supported")?;
                let (x, y) = (number("x")?, number("y")?);
                if x.len() != size || y.len() != size {
                    return Err("a coordinate of a key has a wrong size");
                }
                (algorithm, parsed(verifier, [&[4], x.as_slice(), y.as_slice()].concat())?)
            }
            (Some("OKP"), Some("Ed25519")) => ("EdDSA", parsed(&lc::ED25519, number("x")?)?),
            _ => return Err("the type of a key is not supported"),
        };
        // RFC 9864 names the curve in the algorithm. It is the same signature.
        let named = if named == Some("Ed25519") { Some("EdDSA") } else { named };
        if named.is_some_and(|named| named != algorithm) {
            return Err("the algorithm of a key does not fit its type");
        }
        Ok(Key { id: id.map(ToOwned::to_owned), algorithm, key })
    }
}

/// The algorithm of a curve, the size of its coordinates in bytes, and its verifier.
fn elliptic(curve: &str) -> Option<(&'static str, usize, &'static dyn VerificationAlgorithm)> {
    Some(match curve {
        "P-256" => ("ES256", 32, &lc::ECDSA_P256_SHA256_FIXED),
        "P-384" => ("ES384", 48, &lc::ECDSA_P384_SHA384_FIXED),
        "P-521" => ("ES512", 66, &lc::ECDSA_P521_SHA512_FIXED),
        _ => return None,
    })
}

/// Reads an RSA key. A key that names no algorithm is for RS256, the default of OpenID Connect.
fn rsa(named: Option<&str>, n: &[u8], e: &[u8]) -> Result<(&'static str, ParsedPublicKey), &'static str> {
    let (algorithm, parameters): (_, &'static RsaParameters) = match named {
        None | Some("RS256") => ("RS256", &lc::RSA_PKCS1_2048_8192_SHA256),
        Some("RS384") => ("RS384", &lc::RSA_PKCS1_2048_8192_SHA384),
        Some("RS512") => ("RS512", &lc::RSA_PKCS1_2048_8192_SHA512),
        Some("PS256") => ("PS256", &lc::RSA_PSS_2048_8192_SHA256),
        Some("PS384") => ("PS384", &lc::RSA_PSS_2048_8192_SHA384),
        Some("PS512") => ("PS512", &lc::RSA_PSS_2048_8192_SHA512),
        Some(_) => return Err("the algorithm of a key does not fit its type"),
    };
    let (n, e) = (significant(n), significant(e));
    let bits = n.first().map_or(0, |first| n.len() * 8 - first.leading_zeros() as usize);
    if !RSA_BITS.contains(&bits) {
        return Err("an RSA key has fewer than 2048 or more than 8192 bits");
    }
    let is_exponent = matches!(e, [.., last] if last % 2 == 1) && e.len() <= 4 && e != [1];
    if !is_exponent {
        return Err("the exponent of an RSA key is not acceptable");
    }
    let components = RsaPublicKeyComponents { n, e };
    let key = components.to_parsed_public_key(parameters).map_err(|_| "a key is not valid")?;
    Ok((algorithm, key))
}

/// A number without leading zeros.
fn significant(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    &number[zeros..]
}

fn parsed(verifier: &'static dyn VerificationAlgorithm, bytes: Vec<u8>) -> Result<ParsedPublicKey, &'static str> {
    ParsedPublicKey::new(verifier, bytes).map_err(|_| "a key is not valid")
}
