//! Public keys of credentials: COSE keys (RFC 9053, RFC 8230) of three algorithms.

use aws_lc_rs::signature::{self as lc, ParsedPublicKey, RsaPublicKeyComponents};
use thiserror::Error;

use super::cbor::{self, CborError, Map, Value};

/// The sizes of RSA moduli in bits.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=4096;

/// The numbers of COSE for members of a key.
const TYPE: i128 = 1;
const ALGORITHM: i128 = 3;

/// An algorithm, which a key fixes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeyAlgorithm {
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// EdDSA on Curve25519.
    EdDsa,
    /// RSA PKCS #1 with SHA-256.
    Rs256,
}

impl KeyAlgorithm {
    /// All of them, the preferred one first.
    pub const ALL: [Self; 3] = [Self::Es256, Self::EdDsa, Self::Rs256];

    /// The number in COSE: -7, -8 or -257.
    pub fn number(self) -> i32 {
        match self {
            KeyAlgorithm::Es256 => -7,
            KeyAlgorithm::EdDsa => -8,
            KeyAlgorithm::Rs256 => -257,
        }
    }
}

/// Why a public key is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum KeyError {
    /// It is not canonical CBOR.
    #[error("it is not canonical CBOR: {0}")]
    Cbor(#[from] CborError),
    /// It is not a map.
    #[error("it is not a map")]
    NotMap,
    /// The algorithm is none of ES256, EdDSA and RS256.
    #[error("its algorithm is none of ES256, EdDSA and RS256")]
    Algorithm,
    /// The type or the curve does not fit the algorithm.
    #[error("its type or its curve does not fit the algorithm")]
    Type,
    /// It has other members than those of its type, or not all of them.
    #[error("it does not have exactly the members of its type")]
    Members,
    /// A number has a wrong size or is not allowed.
    #[error("a number has a wrong size or is not allowed")]
    Number,
    /// The numbers do not form a key, such as a point that is not on its curve.
    #[error("its numbers are not a key")]
    Invalid,
}

/// A public key that verifies signatures of its one algorithm.
pub(super) struct CredentialKey {
    pub(super) algorithm: KeyAlgorithm,
    key: ParsedPublicKey,
}

impl CredentialKey {
    /// Reads a COSE key.
    ///
    /// # Errors
    /// [`KeyError`].
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, KeyError> {
        let Value::Map(members) = cbor::parse(bytes)? else { return Err(KeyError::NotMap) };
        let number = |key| match members.number(key) {
            Some(Value::Integer(number)) => Ok(*number),
            _ => Err(KeyError::Members),
        };
        let algorithm = number(ALGORITHM)?;
        let algorithm = KeyAlgorithm::ALL.into_iter().find(|known| i128::from(known.number()) == algorithm);
        let algorithm = algorithm.ok_or(KeyError::Algorithm)?;
        let key = match algorithm {
            KeyAlgorithm::Es256 => {
                expect(&members, 2, Some(1), 5)?;
                let (x, y) = (sized(&members, -2, 32)?, sized(&members, -3, 32)?);
                ParsedPublicKey::new(&lc::ECDSA_P256_SHA256_ASN1, [&[4], x, y].concat())
            }
            KeyAlgorithm::EdDsa => {
                expect(&members, 1, Some(6), 4)?;
                ParsedPublicKey::new(&lc::ED25519, sized(&members, -2, 32)?)
            }
            KeyAlgorithm::Rs256 => {
                expect(&members, 3, None, 4)?;
                let (n, e) = (unsigned(&members, -1)?, unsigned(&members, -2)?);
                let bits = n.len() * 8 - n.first().map_or(0, |first| first.leading_zeros() as usize);
                let is_odd = |number: &[u8]| number.last().is_some_and(|last| last % 2 == 1);
                if !RSA_BITS.contains(&bits) || !is_odd(n) || !is_odd(e) || e.len() > 4 || e == [1] {
                    return Err(KeyError::Number);
                }
                RsaPublicKeyComponents { n, e }.to_parsed_public_key(&lc::RSA_PKCS1_2048_8192_SHA256)
            }
        };
        Ok(CredentialKey { algorithm, key: key.map_err(|_| KeyError::Invalid)? })
    }

    /// Whether the signature is one of the key.
    pub(super) fn is_signed(&self, message: &[u8], signature: &[u8]) -> bool {
        self.key.verify_sig(message, signature).is_ok()
    }
}

/// Checks the type, the curve and the number of members.
fn expect(members: &Map<'_>, kind: i128, curve: Option<i128>, count: usize) -> Result<(), KeyError> {
    if members.number(TYPE) != Some(&Value::Integer(kind)) {
        return Err(KeyError::Type);
    }
    if curve.is_some_and(|curve| members.number(-1) != Some(&Value::Integer(curve))) {
        return Err(KeyError::Type);
    }
    if members.0.len() == count { Ok(()) } else { Err(KeyError::Members) }
}

fn bytes<'a>(members: &Map<'a>, key: i128) -> Result<&'a [u8], KeyError> {
    match members.number(key) {
        Some(Value::Bytes(bytes)) => Ok(bytes),
        _ => Err(KeyError::Members),
    }
}

fn sized<'a>(members: &Map<'a>, key: i128, size: usize) -> Result<&'a [u8], KeyError> {
    bytes(members, key).and_then(|bytes| if bytes.len() == size { Ok(bytes) } else { Err(KeyError::Number) })
}

/// A number without leading zeros.
fn unsigned<'a>(members: &Map<'a>, key: i128) -> Result<&'a [u8], KeyError> {
    bytes(members, key).and_then(|bytes| if matches!(bytes, [0, ..] | []) { Err(KeyError::Number) } else { Ok(bytes) })
}
