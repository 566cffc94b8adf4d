//! A software authenticator for passkeys, with the browser in front of it. It signs for real.
//!
//! It encodes what it is asked to, right or wrong, so that a test can change any part of an answer before it is signed.

#![expect(clippy::disallowed_methods, reason = "keys and signatures of a test have real randomness")]

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rand::{SystemRandom, fill};
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair,
};
use data_encoding::BASE64URL_NOPAD;

/// A user is present.
pub const USER_PRESENT: u8 = 0x01;
/// The user was verified.
pub const USER_VERIFIED: u8 = 0x04;
/// The credential can be backed up.
pub const BACKUP_ELIGIBLE: u8 = 0x08;
/// The credential is backed up.
pub const BACKUP_STATE: u8 = 0x10;
/// A new credential follows.
pub const ATTESTED: u8 = 0x40;
/// Extension data follow.
pub const EXTENSIONS: u8 = 0x80;

/// An authenticator with one credential.
pub struct Authenticator {
    /// The id of the credential.
    pub id: Vec<u8>,
    key: PrivateKey,
}

enum PrivateKey {
    Es256(EcdsaKeyPair),
    EdDsa(Ed25519KeyPair),
    Rs256(Box<RsaKeyPair>),
}

/// What an authenticator says and signs. The parts are encoded as they are.
#[derive(Clone, Debug)]
pub struct AuthData {
    /// The id of the relying party.
    pub relying_party: String,
    /// The flags.
    pub flags: u8,
    /// The signature counter.
    pub counter: u32,
    /// The id and the public key of a new credential.
    pub credential: Option<(Vec<u8>, Vec<u8>)>,
    /// What follows.
    pub after: Vec<u8>,
}

impl AuthData {
    /// Encodes it.
    ///
    /// # Panics
    /// For an id of more than 65,535 bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = digest(&SHA256, self.relying_party.as_bytes()).as_ref().to_vec();
        bytes.push(self.flags);
        bytes.extend(self.counter.to_be_bytes());
        if let Some((id, key)) = &self.credential {
            bytes.extend([0; 16]);
            bytes.extend(u16::try_from(id.len()).unwrap().to_be_bytes());
            bytes.extend(id);
            bytes.extend(key);
        }
        bytes.extend(&self.after);
        bytes
    }
}

/// The client's data as a browser writes them.
pub fn client_data(kind: &str, challenge: &[u8], origin: &str) -> String {
    let challenge = BASE64URL_NOPAD.encode(challenge);
    format!(r#"{{"type":"{kind}","challenge":"{challenge}","origin":"{origin}","crossOrigin":false}}"#)
}

/// An attestation object of the format `none`.
pub fn attestation_object(data: &[u8]) -> Vec<u8> {
    let mut object = b"\xa3\x63fmt\x64none\x67attStmt\xa0\x68authData".to_vec();
    object.extend(byte_string(data));
    object
}

/// A byte string in CBOR.
///
/// # Panics
/// For more than 65,535 bytes.
pub fn byte_string(bytes: &[u8]) -> Vec<u8> {
    let mut encoded = match u16::try_from(bytes.len()).unwrap() {
        length @ 0..24 => vec![0x40 | length as u8],
        length @ 24..256 => vec![0x58, length as u8],
        length => [&[0x59][..], &length.to_be_bytes()].concat(),
    };
    encoded.extend(bytes);
    encoded
}

impl Authenticator {
    /// An authenticator with a new key for ECDSA on P-256.
    ///
    /// # Panics
    /// Without randomness.
    pub fn es256() -> Self {
        Self::of(PrivateKey::Es256(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap()))
    }

    /// An authenticator with a new Ed25519 key.
    ///
    /// # Panics
    /// Without randomness.
    pub fn eddsa() -> Self {
        Self::of(PrivateKey::EdDsa(Ed25519KeyPair::generate().unwrap()))
    }

    /// An authenticator with a new RSA key.
    ///
    /// # Panics
    /// Without randomness.
    pub fn rs256() -> Self {
        Self::of(PrivateKey::Rs256(Box::new(RsaKeyPair::generate(KeySize::Rsa2048).unwrap())))
    }

    fn of(key: PrivateKey) -> Self {
        let mut id = vec![0; 32];
        fill(&mut id).unwrap();
        Authenticator { id, key }
    }

    /// The public key as a canonical COSE key.
    ///
    /// # Panics
    /// Never, for keys that were generated.
    pub fn cose_key(&self) -> Vec<u8> {
        match &self.key {
            PrivateKey::Es256(key) => {
                let (x, y) = key.public_key().as_ref()[1..].split_at(32);
                es256_key(x, y)
            }
            PrivateKey::EdDsa(key) => {
                [&[0xa4, 0x01, 0x01, 0x03, 0x27, 0x20, 0x06, 0x21][..], &byte_string(key.public_key().as_ref())]
                    .concat()
            }
            PrivateKey::Rs256(key) => {
                let der = key.public_key().as_der().unwrap();
                // The modulus is the only number of 257 bytes, with a leading zero; the exponent is 65537.
                let at = der.as_ref().windows(4).position(|at| at == [0x02, 0x82, 0x01, 0x01]).unwrap();
                rs256_key(&der.as_ref()[at + 5..at + 5 + 256], &[1, 0, 1])
            }
        }
    }

    /// Signs the authenticator's data and the client's data.
    ///
    /// # Panics
    /// Without randomness.
    pub fn sign(&self, data: &[u8], client_data: &[u8]) -> Vec<u8> {
        let message = [data, digest(&SHA256, client_data).as_ref()].concat();
        match &self.key {
            PrivateKey::Es256(key) => key.sign(&SystemRandom::new(), &message).unwrap().as_ref().to_vec(),
            PrivateKey::EdDsa(key) => key.sign(&message).as_ref().to_vec(),
            PrivateKey::Rs256(key) => {
                let mut signature = vec![0; key.public_modulus_len()];
                key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), &message, &mut signature).unwrap();
                signature
            }
        }
    }
}

/// A COSE key for ECDSA on P-256.
pub fn es256_key(x: &[u8], y: &[u8]) -> Vec<u8> {
    let head = [0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21];
    [&head[..], &byte_string(x), &[0x22], &byte_string(y)].concat()
}

/// A COSE key for RSA.
pub fn rs256_key(n: &[u8], e: &[u8]) -> Vec<u8> {
    let head = [0xa4, 0x01, 0x03, 0x03, 0x39, 0x01, 0x00, 0x20];
    [&head[..], &byte_string(n), &[0x21], &byte_string(e)].concat()
}
