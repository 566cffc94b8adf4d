//! Policy documents in requests: parsed strictly, refused with AWS's message, and with the place of the error as a field.

use bailiwick_model::{IamError, Result, limits};
use bailiwick_operation::Cx;
pub(crate) use bailiwick_operation::malformed;
use bailiwick_policy_lang::{Document, PolicyKind, SaveRules, Version, non_whitespace_len, parse_strict};

/// Checks the document of an inline policy. Returns the size that counts against the quota.
///
/// # Errors
/// `MalformedPolicyDocument`.
pub(crate) fn inline(cx: &Cx, text: &str) -> Result<u32> {
    parse(cx.partition().as_str(), text, PolicyKind::Identity, Version::V2008)?;
    u32::try_from(non_whitespace_len(text)).map_err(IamError::internal)
}

/// Checks the document of a managed policy in this partition.
///
/// # Errors
/// `MalformedPolicyDocument`; `LimitExceeded` if it is too large.
pub(crate) fn managed(partition: &str, text: &str) -> Result<()> {
    parse(partition, text, PolicyKind::Identity, Version::V2012)?;
    at_most(text, limits::MANAGED_POLICY_SIZE, "PolicySize")
}

/// Parses a trust policy.
///
/// # Errors
/// `MalformedPolicyDocument`; `LimitExceeded` if it is too large.
pub(crate) fn trust(cx: &Cx, text: &str) -> Result<Document> {
    let document = parse(cx.partition().as_str(), text, PolicyKind::Trust, Version::V2008)?;
    at_most(text, limits::TRUST_POLICY_SIZE, "ACLSizePerRole")?;
    Ok(document)
}

fn parse(partition: &str, text: &str, kind: PolicyKind, min_version: Version) -> Result<Document> {
    parse_strict(text, kind, &SaveRules { partition: Some(partition), min_version, ..SaveRules::default() })
        .map_err(malformed)
}

fn at_most(text: &str, limit: usize, quota: &str) -> Result<()> {
    if non_whitespace_len(text) > limit { Err(IamError::quota(quota, limit)) } else { Ok(()) }
}
