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
    let algorithm = method(key).and_then(key_algorithm);
    let algorithm =
        algorithm.ok_or(SamlError::EncryptionForm("expected a key that is encrypted with RSA-OAEP, with one hash"))?;
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

/// The variant of RSA-OAEP, of which both hashes must be the same one.
fn key_algorithm(method: Element<'_>) -> Option<&'static OaepAlgorithm> {
    let (mut hash, mut mask) = (SHA1, "mgf1sha1");
    let is_1_1 = match method.attribute("Algorithm")? {
        uri if uri.strip_prefix(ENCRYPTION) == Some("rsa-oaep-mgf1p") => false,
        uri if uri.strip_prefix(ENCRYPTION_1_1) == Some("rsa-oaep") => true,
        _ => return None,
    };
    for parameter in method.elements() {
        let algorithm = parameter.attribute("Algorithm")?;
        if parameter.is(SIGNATURE, "DigestMethod") {
            hash = algorithm;
        } else if is_1_1 && parameter.is(ENCRYPTION_1_1, "MGF") {
            mask = algorithm.strip_prefix(ENCRYPTION_1_1)?;
        } else {
            return None;
        }
    }
    Some(match (hash, mask) {
        (SHA1, "mgf1sha1") => &OAEP_SHA1_MGF1SHA1,
        (SHA256, "mgf1sha256") => &OAEP_SHA256_MGF1SHA256,
        (SHA384, "mgf1sha384") => &OAEP_SHA384_MGF1SHA384,
        (SHA512, "mgf1sha512") => &OAEP_SHA512_MGF1SHA512,
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
