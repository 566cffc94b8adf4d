//! Compiles stored policies. A policy that does not compile denies everything.

use bailiwick_evaluator::Policy;
use bailiwick_policy_lang::{PolicyKind, parse};

/// An identity policy that denies everything.
const DENY_ALL: &str = r#"{"Version":"2012-10-17","Statement":{"Effect":"Deny","Action":"*","Resource":"*"}}"#;
/// A resource policy that denies everything to all principals.
const DENY_ALL_RESOURCE: &str =
    r#"{"Version":"2012-10-17","Statement":{"Effect":"Deny","Principal":"*","Action":"*","Resource":"*"}}"#;
/// A trust policy that denies everything to all principals.
const DENY_ALL_TRUST: &str = r#"{"Version":"2012-10-17","Statement":{"Effect":"Deny","Principal":"*","Action":"*"}}"#;

/// Compiles a stored document under the name that explanations call it by.
///
/// Documents are validated before they are stored; one that is invalid nevertheless denies everything.
pub(super) fn compile(text: &str, kind: PolicyKind, name: &str) -> Policy {
    match parse(text, kind) {
        Ok(document) => Policy::compile_named(&document, kind, Some(name)),
        Err(error) => {
            tracing::error!(policy = name, %error, "a stored policy does not compile: it denies everything");
            deny_all(kind, name)
        }
    }
}

/// Compiles a document whose principals are bound to unique ids, with the source positions of the original text: a
/// unique id and the ARN that it replaces differ in length.
pub(super) fn compile_bound(text: &str, bound: &str, kind: PolicyKind, name: &str) -> Policy {
    if text == bound {
        return compile(bound, kind, name);
    }
    match (parse(bound, kind), parse(text, kind)) {
        (Ok(mut document), Ok(written)) => {
            for (statement, written) in document.statements.iter_mut().zip(&written.statements) {
                statement.span = written.span;
                statement.simulator_start = written.simulator_start;
                for (condition, written) in statement.conditions.iter_mut().zip(&written.conditions) {
                    condition.span = written.span;
                }
            }
            Policy::compile_named(&document, kind, Some(name))
        }
        _ => compile(bound, kind, name),
    }
}

/// The substitute for a policy that is missing or unreadable.
pub(super) fn deny_all(kind: PolicyKind, name: &str) -> Policy {
    let text = match kind {
        PolicyKind::Trust => DENY_ALL_TRUST,
        PolicyKind::Resource => DENY_ALL_RESOURCE,
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
    fn bound_documents_keep_the_positions_of_the_original_text() {
        let text = r#"{"Statement": [{"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111122223333:user/Eva"},
            "Action": "sts:AssumeRole"}, {"Sid": "Two", "Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111122223333:user/Eva"}, "Action": "sts:TagSession"}, {"Effect": "Deny", "Principal": "*", "Action": "sts:*"}]}"#;
        let bound = text.replace("arn:aws:iam::111122223333:user/Eva", "AIDAEXAMPLEEVA000000A");
        let written = compile(text, PolicyKind::Trust, "p");
        let policy = compile_bound(text, &bound, PolicyKind::Trust, "p");
        assert_eq!(policy.len(), 3);
        for at in 0..3 {
            assert_eq!(policy.statement(at), written.statement(at));
        }
        assert_ne!(policy.statement(2), compile(&bound, PolicyKind::Trust, "p").statement(2));
        let broken = compile_bound(text, "{", PolicyKind::Trust, "p");
        assert_eq!((broken.len(), broken.statement(0).unwrap().effect), (1, Effect::Deny));
    }

    #[test]
    fn a_document_that_does_not_compile_denies() {
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
