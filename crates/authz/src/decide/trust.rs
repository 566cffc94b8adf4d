//! Which actions a role's trust policy decides, and what stands for the trust policy of a role that does not exist.

use std::sync::LazyLock;

use bailiwick_evaluator as evaluator;
use bailiwick_model::Arn;
use bailiwick_policy_lang::{PolicyKind, parse};

/// The trust policy of a role that isn't there: it trusts nobody, and doesn't tell.
pub(crate) static TRUST_NOBODY: LazyLock<evaluator::Policy> = LazyLock::new(|| {
    let text = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"Service":"without_principal.invalid"},"Action":"sts:AssumeRole","Condition":{"Null":{"sts:RoleSessionName":"true"}}}}"#;
    match parse(text, PolicyKind::Trust) {
        Ok(document) => evaluator::Policy::compile_named(&document, PolicyKind::Trust, None),
        // INVARIANT: a test makes it.
        Err(error) => unreachable!("the policy that trusts nobody is a policy: {error}"),
    }
});

/// The role that somebody asks to assume, or to assume with tags or a source identity.
pub(crate) fn assumed_role(action: &str, resource: &str) -> Option<Arn> {
    Arn::parse(resource).ok().filter(|_| is_decided_by_trust(action))
}

/// Whether an action is a role's trust policy's to allow.
pub(crate) fn is_decided_by_trust(action: &str) -> bool {
    const ASSUME: &str = "sts:AssumeRole";
    const WITH: [&str; 2] = ["sts:TagSession", "sts:SetSourceIdentity"];
    action.get(..ASSUME.len()).is_some_and(|prefix| prefix.eq_ignore_ascii_case(ASSUME))
        || WITH.iter().any(|with| with.eq_ignore_ascii_case(action))
}
