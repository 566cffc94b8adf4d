//! Private keys of SAML providers, which decrypt assertions.

use bailiwick_federation::PrivateKey;
use bailiwick_model::limits::PRIVATE_KEYS_PER_PROVIDER;
use bailiwick_model::{ErrorCode, IamError, Result};
use bailiwick_operation::{Cx, SecretPlace};
use bailiwick_seal::SecretString;
use bailiwick_storage::{SamlPrivateKey, SamlProvider};

/// Adds a private key, sealed.
///
/// # Errors
/// `InvalidInput` if it is not an RSA key in PEM form; `LimitExceeded` for a third one.
pub(super) fn add_key(cx: &Cx, provider: &mut SamlProvider, private_key: &SecretString) -> Result<()> {
    if !PrivateKey::parse_pem(private_key.expose()).is_ok_and(|key| key.is_rsa()) {
        let message =
            "The private key is invalid: expected an unencrypted RSA key of at least 2048 bits in PEM format.";
        return Err(IamError::new(ErrorCode::InvalidInput, message).field("AddPrivateKey", "expected an RSA key"));
    }
    if provider.private_keys.len() >= PRIVATE_KEYS_PER_PROVIDER {
        let message = format!("Private key limit of {PRIVATE_KEYS_PER_PROVIDER} is reached.");
        return Err(IamError::new(ErrorCode::LimitExceeded, message));
    }
    let id = new_id(cx, "SAMLPK");
    let sealed =
        SecretPlace::of_saml_key(provider, &id).seal(&cx.deployment().sealer, private_key.expose().as_bytes())?.into();
    provider.private_keys.push(SamlPrivateKey { id, added: cx.date(), sealed });
    Ok(())
}

/// A new id of a provider or of its key: a prefix and 16 letters and digits.
pub(super) fn new_id(cx: &Cx, prefix: &str) -> String {
    format!("{prefix}{}", data_encoding::BASE32.encode(&cx.random::<10>()))
}

/// Removes a private key.
///
/// # Errors
/// `NoSuchEntity` if the provider has no such key; `InvalidInput` if it is the last one and encryption is required.
pub(super) fn remove_key(provider: &mut SamlProvider, id: &str) -> Result<()> {
    let before = provider.private_keys.len();
    provider.private_keys.retain(|key| key.id != id);
    if provider.private_keys.len() == before {
        let message = format!("The private key with id {id} cannot be found.");
        return Err(IamError::new(ErrorCode::NoSuchEntity, message));
    }
    if provider.requires_encryption && provider.private_keys.is_empty() {
        let error = IamError::new(ErrorCode::InvalidInput, "Failed to remove private key.");
        return Err(error.field("RemovePrivateKey", "the last key stays while encryption is required"));
    }
    Ok(())
}

/// Checks that assertions which must be encrypted can be decrypted.
///
/// # Errors
/// `InvalidInput` if encryption is required and there is no private key.
pub(super) fn check_encryption(provider: &SamlProvider) -> Result<()> {
    if provider.requires_encryption && provider.private_keys.is_empty() {
        let message = "Failed to set assertion encryption mode to Required because no private key is present.";
        let error = IamError::new(ErrorCode::InvalidInput, message);
        return Err(error.field("AssertionEncryptionMode", "expected Allowed without a private key"));
    }
    Ok(())
}
