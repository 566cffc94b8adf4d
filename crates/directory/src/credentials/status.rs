//! The status of a credential: `Active` or `Inactive`.

use bailiwick_model::{ErrorCode, IamError, Result};

use crate::request::required;

/// Reads the status that a request gives to a credential: whether it will be active.
///
/// # Errors
/// `ValidationError` if the member is missing. Another status is the inner error, `InvalidInput`.
pub(super) fn parse(member: &Option<String>) -> Result<Result<bool>> {
    Ok(match required(member, "status")? {
        "Active" => Ok(true),
        "Inactive" => Ok(false),
        other => {
            let message = format!("Operation does not support status {other}");
            Err(IamError::new(ErrorCode::InvalidInput, message).field("Status", "expected Active or Inactive"))
        }
    })
}

/// The status as a response has it.
pub(super) fn text(active: bool) -> Option<String> {
    Some(if active { "Active" } else { "Inactive" }.to_owned())
}
