//! Trust policies: who they name is bound to unique ids when they are saved, and shown by name when they are read.

use bailiwick_model::{AccountId, Result};
use bailiwick_operation::{Cx, bind_principals, show_principals};
use bailiwick_policy_lang::PolicyKind;
use bailiwick_storage::{Role, TrustPolicy, Tx};

use crate::policies::document;

/// Reads a trust policy for a role of an account, and binds who it names.
///
/// # Errors
/// `MalformedPolicyDocument`, also for a principal that does not exist; `LimitExceeded` when it is too large.
pub(crate) async fn bind(cx: &Cx, tx: &mut Tx, text: &str, owner: AccountId) -> Result<TrustPolicy> {
    let parsed = document::trust(cx, text)?;
    let bound = bind_principals(cx.partition(), tx, text, &parsed, PolicyKind::Trust, owner).await?;
    Ok(TrustPolicy { text: text.to_owned(), bound })
}

/// A role's trust policy as it is shown: ARNs of those who live, the ids of those who don't.
pub(crate) async fn shown(cx: &Cx, tx: &mut Tx, role: &Role) -> Result<String> {
    let TrustPolicy { text, bound } = &role.trust_policy;
    show_principals(cx.partition(), tx, text, bound, PolicyKind::Trust, role.account).await
}

#[cfg(test)]
mod tests;
