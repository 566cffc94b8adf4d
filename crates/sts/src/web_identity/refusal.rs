//! The errors of AssumeRoleWithWebIdentity, in AWS's words where they are known.

use bailiwick_federation::JwtError;
use bailiwick_model::{ErrorCode, IamError, Result};

/// The token is not acceptable.
pub(super) fn of_token(error: &JwtError) -> IamError {
    let (code, message) = match error {
        JwtError::Expired { .. } => (ErrorCode::ExpiredTokenException, error.to_string()),
        JwtError::NoKey => return no_key(),
        JwtError::NotYetValid => (ErrorCode::IdpRejectedClaim, error.to_string()),
        JwtError::NotThreeParts => (
            ErrorCode::InvalidIdentityToken,
            "The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)".to_owned(),
        ),
        error => (ErrorCode::InvalidIdentityToken, error.to_string()),
    };
    IamError::new(code, message).field("WebIdentityToken", "an ID token of a registered OpenID Connect provider")
}

/// The issuer is not registered in the role's account.
pub(super) fn no_provider(issuer: &str) -> IamError {
    let message = format!("No OpenIDConnect provider found in your account for {issuer}");
    IamError::new(ErrorCode::InvalidIdentityToken, message)
}

/// The issuer has no such key, or what its server answers is not acceptable.
pub(super) fn no_key() -> IamError {
    let message = "Couldn't retrieve verification key from your identity provider, please reference \
                   AssumeRoleWithWebIdentity documentation for requirements";
    IamError::new(ErrorCode::InvalidIdentityToken, message)
}

/// The issuer's server cannot be reached. The client can try again.
pub(super) fn no_communication() -> IamError {
    let message = "The keys of the identity provider could not be retrieved. Try again later";
    IamError::new(ErrorCode::IdpCommunicationError, message)
}

/// A provider of opaque access tokens.
pub(super) fn opaque(provider: &str) -> IamError {
    let message = format!(
        "tokens of `{provider}` are not accepted: an opaque access token can only be checked by asking its provider. Send \
         an ID token of OpenID Connect, and leave ProviderId out"
    );
    IamError::validation(message).field("ProviderId", "left out")
}

/// Checks the source identity in a token, as the member of AssumeRole is checked.
///
/// # Errors
/// `IDPRejectedClaim` for one that is too short or long or has other characters.
pub(super) fn source_identity(text: &str) -> Result<String> {
    let is_valid = (2..=64).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_+=,.@-".contains(&byte))
        && !text.to_ascii_lowercase().starts_with("aws:");
    if is_valid {
        return Ok(text.to_owned());
    }
    let message = "the source identity in the token must have 2 to 64 letters, digits and characters of `_+=,.@-`";
    Err(IamError::new(ErrorCode::IdpRejectedClaim, message))
}
