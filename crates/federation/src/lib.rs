//! Verifies what users, devices and identity providers present: time-based one-time codes (TOTP, RFC 6238), X.509
//! certificates with their private keys, public keys for SSH, passkeys (WebAuthn), the metadata and responses of SAML
//! providers, and the ID tokens of OpenID Connect providers with the keys that verify them.
//! Signs the tokens that Bailiwick issues for services outside.
//!
//! Every function but the one that makes a signing key is pure: the time, the seed and what was used before are inputs.
//!
//! The crate deliberately does not know users, stores, accounts, the clock or the network.
//!
//! Start reading at [`Totp`], [`Certificate`], [`SamlMetadata`], [`verify_saml_response`], [`Jwt`] and
//! [`verify_assertion`].

mod json;
mod jwt;
mod qr;
mod saml;
mod signing_key;
mod ssh_key;
mod totp;
mod webauthn;
mod x509;
mod xml;

pub use json::JsonError;
pub use jwt::{
    ClaimValue, Expected, IdToken, JwksError, Jwt, JwtError, KeySet, MAX_CLOCK_SKEW_SECONDS, MAX_JWKS_BYTES, MAX_KEYS,
    MAX_TOKEN_BYTES, SessionClaims,
};
pub use qr::{QrError, qr_png};
pub use saml::{
    DecryptionKey, Endpoint, MetadataError, NameId, SamlAssertion, SamlError, SamlMetadata, SamlTrust,
    verify_saml_response,
};
pub use signing_key::{SigningAlgorithm, SigningKey, SigningKeyError};
pub use ssh_key::{KeyEncoding, PublicKeyError, SshPublicKey};
pub use totp::{SEED_BYTES, STEP_SECONDS, SYNC_WINDOW, Totp, TotpState, otpauth_uri, seed_text};
pub use webauthn::{
    Assertion, CREDENTIAL_ID_BYTES, CborError, Ceremony, KeyAlgorithm, KeyError, MAX_ATTESTATION_BYTES,
    MAX_AUTHENTICATOR_DATA_BYTES, MAX_CLIENT_DATA_BYTES, MAX_SIGNATURE_BYTES, RegisteredCredential, Registration,
    StoredCredential, VerifiedAssertion, WebauthnError, challenge_of, verify_assertion, verify_registration,
};
pub use x509::{Certificate, PrivateKey, X509Error};
pub use xml::XmlError;
