//! Encrypted assertions: AES-GCM with a key that is encrypted with RSA-OAEP.

use std::fmt;

use aws_lc_rs::aead::{AES_128_GCM, AES_192_GCM, AES_256_GCM, Aad, Algorithm, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::encoding::{AsDer as _, Pkcs8V1Der};
use aws_lc_rs::rsa::{
    self, OAEP_SHA1_MGF1SHA1, OAEP_SHA256_MGF1SHA256, OAEP_SHA384_MGF1SHA384, OAEP_SHA512_MGF1SHA512, OaepAlgorithm,
    OaepPrivateDecryptingKey, PrivateDecryptingKey,
};
use rustls_pki_types::PrivateKeyDer;
use rustls_pki_types::pem::PemObject as _;

use super::SamlError;
use super::names::{ENCRYPTION, ENCRYPTION_1_1, SIGNATURE};
use crate::X509Error;
use crate::x509::decode_base64;
use crate::xml::{Document, Element};

/// The bytes of a nonce, which the encrypted text begins with.
const NONCE: usize = 12;
/// The largest RSA key, in bytes.
const MAX_RSA: usize = 1_024;

const SHA1: &str = "http://www.w3.org/2000/09/xmldsig#sha1";
const SHA256: &str = "http://www.w3.org/2001/04/xmlenc#sha256";
const SHA384: &str = "http://www.w3.org/2001/04/xmldsig-more#sha384";
/// The same by its name in XML Encryption 1.1.
const SHA384_1_1: &str = "http://www.w3.org/2001/04/xmlenc#sha384";
const SHA512: &str = "http://www.w3.org/2001/04/xmlenc#sha512";

/// A private key of a provider, which decrypts assertions.
pub struct DecryptionKey(OaepPrivateDecryptingKey);

impl fmt::Debug for DecryptionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DecryptionKey")
    }
}

impl DecryptionKey {
    /// Parses an RSA key in PEM form: PKCS#8 or PKCS#1, not encrypted.
    ///
    /// # Errors
    /// [`X509Error::NotPrivateKey`].
    pub fn parse_pem(text: &str) -> Result<Self, X509Error> {
        let refused = |_| X509Error::NotPrivateKey;
        let key = match PrivateKeyDer::from_pem_slice(text.as_bytes()).map_err(|_| X509Error::NotPrivateKey)? {
            PrivateKeyDer::Pkcs8(der) => PrivateDecryptingKey::from_pkcs8(der.secret_pkcs8_der()).map_err(refused)?,
            PrivateKeyDer::Pkcs1(der) => {
                let pair = rsa::KeyPair::from_der(der.secret_pkcs1_der()).map_err(refused)?;
                let der: Pkcs8V1Der<'_> = pair.as_der().map_err(|_| X509Error::NotPrivateKey)?;
                PrivateDecryptingKey::from_pkcs8(der.as_ref()).map_err(refused)?
            }
            _ => return Err(X509Error::NotPrivateKey),
        };
        OaepPrivateDecryptingKey::new(key).map(Self).map_err(|_| X509Error::NotPrivateKey)
    }
}

/// Decrypts an `EncryptedAssertion`.
///
/// # Errors
/// [`SamlError::EncryptionForm`], [`SamlError::Decryption`], [`SamlError::Xml`].
pub(super) fn decrypt(encrypted: Element<'_>, keys: &[DecryptionKey]) -> Result<Document, SamlError> {
    let data = encrypted.only_child(ENCRYPTION, "EncryptedData");
    let data = data.ok_or(SamlError::EncryptionForm("expected exactly one EncryptedData"))?;
    let key = encrypted_key(encrypted, data)?;
    let cipher = method(data).and_then(|method| cipher(method.attribute("Algorithm")?));
    let cipher = cipher.ok_or(SamlError::EncryptionForm("expected AES in the mode GCM"))?;
    let algorithm = method(key).and_then(key_algorithm).ok_or(SamlError::EncryptionForm(
        "expected a key that is encrypted with RSA-OAEP, without a label, and with the hash SHA-1, SHA-256, SHA-384 or \
         SHA-512",
    ))?;
    let algorithm = algorithm.implementation().ok_or(SamlError::EncryptionForm(
        "the digest and the mask generation function of RSA-OAEP have different hashes: configure one hash for both; \
         rsa-oaep-mgf1p has SHA-1",
    ))?;
    let (key, text) = (cipher_value(key)?, cipher_value(data)?);
    let plain = keys.iter().find_map(|private| open(private, algorithm, &key, cipher, &text));
    let plain = plain.and_then(|plain| String::from_utf8(plain).ok()).ok_or(SamlError::Decryption)?;
    Ok(Document::parse_part(&plain, encrypted.scope())?)
}

