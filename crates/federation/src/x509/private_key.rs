//! Private keys in PEM form.

use aws_lc_rs::rsa;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING, ECDSA_P521_SHA512_ASN1_SIGNING, EcdsaKeyPair,
    Ed25519KeyPair, KeyPair as _,
};
use rustls_pki_types::PrivateKeyDer;
use rustls_pki_types::pem::PemObject as _;

use super::X509Error;

/// The public half of a private key. The private half is not kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PrivateKey {
    /// As a certificate has it.
    public: Vec<u8>,
    is_rsa: bool,
}

impl PrivateKey {
    /// Parses a text with one private key that is not encrypted: PKCS#8, PKCS#1 or SEC 1.
    ///
    /// # Errors
    /// [`X509Error::NotPrivateKey`].
    pub fn parse_pem(text: &str) -> Result<Self, X509Error> {
        let key = PrivateKeyDer::from_pem_slice(text.as_bytes()).map_err(|_| X509Error::NotPrivateKey)?;
        let public = |public: &[u8], is_rsa| PrivateKey { public: public.to_vec(), is_rsa };
        let rsa = match &key {
            PrivateKeyDer::Pkcs1(der) => rsa::KeyPair::from_der(der.secret_pkcs1_der()).ok(),
            PrivateKeyDer::Pkcs8(der) => rsa::KeyPair::from_pkcs8(der.secret_pkcs8_der()).ok(),
            _ => None,
        };
        if let Some(rsa) = rsa {
            return Ok(public(rsa.public_key().as_ref(), true));
        }
        let der = key.secret_der();
        for curve in [&ECDSA_P256_SHA256_ASN1_SIGNING, &ECDSA_P384_SHA384_ASN1_SIGNING, &ECDSA_P521_SHA512_ASN1_SIGNING]
        {
            if let Ok(ec) = EcdsaKeyPair::from_private_key_der(curve, der) {
                return Ok(public(ec.public_key().as_ref(), false));
            }
        }
        let ed = Ed25519KeyPair::from_pkcs8_maybe_unchecked(der).map_err(|_| X509Error::NotPrivateKey)?;
        Ok(public(ed.public_key().as_ref(), false))
    }

    /// Whether it is an RSA key.
    pub fn is_rsa(&self) -> bool {
        self.is_rsa
    }

    /// The public key, as a certificate has it.
    pub(super) fn public(&self) -> &[u8] {
        &self.public
    }
}
