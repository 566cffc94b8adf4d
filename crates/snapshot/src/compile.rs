//! From text to compiled policies, where failure means that nothing is allowed.

use bailiwick_evaluator::Policy;
use bailiwick_policy_lang::{PolicyKind, parse};

/// A document that denies everything, to everyone that it is attached to.
const DENY_ALL: &str = r#"{"Version":"2012-10-17","Statement":{"Effect":"Deny","Action":"*","Resource":"*"}}"#;
/// The same for a resource policy, to everybody who asks about the resource.
const DENY_EVERYBODY: &str =
    r#"{"Version":"2012-10-17","Statement":{"Effect":"Deny","Principal":"*","Action":"*","Resource":"*"}}"#;
/// The same for a trust policy.
const TRUST_NOBODY: &str = r#"{"Version":"2012-10-17","Statement":{"Effect":"Deny","Principal":"*","Action":"*"}}"#;

/// Compiles a stored document under the name that explanations call it by.
///
/// What was stored was valid when it was; if it is not any more, it denies everything.
pub(crate) fn compile(text: &str, kind: PolicyKind, name: &str) -> Policy {
    match parse(text, kind) {
        Ok(document) => Policy::compile_named(&document, kind, Some(name)),
        Err(error) => {
            tracing::error!(policy = name, %error, "a stored policy does not compile: it denies everything");
            deny_all(kind, name)
        }
    }
}

/// What stands for a policy that should be there and can't be read.
pub(crate) fn deny_all(kind: PolicyKind, name: &str) -> Policy {
    let text = match kind {
        PolicyKind::Trust => TRUST_NOBODY,
        PolicyKind::Resource => DENY_EVERYBODY,
        _ => DENY_ALL,
    };
    let Ok(document) = parse(text, kind) else {
        // INVARIANT: a test parses all of these texts.
        unreachable!("the document that denies everything is a document")
    };
    Policy::compile_named(&document, kind, Some(name))
}

#[cfg(test)]
mod tests {
    use bailiwick_evaluator::Effect;

    use super::*;

    #[test]
    fn what_does_not_compile_denies() {
        let kinds =
            [PolicyKind::Identity, PolicyKind::Boundary, PolicyKind::Trust, PolicyKind::Session, PolicyKind::Resource];
        for kind in kinds {
            for broken in ["", "{", r#"{"Statement":[]}"#, r#"{"Version":"2012-10-17","Statement":{"Effect":"Maybe"}}"#]
            {
                let policy = compile(broken, kind, "p");
                assert_eq!(policy.name(), Some("p"));
                assert_eq!(policy.len(), 1);
                assert_eq!(policy.statement(0).unwrap().effect, Effect::Deny, "{kind:?} {broken}");
            }
        }
    }
}
