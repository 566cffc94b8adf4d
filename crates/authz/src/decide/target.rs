//! The action and the resource of a question: their forms, and the account that owns the resource.

use bailiwick_model::{AccountId, Result};

use crate::invalid_member;

/// Returns the prefix of an action's service: `s3` of `s3:GetObject`.
///
/// # Errors
/// `ValidationError` for text that is not one action, such as a pattern.
pub(crate) fn service_prefix(action: &str) -> Result<&str> {
    let is_word =
        |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
    action
        .split_once(':')
        .filter(|(prefix, name)| is_word(prefix) && is_word(name))
        .map(|(prefix, _)| prefix)
        .ok_or_else(|| invalid_member("action", "`action` must be one action, such as `s3:GetObject`"))
}

/// Returns the account that owns a resource; `None` for `*` and for managed policies of the deployment.
pub(crate) fn owner(resource: &str, stated: Option<&str>) -> Result<Option<AccountId>> {
    let stated = stated.map(AccountId::parse).transpose()?;
    if resource == "*" {
        return Ok(stated);
    }
    let malformed = || invalid_member("resource", "`resource` must be an ARN, or `*` for an action without a resource");
    // Only the form is checked, because services name their resources.
    let is_printable = resource.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    if !is_printable && resource.chars().any(char::is_control) {
        return Err(malformed());
    }
    let mut parts = resource.splitn(6, ':');
    let parts: [Option<&str>; 6] = std::array::from_fn(|_| parts.next());
    let [Some("arn"), Some(partition), Some(service), Some(_), Some(account), Some(name)] = parts else {
        return Err(malformed());
    };
    if partition.is_empty() || service.is_empty() || name.is_empty() {
        return Err(malformed());
    }
    let account_in_arn = match account {
        "" => None,
        // The deployment's own managed policies belong to no account.
        "aws" => return Ok(None),
        digits => Some(AccountId::parse(digits).map_err(|_| malformed())?),
    };
    match (account_in_arn, stated) {
        (Some(account_in_arn), Some(stated)) if account_in_arn != stated => {
            Err(invalid_member("resourceAccount", "`resource_account` is not the account that `resource` names"))
        }
        (None, None) => Err(invalid_member(
            "resourceAccount",
            "`resource` names no account, so `resource_account` must name the account that owns it",
        )),
        (account_in_arn, stated) => Ok(account_in_arn.or(stated)),
    }
}
