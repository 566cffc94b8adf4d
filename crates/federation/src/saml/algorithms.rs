//! The algorithms of signatures: RSA (PKCS #1 v1.5) and ECDSA with SHA-256 or stronger.

use aws_lc_rs::digest::{Algorithm as Digest, SHA256, SHA384, SHA512};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA384_ASN1, ECDSA_P256_SHA512_ASN1, ECDSA_P384_SHA256_ASN1,
    ECDSA_P384_SHA384_ASN1, ECDSA_P384_SHA512_ASN1, ECDSA_P521_SHA256_ASN1, ECDSA_P521_SHA384_ASN1,
    ECDSA_P521_SHA512_ASN1, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512,
    UnparsedPublicKey, VerificationAlgorithm,
};
use x509_cert::der::asn1::{AnyRef, UintRef};
use x509_cert::der::{Encode as _, Tag};

use crate::x509::{Certificate, KeyType};

/// An algorithm of signatures.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SignatureMethod {
    Rsa(Hash),
    Ecdsa(Hash),
}

/// A hash function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hash {
    Sha256,
    Sha384,
    Sha512,
}

impl Hash {
    /// The method of a digest with this identifier. None for an unknown or weak one.
    pub(super) fn from_uri(uri: &str) -> Option<Self> {
        Some(match uri {
            "http://www.w3.org/2001/04/xmlenc#sha256" => Self::Sha256,
            "http://www.w3.org/2001/04/xmldsig-more#sha384" => Self::Sha384,
            "http://www.w3.org/2001/04/xmlenc#sha512" => Self::Sha512,
            _ => return None,
        })
    }

    /// The function that computes it.
    pub(super) fn digest(self) -> &'static Digest {
        match self {
            Self::Sha256 => &SHA256,
            Self::Sha384 => &SHA384,
            Self::Sha512 => &SHA512,
        }
    }
}

impl SignatureMethod {
    /// The method with this identifier. None for an unknown, weak or symmetric one.
    pub(super) fn from_uri(uri: &str) -> Option<Self> {
        Some(match uri.strip_prefix("http://www.w3.org/2001/04/xmldsig-more#")? {
            "rsa-sha256" => Self::Rsa(Hash::Sha256),
            "rsa-sha384" => Self::Rsa(Hash::Sha384),
            "rsa-sha512" => Self::Rsa(Hash::Sha512),
            "ecdsa-sha256" => Self::Ecdsa(Hash::Sha256),
            "ecdsa-sha384" => Self::Ecdsa(Hash::Sha384),
            "ecdsa-sha512" => Self::Ecdsa(Hash::Sha512),
            _ => return None,
        })
    }

    /// Whether `signature` is the signature of `bytes` with the key of `certificate`. The type of the key, of which the
    /// signed document says nothing, must be that of the method.
    pub(super) fn verifies(self, certificate: &Certificate, bytes: &[u8], signature: &[u8]) -> bool {
        let Some((key_type, key)) = certificate.public_key() else { return false };
        let verify = |algorithm: &'static dyn VerificationAlgorithm, signature: &[u8]| {
            UnparsedPublicKey::new(algorithm, key).verify(bytes, signature).is_ok()
        };
        match (self, key_type) {
            (Self::Rsa(hash), KeyType::Rsa) => verify(rsa(hash), signature),
            (Self::Ecdsa(hash), KeyType::P256) => {
                der_of(signature, 32).is_some_and(|signature| verify(p256(hash), &signature))
            }
            (Self::Ecdsa(hash), KeyType::P384) => {
                der_of(signature, 48).is_some_and(|signature| verify(p384(hash), &signature))
            }
            (Self::Ecdsa(hash), KeyType::P521) => {
                der_of(signature, 66).is_some_and(|signature| verify(p521(hash), &signature))
            }
            _ => false,
        }
    }
}

fn rsa(hash: Hash) -> &'static dyn VerificationAlgorithm {
    match hash {
        Hash::Sha256 => &RSA_PKCS1_2048_8192_SHA256,
        Hash::Sha384 => &RSA_PKCS1_2048_8192_SHA384,
        Hash::Sha512 => &RSA_PKCS1_2048_8192_SHA512,
    }
}

fn p256(hash: Hash) -> &'static dyn VerificationAlgorithm {
    match hash {
        Hash::Sha256 => &ECDSA_P256_SHA256_ASN1,
        Hash::Sha384 => &ECDSA_P256_SHA384_ASN1,
        Hash::Sha512 => &ECDSA_P256_SHA512_ASN1,
    }
}

fn p384(hash: Hash) -> &'static dyn VerificationAlgorithm {
    match hash {
        Hash::Sha256 => &ECDSA_P384_SHA256_ASN1,
        Hash::Sha384 => &ECDSA_P384_SHA384_ASN1,
        Hash::Sha512 => &ECDSA_P384_SHA512_ASN1,
    }
}

fn p521(hash: Hash) -> &'static dyn VerificationAlgorithm {
    match hash {
        Hash::Sha256 => &ECDSA_P521_SHA256_ASN1,
        Hash::Sha384 => &ECDSA_P521_SHA384_ASN1,
        Hash::Sha512 => &ECDSA_P521_SHA512_ASN1,
    }
}

/// The DER of a signature that XML has as two numbers of this many bytes each.
fn der_of(signature: &[u8], size: usize) -> Option<Vec<u8>> {
    if signature.len() != 2 * size {
        return None;
    }
    let (r, s) = signature.split_at(size);
    let number = |bytes| UintRef::new(bytes).ok()?.to_der().ok();
    let content = [number(r)?, number(s)?].concat();
    AnyRef::new(Tag::Sequence, &content).ok()?.to_der().ok()
}
