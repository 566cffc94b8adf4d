//! What the browser says about a request: `clientDataJSON`.

use data_encoding::BASE64URL_NOPAD;

use super::{Ceremony, MAX_CLIENT_DATA_BYTES, WebauthnError};
use crate::json::{Json, Object};

/// The challenge that the client's data name, so that the caller can find out whether it is one of theirs. Nothing is
/// verified.
///
/// # Errors
/// [`WebauthnError`].
pub fn challenge_of(client_data: &[u8]) -> Result<Vec<u8>, WebauthnError> {
    let data = parse(client_data)?;
    let challenge = data.text("challenge").ok().flatten().ok_or(WebauthnError::ClientData("challenge"))?;
    BASE64URL_NOPAD.decode(challenge.as_bytes()).map_err(|_| WebauthnError::Challenge)
}

fn parse(bytes: &[u8]) -> Result<Object, WebauthnError> {
    if bytes.len() > MAX_CLIENT_DATA_BYTES {
        return Err(WebauthnError::TooLarge("client data"));
    }
    Ok(Object::parse(bytes)?)
}

/// Verifies the client's data of a kind, `webauthn.create` or `webauthn.get`. Members with other names are ignored, as
/// WebAuthn demands.
///
/// # Errors
/// [`WebauthnError`].
pub(super) fn verify(bytes: &[u8], kind: &'static str, ceremony: &Ceremony<'_>) -> Result<(), WebauthnError> {
    let data = parse(bytes)?;
    let text = |name| data.text(name).ok().flatten().ok_or(WebauthnError::ClientData(name));
    if text("type")? != kind {
        return Err(WebauthnError::Type(kind));
    }
    // An empty challenge is none.
    if ceremony.challenge.is_empty() || text("challenge")? != BASE64URL_NOPAD.encode(ceremony.challenge) {
        return Err(WebauthnError::Challenge);
    }
    let origin = text("origin")?;
    if !ceremony.origins.iter().any(|own| own == origin) {
        return Err(WebauthnError::Origin);
    }
    match data.get("crossOrigin") {
        None | Some(Json::Bool(false)) => {}
        Some(Json::Bool(true)) => return Err(WebauthnError::CrossOrigin),
        Some(_) => return Err(WebauthnError::ClientData("crossOrigin")),
    }
    match data.get("topOrigin") {
        None => Ok(()),
        Some(_) => Err(WebauthnError::CrossOrigin),
    }
}
