//! The grant of AllowUsersToChangePassword, the only one that no policy document contains.
//!
//! After an implicit deny the request is decided again with one more identity policy. So the grant is never stronger than
//! a policy attached to the user: explicit denials, the permissions boundary, session policies and SCPs apply.

use std::sync::LazyLock;

use bailiwick_evaluator::exceptions::{self, Exception};
use bailiwick_evaluator::{Decision, Outcome, Policies, Policy, Principal, Request};
use bailiwick_operation::Check;
use bailiwick_policy_lang::{PolicyKind, parse};

/// What the account grants to its users. The resource is that of the check: the user themselves.
pub(super) const GRANT: &str = r#"{
    "Version": "2012-10-17",
    "Statement": {"Effect": "Allow", "Action": ["iam:ChangePassword", "iam:GetAccountPasswordPolicy"], "Resource": "*"}
}"#;

/// Compiled once. Empty if the text could not be parsed, which a test excludes.
static POLICY: LazyLock<Vec<Policy>> = LazyLock::new(|| {
    let document = parse(GRANT, PolicyKind::Identity).ok();
    document.map(|document| Policy::compile(&document, PolicyKind::Identity)).into_iter().collect()
});

/// Returns whether the request is to be decided again with the grant.
pub(crate) fn applies(check: &Check, decision: &Decision, request: &Request<'_>) -> bool {
    applies_to(check.own_password, check.action, decision, request)
}

/// The same of a check that is on record.
pub(crate) fn applies_to(granted: bool, action: &str, decision: &Decision, request: &Request<'_>) -> bool {
    granted
        && decision.outcome == Outcome::ImplicitDeny
        && matches!(request.principal, Principal::User { .. })
        && exceptions::of(action) == Some(Exception::OwnPassword)
}

/// Calls `decide` with the policies and the grant.
pub(crate) fn with_grant<R>(policies: &Policies<'_>, decide: impl FnOnce(&Policies<'_>) -> R) -> R {
    let mut identity = policies.identity.to_vec();
    identity.push(&POLICY);
    decide(&Policies { identity: &identity, ..*policies })
}
