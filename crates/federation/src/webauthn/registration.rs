//! The registration of a credential.

use super::authenticator_data::AuthenticatorData;
use super::cbor::{self, Value};
use super::key::CredentialKey;
use super::{Ceremony, KeyAlgorithm, MAX_ATTESTATION_BYTES, WebauthnError, client_data};

/// What a browser answers to `navigator.credentials.create`.
#[derive(Clone, Copy, Debug)]
pub struct Registration<'a> {
    /// `clientDataJSON`.
    pub client_data: &'a [u8],
    /// `attestationObject`.
    pub attestation_object: &'a [u8],
}

/// A credential to store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegisteredCredential {
    /// The id, which the authenticator chose: unique for honest authenticators only.
    pub id: Vec<u8>,
    /// The public key, as canonical CBOR.
    pub public_key: Vec<u8>,
    /// The algorithm of the public key.
    pub algorithm: KeyAlgorithm,
    /// The signature counter. Zero for an authenticator without one.
    pub counter: u32,
    /// The model of the authenticator, which nothing proves; zeros if it does not say.
    pub aaguid: [u8; 16],
    /// Whether the authenticator verified its user.
    pub user_verified: bool,
    /// Whether the credential may be copied to other devices of its user.
    pub backup_eligible: bool,
}

/// Verifies the registration of a credential.
///
/// # Errors
/// [`WebauthnError`].
pub fn verify_registration(
    registration: Registration<'_>,
    ceremony: &Ceremony<'_>,
) -> Result<RegisteredCredential, WebauthnError> {
    client_data::verify(registration.client_data, "webauthn.create", ceremony)?;
    let data = AuthenticatorData::parse(attested_data(registration.attestation_object)?)?;
    data.verify(ceremony)?;
    let credential = data.credential.as_ref().ok_or(WebauthnError::NoCredential)?;
    let algorithm = CredentialKey::parse(credential.key)?.algorithm;
    Ok(RegisteredCredential {
        id: credential.id.to_vec(),
        public_key: credential.key.to_vec(),
        algorithm,
        counter: data.counter,
        aaguid: credential.aaguid,
        user_verified: data.is_user_verified(),
        backup_eligible: data.is_backup_eligible(),
    })
}

/// The authenticator's data in an attestation object of the format `none`.
fn attested_data(bytes: &[u8]) -> Result<&[u8], WebauthnError> {
    if bytes.len() > MAX_ATTESTATION_BYTES {
        return Err(WebauthnError::TooLarge("attestation object"));
    }
    let object = cbor::parse(bytes).map_err(|error| WebauthnError::Cbor("attestation object", error))?;
    let Value::Map(object) = object else { return Err(WebauthnError::AttestationObject) };
    let (Some(Value::Text(format)), Some(Value::Map(statement)), Some(Value::Bytes(data)), 3) =
        (object.text("fmt"), object.text("attStmt"), object.text("authData"), object.0.len())
    else {
        return Err(WebauthnError::AttestationObject);
    };
    if *format != "none" {
        return Err(WebauthnError::AttestationFormat);
    }
    if !statement.0.is_empty() {
        return Err(WebauthnError::AttestationStatement);
    }
    Ok(data)
}
