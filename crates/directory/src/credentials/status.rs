//! The status of a credential: `Active` or `Inactive`.

use bailiwick_model::{ErrorCode, IamError, Result};

use crate::request::required;

/// Reads the status that a request gives to a credential: whether it will be active. `what` is the credential in the
/// message, as in "an access key".
///
/// # Errors
/// `ValidationError` if the member is missing. Another status is the inner error, `InvalidInput`.
pub(super) fn parse(member: &Option<String>, what: &str) -> Result<Result<bool>> {
    Ok(match required(member, "status")? {
        "Active" => Ok(true),
        "Inactive" => Ok(false),
        other => {
            let message = format!("the status `{other}` can't be given to {what}");
            Err(IamError::new(ErrorCode::InvalidInput, message).field("Status", "expected Active or Inactive"))
        }
    })
}

/// The status as a response has it.
pub(super) fn text(active: bool) -> Option<String> {
    Some(if active { "Active" } else { "Inactive" }.to_owned())
}
