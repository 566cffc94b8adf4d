//! X.509 certificates in PEM form.
//!
//! Parsing establishes no trust: it checks the form only. Whether a certificate is within its time is the caller's question.

mod algorithm;
mod private_key;

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};
use aws_lc_rs::signature::UnparsedPublicKey;
use x509_cert::der::asn1::ObjectIdentifier;
use x509_cert::der::{Decode as _, Reader as _, SliceReader};
use x509_cert::ext::pkix::BasicConstraints;

pub(crate) use algorithm::KeyType;
pub use private_key::PrivateKey;

/// The largest number of certificates in one text.
const MAX_CERTIFICATES: usize = 32;

const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
const END: &str = "-----END CERTIFICATE-----";

/// Why a text is not a certificate or private key. The message does not repeat the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum X509Error {
    /// Text outside of the PEM sections, a section of another type, or malformed base64.
    #[error("expected certificates in PEM form and nothing else")]
    NotPem,
    /// The DER is not a certificate.
    #[error("not an X.509 certificate")]
    NotCertificate,
    /// More than 32 certificates.
    #[error("expected at most 32 certificates")]
    TooMany,
    /// Not a PEM section with a private key of a known type that is not encrypted: RSA of 2,048 to 8,192 bits, EC on
    /// P-256, P-384 or P-521, or Ed25519.
    #[error("not an unencrypted private key in PEM form, of a supported type")]
    NotPrivateKey,
}

/// An X.509 certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    der: Vec<u8>,
    parsed: x509_cert::Certificate,
}

impl Certificate {
    /// Parses the DER of one certificate.
    ///
    /// # Errors
    /// [`X509Error::NotCertificate`].
    pub fn from_der(der: Vec<u8>) -> Result<Self, X509Error> {
        let parsed = x509_cert::Certificate::from_der(&der).map_err(|_| X509Error::NotCertificate)?;
        Ok(Certificate { der, parsed })
    }

    /// Parses one or more certificates in PEM form, with white space between them and nothing else: a private key that was
    /// pasted with the certificate would be shown with it.
    ///
    /// # Errors
    /// [`X509Error`], also for a text without certificates.
    pub fn parse_pem(text: &str) -> Result<Vec<Self>, X509Error> {
        let mut rest = text.trim_start();
        let mut found = Vec::new();
        while !rest.is_empty() {
            let body = rest.strip_prefix(BEGIN).ok_or(X509Error::NotPem)?;
            let (body, after) = body.split_once(END).ok_or(X509Error::NotPem)?;
            if found.len() == MAX_CERTIFICATES {
                return Err(X509Error::TooMany);
            }
            found.push(Self::from_der(decode_base64(body).ok_or(X509Error::NotPem)?)?);
            rest = after.trim_start();
        }
        if found.is_empty() { Err(X509Error::NotPem) } else { Ok(found) }
    }

    /// The DER.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// The SHA-256 digest of the DER.
    pub fn digest(&self) -> [u8; 32] {
        let mut bytes = [0; 32];
        bytes.copy_from_slice(digest(&SHA256, &self.der).as_ref());
        bytes
    }

    /// The SHA-1 digest of the DER, which is the id of a signing certificate. It proves nothing: two certificates can be
    /// made to have the same one.
    pub fn sha1(&self) -> [u8; 20] {
        let mut bytes = [0; 20];
        bytes.copy_from_slice(digest(&SHA1_FOR_LEGACY_USE_ONLY, &self.der).as_ref());
        bytes
    }

    /// The first second at which it is valid, since the epoch.
    pub fn not_before(&self) -> u64 {
        self.parsed.tbs_certificate().validity().not_before.to_unix_duration().as_secs()
    }

    /// The last second at which it is valid, since the epoch.
    pub fn not_after(&self) -> u64 {
        self.parsed.tbs_certificate().validity().not_after.to_unix_duration().as_secs()
    }

    /// Whether `key` is the private key of this certificate.
    pub fn belongs_to(&self, key: &PrivateKey) -> bool {
        let own = &self.parsed.tbs_certificate().subject_public_key_info().subject_public_key;
        own.as_bytes() == Some(key.public())
    }

    /// Whether `issuer` issued this certificate, by name and signature. A signature of an unknown or weak algorithm, such
    /// as SHA-1, does not count. Whether the issuer may issue certificates is not checked.
    pub fn is_issued_by(&self, issuer: &Certificate) -> bool {
        let (own, theirs) = (self.parsed.tbs_certificate(), issuer.parsed.tbs_certificate());
        let info = theirs.subject_public_key_info();
        let curve = info.algorithm.parameters.as_ref().and_then(|any| any.decode_as::<ObjectIdentifier>().ok());
        let (Some(algorithm), Some(key), Some(signature), Some(signed)) = (
            algorithm::of_signature(self.parsed.signature_algorithm().oid, curve),
            info.subject_public_key.as_bytes(),
            self.parsed.signature().as_bytes(),
            self.signed_bytes(),
        ) else {
            return false;
        };
        own.issuer() == theirs.subject() && UnparsedPublicKey::new(algorithm, key).verify(signed, signature).is_ok()
    }

    /// Returns where `chain`, which begins with the issuer of this certificate, is broken. `None`: each certificate
    /// issued the one before it, and all but the last one say that they may.
    ///
    /// The index is the one that AWS reports. Its validator trusts the last certificate of the chain, and goes from there
    /// through the path of this certificate and the other ones; -1 is a path that the trusted one does not continue.
    pub fn break_in(&self, chain: &[Certificate]) -> Option<isize> {
        let path: Vec<&Certificate> = std::iter::once(self).chain(chain).collect();
        let last = chain.len().checked_sub(1)?;
        (0..=last).rev().find_map(|at| {
            let (subject, issuer) = (path[at], &chain[at]);
            if !subject.is_issued_by(issuer) {
                return Some(if at == last { -1 } else { at.cast_signed() });
            }
            (at > 0 && !subject.is_authority()).then_some(at.cast_signed())
        })
    }

    /// Whether it says that its key may issue certificates.
    fn is_authority(&self) -> bool {
        let extension = self.parsed.tbs_certificate().get_extension::<BasicConstraints>();
        matches!(extension, Ok(Some((_, constraints))) if constraints.ca)
    }

    /// The public key: its type, and its bytes as verification takes them. `None` for a type without a use here.
    pub(crate) fn public_key(&self) -> Option<(KeyType, &[u8])> {
        let info = self.parsed.tbs_certificate().subject_public_key_info();
        let parameters = info.algorithm.parameters.as_ref().and_then(|any| any.decode_as::<ObjectIdentifier>().ok());
        Some((algorithm::of_key(info.algorithm.oid, parameters)?, info.subject_public_key.as_bytes()?))
    }

    /// The bytes that the issuer signed, as they are in the DER.
    fn signed_bytes(&self) -> Option<&[u8]> {
        let mut reader = SliceReader::new(&self.der).ok()?;
        reader
            .sequence(|inner| {
                let signed = inner.tlv_bytes()?;
                // Algorithm and signature.
                inner.tlv_bytes()?;
                inner.tlv_bytes()?;
                Ok::<_, x509_cert::der::Error>(signed)
            })
            .ok()
    }
}

/// Decodes base64 with white space anywhere.
pub(crate) fn decode_base64(text: &str) -> Option<Vec<u8>> {
    let dense: Vec<u8> = text.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    data_encoding::BASE64.decode(&dense).ok()
}

#[cfg(test)]
mod tests;