/// The one encrypted key: in the `KeyInfo` of the data, or next to the data.
fn encrypted_key<'d>(encrypted: Element<'d>, data: Element<'d>) -> Result<Element<'d>, SamlError> {
    let inner = data.children(SIGNATURE, "KeyInfo").flat_map(|info| info.children(ENCRYPTION, "EncryptedKey"));
    let mut keys = inner.chain(encrypted.children(ENCRYPTION, "EncryptedKey"));
    match (keys.next(), keys.next()) {
        (Some(key), None) => Ok(key),
        _ => Err(SamlError::EncryptionForm("expected exactly one EncryptedKey")),
    }
}

fn method(element: Element<'_>) -> Option<Element<'_>> {
    element.only_child(ENCRYPTION, "EncryptionMethod")
}

fn cipher(uri: &str) -> Option<&'static Algorithm> {
    Some(match uri.strip_prefix(ENCRYPTION_1_1)? {
        "aes128-gcm" => &AES_128_GCM,
        "aes192-gcm" => &AES_192_GCM,
        "aes256-gcm" => &AES_256_GCM,
        _ => return None,
    })
}

/// A hash of RSA-OAEP.
#[derive(Clone, Copy, PartialEq, Eq)]
enum OaepHash {
    Sha1,
    Sha256,
    Sha384,
    Sha512,
}

/// A variant of RSA-OAEP.
struct Oaep {
    digest: OaepHash,
    mask: OaepHash,
}

impl Oaep {
    /// What computes it: there is nothing for two different hashes.
    fn implementation(&self) -> Option<&'static OaepAlgorithm> {
        if self.digest != self.mask {
            return None;
        }
        Some(match self.digest {
            OaepHash::Sha1 => &OAEP_SHA1_MGF1SHA1,
            OaepHash::Sha256 => &OAEP_SHA256_MGF1SHA256,
            OaepHash::Sha384 => &OAEP_SHA384_MGF1SHA384,
            OaepHash::Sha512 => &OAEP_SHA512_MGF1SHA512,
        })
    }
}

/// The variant of RSA-OAEP that a method names. Both hashes are SHA-1 unless it says another; `rsa-oaep-mgf1p` can only say
/// another digest.
fn key_algorithm(method: Element<'_>) -> Option<Oaep> {
    let is_1_1 = match method.attribute("Algorithm")? {
        uri if uri.strip_prefix(ENCRYPTION) == Some("rsa-oaep-mgf1p") => false,
        uri if uri.strip_prefix(ENCRYPTION_1_1) == Some("rsa-oaep") => true,
        _ => return None,
    };
    let (mut digest, mut mask) = (None, None);
    for parameter in method.elements() {
        let algorithm = parameter.attribute("Algorithm")?;
        let earlier = if parameter.is(SIGNATURE, "DigestMethod") {
            digest.replace(digest_hash(algorithm)?)
        } else if is_1_1 && parameter.is(ENCRYPTION_1_1, "MGF") {
            mask.replace(mask_hash(algorithm)?)
        } else {
            return None;
        };
        if earlier.is_some() {
            return None;
        }
    }
    Some(Oaep { digest: digest.unwrap_or(OaepHash::Sha1), mask: mask.unwrap_or(OaepHash::Sha1) })
}

fn digest_hash(uri: &str) -> Option<OaepHash> {
    Some(match uri {
        SHA1 => OaepHash::Sha1,
        SHA256 => OaepHash::Sha256,
        SHA384 | SHA384_1_1 => OaepHash::Sha384,
        SHA512 => OaepHash::Sha512,
        _ => return None,
    })
}

fn mask_hash(uri: &str) -> Option<OaepHash> {
    Some(match uri.strip_prefix(ENCRYPTION_1_1)? {
        "mgf1sha1" => OaepHash::Sha1,
        "mgf1sha256" => OaepHash::Sha256,
        "mgf1sha384" => OaepHash::Sha384,
        "mgf1sha512" => OaepHash::Sha512,
        _ => return None,
    })
}

fn cipher_value(element: Element<'_>) -> Result<Vec<u8>, SamlError> {
    let data = element.only_child(ENCRYPTION, "CipherData");
    let value = data.and_then(|data| data.only_child(ENCRYPTION, "CipherValue"));
    let value = value.and_then(|value| decode_base64(value.text()?));
    value.ok_or(SamlError::EncryptionForm("expected a CipherValue in base64"))
}

/// Decrypts the key, and the text with it.
fn open(
    private: &DecryptionKey,
    algorithm: &'static OaepAlgorithm,
    key: &[u8],
    cipher: &'static Algorithm,
    text: &[u8],
) -> Option<Vec<u8>> {
    let mut buffer = zeroize::Zeroizing::new(vec![0; MAX_RSA]);
    let key = private.0.decrypt(algorithm, key, &mut buffer, None).ok()?;
    let key = LessSafeKey::new(UnboundKey::new(cipher, key).ok()?);
    let (nonce, text) = text.split_at_checked(NONCE)?;
    let mut text = text.to_vec();
    let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
    let length = key.open_in_place(nonce, Aad::empty(), &mut text).ok()?.len();
    text.truncate(length);
    Some(text)
}
