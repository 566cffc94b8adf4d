//! The algorithms of certificates' keys and signatures.

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA384_ASN1, ECDSA_P384_SHA256_ASN1, ECDSA_P384_SHA384_ASN1,
    ECDSA_P521_SHA256_ASN1, ECDSA_P521_SHA384_ASN1, ECDSA_P521_SHA512_ASN1, ED25519, RSA_PKCS1_2048_8192_SHA256,
    RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512, VerificationAlgorithm,
};
use x509_cert::der::asn1::ObjectIdentifier;

const SHA256_WITH_RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.11");
const SHA384_WITH_RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.12");
const SHA512_WITH_RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.13");
const ECDSA_WITH_SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.2");
const ECDSA_WITH_SHA384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.3");
const ECDSA_WITH_SHA512: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.4");
const EDDSA_25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");

const P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
const P384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");
const P521: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.35");

const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const EC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");

/// The type of a public key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum KeyType {
    /// RSA.
    Rsa,
    /// On the curve P-256.
    P256,
    /// On the curve P-384.
    P384,
    /// On the curve P-521.
    P521,
}

/// The type of a key with this algorithm and curve. None for another one.
pub(super) fn of_key(algorithm: ObjectIdentifier, curve: Option<ObjectIdentifier>) -> Option<KeyType> {
    Some(match (algorithm, curve) {
        (RSA, _) => KeyType::Rsa,
        (EC, Some(P256)) => KeyType::P256,
        (EC, Some(P384)) => KeyType::P384,
        (EC, Some(P521)) => KeyType::P521,
        _ => return None,
    })
}

/// The algorithm that verifies a signature; `curve` is that of the issuer's key. None for an unknown or weak one.
pub(super) fn of_signature(
    signature: ObjectIdentifier,
    curve: Option<ObjectIdentifier>,
) -> Option<&'static dyn VerificationAlgorithm> {
    Some(match (signature, curve) {
        (SHA256_WITH_RSA, _) => &RSA_PKCS1_2048_8192_SHA256,
        (SHA384_WITH_RSA, _) => &RSA_PKCS1_2048_8192_SHA384,
        (SHA512_WITH_RSA, _) => &RSA_PKCS1_2048_8192_SHA512,
        (ECDSA_WITH_SHA256, Some(P256)) => &ECDSA_P256_SHA256_ASN1,
        (ECDSA_WITH_SHA256, Some(P384)) => &ECDSA_P384_SHA256_ASN1,
        (ECDSA_WITH_SHA256, Some(P521)) => &ECDSA_P521_SHA256_ASN1,
        (ECDSA_WITH_SHA384, Some(P256)) => &ECDSA_P256_SHA384_ASN1,
        (ECDSA_WITH_SHA384, Some(P384)) => &ECDSA_P384_SHA384_ASN1,
        (ECDSA_WITH_SHA384, Some(P521)) => &ECDSA_P521_SHA384_ASN1,
        (ECDSA_WITH_SHA512, Some(P521)) => &ECDSA_P521_SHA512_ASN1,
        (EDDSA_25519, _) => &ED25519,
        _ => return None,
    })
}
