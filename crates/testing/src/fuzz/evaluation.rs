//! Patterns and decisions.

use bailiwick_evaluator::{
    AccountId, Context, ContextSource, ContextValue, Entity, Policies, Policy, PolicyKind, Principal, Request, decide,
    fuzz, parse,
};

pub use fuzz::{case as evaluation_case, decision, pattern};

/// An action, a resource and a document, with line breaks between. The outcome of the compiled policy, which finds its
/// statements by an index, is that of its statements one by one.
///
/// # Panics
/// If the property does not hold.
pub fn evaluation(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let mut lines = text.splitn(3, '\n');
    let (Some(action), Some(resource), Some(text)) = (lines.next(), lines.next(), lines.next()) else { return };
    let Ok(document) = parse(text, PolicyKind::Identity) else { return };
    let account = AccountId::parse("111122223333").unwrap();
    let keys = [
        ("aws:username", ContextValue::One("bob")),
        ("aws:PrincipalTag/team", ContextValue::One("a:*?${")),
        ("aws:TagKeys", ContextValue::Many(&["x", ""])),
        ("aws:SourceIp", ContextValue::One("203.0.113.7")),
    ];
    let layers: [&dyn ContextSource; 1] = [&keys];
    let user = Entity { arn: "arn:aws:iam::111122223333:user/bob", unique_id: None };
    let request = Request {
        principal: Principal::User { account: account.into(), user },
        action,
        resource,
        resource_account: account.into(),
        context: Context::new(&layers),
    };
    let whole = Policy::compile(&document, PolicyKind::Identity);
    let statements: Vec<Policy> = (0..document.statements.len())
        .map(|at| {
            let mut one = document.clone();
            one.statements = vec![document.statements[at].clone()];
            Policy::compile(&one, PolicyKind::Identity)
        })
        .collect();
    let compiled = decide(&request, &Policies { identity: &[&[whole]], ..Policies::default() });
    let linear = decide(&request, &Policies { identity: &[&statements], ..Policies::default() });
    assert_eq!(compiled.outcome, linear.outcome, "{text}");
}
