//! Verifies what users, devices and identity providers present: time-based one-time codes (TOTP, RFC 6238), X.509
//! certificates with their private keys, public keys for SSH, and the metadata of SAML providers.
//!
//! Every function is pure: the time, the seed and what was used before are inputs.
//!
//! The crate deliberately does not know users, stores, accounts, the clock or the network.
//!
//! Start reading at [`Totp`], [`Certificate`] and [`SamlMetadata`].

mod qr;
mod saml;
mod ssh_key;
mod totp;
mod x509;
mod xml;

pub use qr::{QrError, qr_png};
pub use saml::{Endpoint, MetadataError, SamlMetadata};
pub use ssh_key::{KeyEncoding, PublicKeyError, SshPublicKey};
pub use totp::{SEED_BYTES, STEP_SECONDS, SYNC_WINDOW, Totp, TotpState, otpauth_uri, seed_text};
pub use x509::{Certificate, PrivateKey, X509Error};
pub use xml::XmlError;
