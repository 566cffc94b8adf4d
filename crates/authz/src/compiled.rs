//! Policies that came with requests and sessions, compiled.

use bailiwick_evaluator::Policy;
use bailiwick_model::{ErrorCode, IamError, Result};
use bailiwick_policy_lang::{PolicyKind, parse};

use crate::cache::Cache;

/// Returns a policy of a request or session, compiled. It is cached, because the same policies are used repeatedly.
///
/// # Errors
/// `MalformedPolicyDocument` with the place and what was expected there.
pub(crate) fn compiled(kept: &Cache<Box<str>, Policy>, kind: PolicyKind, text: &str) -> Result<Policy> {
    if let Some(policy) = kept.get(text) {
        return Ok(policy);
    }
    let document = parse(text, kind).map_err(|error| {
        let message = error.to_string();
        IamError::new(ErrorCode::MalformedPolicyDocument, &*message).field("resourcePolicy", &*message).caused_by(error)
    })?;
    let policy = Policy::compile_named(&document, kind, None);
    kept.insert(text.into(), policy.clone(), text.len().saturating_add(256));
    Ok(policy)
}
