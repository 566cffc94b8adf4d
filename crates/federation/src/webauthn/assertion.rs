//! Assertions of a credential.

use aws_lc_rs::digest::{SHA256, digest};

use super::authenticator_data::AuthenticatorData;
use super::key::CredentialKey;
use super::{Ceremony, MAX_AUTHENTICATOR_DATA_BYTES, MAX_SIGNATURE_BYTES, WebauthnError, client_data};

/// What a browser answers to `navigator.credentials.get`.
#[derive(Clone, Copy, Debug)]
pub struct Assertion<'a> {
    /// The id of the credential.
    pub credential_id: &'a [u8],
    /// `clientDataJSON`.
    pub client_data: &'a [u8],
    /// `authenticatorData`.
    pub authenticator_data: &'a [u8],
    /// `signature`.
    pub signature: &'a [u8],
    /// `userHandle`, which some authenticators leave out.
    pub user_handle: Option<&'a [u8]>,
}

/// What was stored of a credential.
#[derive(Clone, Copy, Debug)]
pub struct StoredCredential<'a> {
    /// The id.
    pub id: &'a [u8],
    /// The handle of the user who registered it.
    pub user_handle: &'a [u8],
    /// The public key, as canonical CBOR.
    pub public_key: &'a [u8],
    /// The signature counter of the last ceremony.
    pub counter: u32,
    /// Whether the credential may be copied to other devices of its user. It never changes.
    pub backup_eligible: bool,
}

/// What an assertion proved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VerifiedAssertion {
    /// The signature counter to store.
    pub counter: u32,
    /// Whether the authenticator verified its user.
    pub user_verified: bool,
}

/// Verifies an assertion of a stored credential. The caller has chosen the credential among those of the user who signs in.
///
/// # Errors
/// [`WebauthnError`].
pub fn verify_assertion(
    assertion: Assertion<'_>,
    stored: &StoredCredential<'_>,
    ceremony: &Ceremony<'_>,
) -> Result<VerifiedAssertion, WebauthnError> {
    if assertion.authenticator_data.len() > MAX_AUTHENTICATOR_DATA_BYTES {
        return Err(WebauthnError::TooLarge("authenticator data"));
    }
    if assertion.signature.len() > MAX_SIGNATURE_BYTES {
        return Err(WebauthnError::TooLarge("signature"));
    }
    if assertion.credential_id != stored.id {
        return Err(WebauthnError::CredentialId);
    }
    if assertion.user_handle.is_some_and(|handle| handle != stored.user_handle) {
        return Err(WebauthnError::UserHandle);
    }
    client_data::verify(assertion.client_data, "webauthn.get", ceremony)?;
    let data = AuthenticatorData::parse(assertion.authenticator_data)?;
    data.verify(ceremony)?;
    if data.credential.is_some() {
        return Err(WebauthnError::Flags("an assertion has a new credential"));
    }
    if data.is_backup_eligible() != stored.backup_eligible {
        return Err(WebauthnError::Flags("whether the credential can be backed up has changed"));
    }
    let hash = digest(&SHA256, assertion.client_data);
    let message = [assertion.authenticator_data, hash.as_ref()].concat();
    if !CredentialKey::parse(stored.public_key)?.is_signed(&message, assertion.signature) {
        return Err(WebauthnError::Signature);
    }
    // Last: only a signed counter says something.
    if (data.counter, stored.counter) != (0, 0) && data.counter <= stored.counter {
        return Err(WebauthnError::Counter);
    }
    Ok(VerifiedAssertion { counter: data.counter, user_verified: data.is_user_verified() })
}
