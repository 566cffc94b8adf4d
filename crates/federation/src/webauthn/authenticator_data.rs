//! What an authenticator signs: `authData`.

use aws_lc_rs::constant_time;
use aws_lc_rs::digest::{SHA256, digest};

use super::cbor::{self, Value};
use super::{CREDENTIAL_ID_BYTES, Ceremony, WebauthnError};

const USER_PRESENT: u8 = 0x01;
const USER_VERIFIED: u8 = 0x04;
const BACKUP_ELIGIBLE: u8 = 0x08;
const BACKUP_STATE: u8 = 0x10;
const ATTESTED: u8 = 0x40;
const EXTENSIONS: u8 = 0x80;
/// Bits without a meaning.
const RESERVED: u8 = 0x22;

/// The authenticator's data, read once.
#[derive(Debug)]
pub(super) struct AuthenticatorData<'a> {
    relying_party_hash: &'a [u8],
    flags: u8,
    /// The signature counter. Zero for an authenticator without one.
    pub(super) counter: u32,
    /// The credential, which only a registration has.
    pub(super) credential: Option<AttestedCredential<'a>>,
}

/// A new credential.
#[derive(Debug)]
pub(super) struct AttestedCredential<'a> {
    /// The model of the authenticator; zeros if it does not say.
    pub(super) aaguid: [u8; 16],
    pub(super) id: &'a [u8],
    /// The public key, as canonical CBOR.
    pub(super) key: &'a [u8],
}

impl<'a> AuthenticatorData<'a> {
    /// Reads the data, to the last byte.
    ///
    /// # Errors
    /// [`WebauthnError`].
    pub(super) fn parse(bytes: &'a [u8]) -> Result<Self, WebauthnError> {
        let (relying_party_hash, rest) = split(bytes, 32)?;
        let (head, mut rest) = split(rest, 5)?;
        let flags = head[0];
        let counter = u32::from_be_bytes([head[1], head[2], head[3], head[4]]);
        if flags & RESERVED != 0 {
            return Err(WebauthnError::Flags("a reserved bit is set"));
        }
        let mut credential = None;
        if flags & ATTESTED != 0 {
            let (read, after) = AttestedCredential::parse(rest)?;
            (credential, rest) = (Some(read), after);
        }
        if flags & EXTENSIONS != 0 {
            let error = |error| WebauthnError::Cbor("extension data", error);
            let (extensions, after) = cbor::parse_prefix(rest).map_err(error)?;
            if !matches!(extensions, Value::Map(_)) {
                return Err(WebauthnError::Flags("the extension data are not a map"));
            }
            rest = after;
        }
        if !rest.is_empty() {
            return Err(WebauthnError::TrailingBytes);
        }
        Ok(AuthenticatorData { relying_party_hash, flags, counter, credential })
    }

    /// Verifies the relying party and the flags.
    ///
    /// # Errors
    /// [`WebauthnError`].
    pub(super) fn verify(&self, ceremony: &Ceremony<'_>) -> Result<(), WebauthnError> {
        let expected = digest(&SHA256, ceremony.relying_party.as_bytes());
        if constant_time::verify_slices_are_equal(expected.as_ref(), self.relying_party_hash).is_err() {
            return Err(WebauthnError::RelyingParty);
        }
        if self.flags & USER_PRESENT == 0 {
            return Err(WebauthnError::UserPresence);
        }
        if ceremony.user_verification && !self.is_user_verified() {
            return Err(WebauthnError::UserVerification);
        }
        if self.flags & BACKUP_STATE != 0 && !self.is_backup_eligible() {
            return Err(WebauthnError::Flags("a credential that cannot be backed up is backed up"));
        }
        Ok(())
    }

    /// Whether the authenticator verified its user.
    pub(super) fn is_user_verified(&self) -> bool {
        self.flags & USER_VERIFIED != 0
    }

    /// Whether the credential may be copied to other devices of its user.
    pub(super) fn is_backup_eligible(&self) -> bool {
        self.flags & BACKUP_ELIGIBLE != 0
    }
}

impl<'a> AttestedCredential<'a> {
    fn parse(bytes: &'a [u8]) -> Result<(Self, &'a [u8]), WebauthnError> {
        let (head, rest) = split(bytes, 18)?;
        let mut aaguid = [0; 16];
        aaguid.copy_from_slice(&head[..16]);
        let length = usize::from(u16::from_be_bytes([head[16], head[17]]));
        if !CREDENTIAL_ID_BYTES.contains(&length) {
            return Err(WebauthnError::CredentialId);
        }
        let (id, rest) = split(rest, length)?;
        let error = |error| WebauthnError::Cbor("public key", error);
        let (_, after) = cbor::parse_prefix(rest).map_err(error)?;
        let key = &rest[..rest.len() - after.len()];
        Ok((AttestedCredential { aaguid, id, key }, after))
    }
}

fn split(bytes: &[u8], length: usize) -> Result<(&[u8], &[u8]), WebauthnError> {
    bytes.split_at_checked(length).ok_or(WebauthnError::Truncated)
}
