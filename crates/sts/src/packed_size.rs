//! How much of a session token the policies and tags of a session may take: AWS's *packed size*.
//!
//! AWS documents that session policies, policy ARNs and session tags are packed into a binary form with a limit of its
//! own, answers how full it is in percent, and does not say how it is computed. What is known:
//! - nine tags of 2 + 250 equal characters: refused with 498 percent (aws-actions/configure-aws-credentials#1898);
//! - two tags of 1 + 1 characters: 2 percent (CloudTrail records of AssumeRole);
//! - tags that fill 37 percent and 74 percent alone fill 112 percent together (aws/containers-roadmap#2413).
//!
//! So tags are stored without compression: the key, the value, and three bytes for each tag in 460 bytes, rounded down,
//! explains all of these. Tags that a session inherits count. Policies are measured apart, as AWS's two messages show:
//! their limit here is what a request may bring in plain text, so that no policy of legal length is refused alone.
//! This page is the one place to change when AWS's numbers do.

use bailiwick_model::limits::SESSION_POLICY_SIZE;
use bailiwick_model::{ErrorCode, IamError, Result, Tags};

use crate::session_policy::SessionPolicies;

/// Bytes for the tags of a session.
const TAGS_LIMIT: usize = 460;
/// Bytes of a tag beside its key and value.
const TAG_OVERHEAD: usize = 3;
/// Bytes for the policy and the policy ARNs of a session.
const POLICIES_LIMIT: usize = SESSION_POLICY_SIZE;

/// The larger of the two percentages; none if the session has neither policies nor tags.
///
/// # Errors
/// `PackedPolicyTooLarge` if either takes more than its space.
pub(crate) fn percent(policies: &SessionPolicies, tags: &Tags) -> Result<Option<i32>> {
    let of_tags = tags.iter().map(|tag| tag.key.len() + tag.value.len() + TAG_OVERHEAD).sum();
    let of_policies = policies.packed_len();
    let tags = filled(of_tags, TAGS_LIMIT)
        .map_err(|percent| too_large(format!("Packed size of session tags consumes {percent}% of allotted space.")))?;
    let policies = filled(of_policies, POLICIES_LIMIT).map_err(|percent| {
        too_large(format!("Packed policy consumes {percent}% of allotted space, please use smaller policy."))
    })?;
    Ok((of_tags + of_policies > 0).then_some(tags.max(policies)))
}

/// The percentage that is used, or the percentage that would be.
fn filled(bytes: usize, limit: usize) -> Result<i32, usize> {
    let percent = bytes * 100 / limit;
    if bytes > limit { Err(percent) } else { Ok(i32::try_from(percent).unwrap_or(100)) }
}

fn too_large(message: String) -> IamError {
    IamError::new(ErrorCode::PackedPolicyTooLarge, message)
}

#[cfg(test)]
mod tests;
