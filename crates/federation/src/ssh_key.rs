//! Public RSA keys for SSH, in the line form of OpenSSH and in PEM form.

use aws_lc_rs::digest;
use md5::{Digest as _, Md5};
use pkcs1::RsaPublicKey;
use ssh_key::public::KeyData;
use x509_cert::der::asn1::{Any, BitString, Uint};
use x509_cert::der::pem::{self, LineEnding};
use x509_cert::der::{Decode as _, Encode as _, EncodePem as _};
use x509_cert::spki::{AlgorithmIdentifierOwned, SubjectPublicKeyInfoOwned};

/// The smallest and largest RSA modulus, in bits.
const BITS: std::ops::RangeInclusive<usize> = 2_048..=16_384;

/// How a public key is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyEncoding {
    /// One line of OpenSSH: `ssh-rsa AAAA… comment`.
    Ssh,
    /// A PEM section: `PUBLIC KEY` or `RSA PUBLIC KEY`.
    Pem,
}

/// Why a text is not a public key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PublicKeyError {
    /// Neither an `ssh-rsa` line nor a PEM section with a public key.
    #[error("the public key must be an ssh-rsa line, or PEM that begins with BEGIN PUBLIC KEY or BEGIN RSA PUBLIC KEY")]
    UnknownEncoding,
    /// The encoding is known, and its content is malformed or not an RSA key.
    #[error("the public key is malformed or not an RSA key")]
    Malformed,
    /// An RSA key with too few or too many bits.
    #[error("the public key must have 2048 to 16384 bits")]
    Size,
}

/// A public RSA key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SshPublicKey {
    /// The DER of its SubjectPublicKeyInfo, which is the same for every encoding of a key.
    der: Vec<u8>,
    key: RsaPublicKey<Uint>,
}

impl SshPublicKey {
    /// Parses a public key in either encoding, and returns which one it was. A comment after an OpenSSH key is dropped.
    ///
    /// # Errors
    /// [`PublicKeyError`].
    pub fn parse(text: &str) -> Result<(Self, KeyEncoding), PublicKeyError> {
        let text = text.trim();
        if text.starts_with("ssh-rsa ") {
            return Ok((Self::from_rsa(parse_line(text)?)?, KeyEncoding::Ssh));
        }
        if !text.starts_with("-----BEGIN ") {
            return Err(PublicKeyError::UnknownEncoding);
        }
        let label = text.trim_start_matches("-----BEGIN ").split("-----").next().unwrap_or_default();
        if !matches!(label, "PUBLIC KEY" | "RSA PUBLIC KEY") {
            return Err(PublicKeyError::UnknownEncoding);
        }
        let (label, der) = pem::decode_vec(text.as_bytes()).map_err(|_| PublicKeyError::Malformed)?;
        let key = if label == "PUBLIC KEY" { Self::from_der(&der)? } else { Self::from_rsa(parse_rsa(&der)?)? };
        Ok((key, KeyEncoding::Pem))
    }

    /// Parses the DER of a SubjectPublicKeyInfo, such as [`der`](Self::der) returns.
    ///
    /// # Errors
    /// [`PublicKeyError::Malformed`], [`PublicKeyError::Size`].
    pub fn from_der(der: &[u8]) -> Result<Self, PublicKeyError> {
        let info = SubjectPublicKeyInfoOwned::from_der(der).map_err(|_| PublicKeyError::Malformed)?;
        if info.algorithm.oid != pkcs1::ALGORITHM_OID {
            return Err(PublicKeyError::Malformed);
        }
        Self::from_rsa(parse_rsa(info.subject_public_key.as_bytes().ok_or(PublicKeyError::Malformed)?)?)
    }

    fn from_rsa(key: RsaPublicKey<Uint>) -> Result<Self, PublicKeyError> {
        let modulus = key.modulus.as_bytes();
        let bits = 8 * modulus.len() - modulus.first().map_or(0, |byte| byte.leading_zeros() as usize);
        if !BITS.contains(&bits) {
            return Err(PublicKeyError::Size);
        }
        let exponent = key.public_exponent.as_bytes();
        let is_odd = |number: &[u8]| number.last().is_some_and(|byte| byte & 1 == 1);
        if !is_odd(modulus) || !is_odd(exponent) || exponent == [1] || exponent.len() > 8 {
            return Err(PublicKeyError::Malformed);
        }
        let der =
            subject_public_key_info(&key).and_then(|info| info.to_der()).map_err(|_| PublicKeyError::Malformed)?;
        Ok(SshPublicKey { der, key })
    }

    /// The DER of its SubjectPublicKeyInfo.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// The key as text: one line without a comment, or PEM.
    ///
    /// # Errors
    /// [`PublicKeyError::Malformed`] does not occur for a key that was parsed.
    pub fn to_text(&self, encoding: KeyEncoding) -> Result<String, PublicKeyError> {
        let text = match encoding {
            KeyEncoding::Ssh => self.to_line(),
            KeyEncoding::Pem => subject_public_key_info(&self.key).and_then(|info| info.to_pem(LineEnding::LF)).ok(),
        };
        text.ok_or(PublicKeyError::Malformed)
    }

    fn to_line(&self) -> Option<String> {
        let number = |number: &Uint| ssh_key::Mpint::from_positive_bytes(number.as_bytes()).ok();
        let (n, e) = (number(&self.key.modulus)?, number(&self.key.public_exponent)?);
        let data = KeyData::Rsa(ssh_key::public::RsaPublicKey { e, n });
        ssh_key::PublicKey::new(data, "").to_openssh().ok()
    }

    /// The MD5 of the DER, as sixteen hexadecimal bytes with colons between them. A name for people, not a proof:
    /// two keys can be made to have the same one.
    pub fn fingerprint(&self) -> String {
        let bytes = Md5::digest(&self.der);
        let hex: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        hex.join(":")
    }

    /// The SHA-256 of the DER in lower-case hexadecimal: equal for equal keys only.
    pub fn digest(&self) -> String {
        data_encoding::HEXLOWER.encode(digest::digest(&digest::SHA256, &self.der).as_ref())
    }
}

fn parse_line(text: &str) -> Result<RsaPublicKey<Uint>, PublicKeyError> {
    if text.contains(['\n', '\r']) {
        return Err(PublicKeyError::Malformed);
    }
    let key = ssh_key::PublicKey::from_openssh(text).map_err(|_| PublicKeyError::Malformed)?;
    let KeyData::Rsa(rsa) = key.key_data() else { return Err(PublicKeyError::Malformed) };
    let number = |number: &ssh_key::Mpint| {
        let bytes = number.as_positive_bytes().ok_or(PublicKeyError::Malformed)?;
        Uint::new(bytes).map_err(|_| PublicKeyError::Malformed)
    };
    Ok(RsaPublicKey { modulus: number(&rsa.n)?, public_exponent: number(&rsa.e)? })
}

fn parse_rsa(der: &[u8]) -> Result<RsaPublicKey<Uint>, PublicKeyError> {
    RsaPublicKey::<Uint>::from_der(der).map_err(|_| PublicKeyError::Malformed)
}

fn subject_public_key_info(key: &RsaPublicKey<Uint>) -> x509_cert::der::Result<SubjectPublicKeyInfoOwned> {
    Ok(SubjectPublicKeyInfoOwned {
        algorithm: AlgorithmIdentifierOwned { oid: pkcs1::ALGORITHM_OID, parameters: Some(Any::null()) },
        subject_public_key: BitString::from_bytes(&key.to_der()?)?,
    })
}

#[cfg(test)]
mod tests;
