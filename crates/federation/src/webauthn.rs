//! Passkeys and security keys: the registration of a credential and its assertions (W3C WebAuthn), verified.
//!
//! [`verify_registration`] reads what an authenticator answers to `navigator.credentials.create`, and returns the
//! [`RegisteredCredential`] to store. [`verify_assertion`] verifies an answer to `navigator.credentials.get` with a stored
//! one. Both check, in this order: the client's data (type, challenge, origin, no other site around the page), the
//! relying party, the flags, and the signature. Signatures are verified by `aws-lc-rs`.
//!
//! Every input has one reading. JSON with duplicate names is refused. CBOR is read by a small reader for the canonical form
//! of CTAP2, which authenticators must use: no crate that we know refuses everything else, and what it need not know (tags,
//! floats, indefinite lengths) is refused.
//!
//! The algorithm is a property of the registered key, and no assertion can name one. Attestation statements are not
//! accepted: only the format `none`, which browsers send to sites that ask for it. So nothing is known about the maker of
//! an authenticator, and nothing is claimed.
//!
//! Challenges belong to the caller, who finds them with [`challenge_of`]: whether one is known, recent and not used before is not decided here.

mod assertion;
mod authenticator_data;
mod cbor;
mod client_data;
mod error;
mod key;
mod registration;

pub use assertion::{Assertion, StoredCredential, VerifiedAssertion, verify_assertion};
pub use cbor::CborError;
pub use client_data::challenge_of;
pub use error::WebauthnError;
pub use key::{KeyAlgorithm, KeyError};
pub use registration::{RegisteredCredential, Registration, verify_registration};

/// The lengths of a credential id, in bytes.
pub const CREDENTIAL_ID_BYTES: std::ops::RangeInclusive<usize> = 16..=1023;
/// The maximum size of the client's data, in bytes.
pub const MAX_CLIENT_DATA_BYTES: usize = 8 * 1024;
/// The maximum size of an attestation object, in bytes.
pub const MAX_ATTESTATION_BYTES: usize = 16 * 1024;
/// The maximum size of the authenticator's data of an assertion, in bytes.
pub const MAX_AUTHENTICATOR_DATA_BYTES: usize = 8 * 1024;
/// The maximum size of a signature, in bytes: that of an RSA key of 4096 bits.
pub const MAX_SIGNATURE_BYTES: usize = 512;

/// What an answer of an authenticator must be for.
#[derive(Clone, Copy, Debug)]
pub struct Ceremony<'a> {
    /// The id of the relying party: a domain.
    pub relying_party: &'a str,
    /// The origins of the pages that may ask, such as `https://iam.example.com`.
    pub origins: &'a [String],
    /// The challenge.
    pub challenge: &'a [u8],
    /// Whether the authenticator must have verified its user, by a PIN or a biometric, and not only their presence.
    pub user_verification: bool,
}
