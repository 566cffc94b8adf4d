//! Trust policies: their principals are bound to unique ids when they are saved, and shown as ARNs when they are read.

use bailiwick_model::{AccountId, Result};
use bailiwick_operation::{Cx, bind_principals, show_trust_policy};
use bailiwick_policy_lang::PolicyKind;
use bailiwick_storage::{Role, TrustPolicy, Tx};

use crate::document;

/// Parses a trust policy for a role of an account, and binds the principals that it names.
///
/// # Errors
/// `MalformedPolicyDocument`, also for a principal that does not exist; `LimitExceeded` if it is too large.
pub(crate) async fn bind(cx: &Cx, tx: &mut Tx, text: &str, owner: AccountId) -> Result<TrustPolicy> {
    let parsed = document::trust(cx, text)?;
    let bound = bind_principals(cx.partition(), tx, text, &parsed, PolicyKind::Trust, owner).await?;
    Ok(TrustPolicy { text: text.to_owned(), bound })
}

/// Makes the text that shows a role's trust policy: ARNs of principals that exist, unique ids of those that were deleted.
pub(crate) async fn shown(cx: &Cx, tx: &mut Tx, role: &Role) -> Result<String> {
    show_trust_policy(cx.partition(), tx, role).await
}

#[cfg(test)]
mod tests;
