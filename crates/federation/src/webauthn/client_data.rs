//! What the browser says about a request: `clientDataJSON`.

use data_encoding::BASE64URL_NOPAD;

use super::{Ceremony, MAX_CLIENT_DATA_BYTES, WebauthnError};
use crate::json::{Json, Object};

/// Verifies the client's data of a kind, `webauthn.create` or `webauthn.get`. Members with other names are ignored, as
/// WebAuthn demands.
///
/// # Errors
/// [`WebauthnError`].
pub(super) fn verify(bytes: &[u8], kind: &'static str, ceremony: &Ceremony<'_>) -> Result<(), WebauthnError> {
    if bytes.len() > MAX_CLIENT_DATA_BYTES {
        return Err(WebauthnError::TooLarge("client data"));
    }
    let data = Object::parse(bytes)?;
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
