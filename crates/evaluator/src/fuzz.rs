//! Entry points of fuzz targets: properties that hold for every input.
//!
//! Each function panics if its property does not hold.

use bailiwick_model::AccountId;
use bailiwick_policy_lang::{PolicyKind, parse};

use crate::compile::Interner;
use crate::pattern::{Pattern, Syntax};
use crate::{Context, ContextSource, ContextValue, Entity, Policies, Policy, Principal, Request, decide, explain};

/// A pattern and a text, with a line break between: however they look, matching keeps to its bound, and what a
/// pattern matches has what an index would look for.
///
/// # Panics
/// If the property does not hold.
pub fn pattern(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Some((pattern, text)) = text.split_once('\n') else { return };
    let keys = keys();
    let layers: [&dyn ContextSource; 1] = [&keys];
    for syntax in [Syntax::Resource, Syntax::Like, Syntax::Plain] {
        for variables in [false, true] {
            let pattern = Pattern::compile(pattern, syntax, variables, &mut Interner::default());
            let mut steps = 0;
            let matched = pattern.matches(text.as_bytes(), &Context::new(&layers), &mut steps);
            let (pieces, length) = (pattern.source.len() as u64, text.len() as u64);
            let looking_up = if variables { 64 * pieces } else { 0 };
            let bound = 12 * (pieces + length) + 256 + pieces * length / 64 + looking_up;
            assert!(steps <= bound, "{steps} steps, bound {bound}");
            if matched {
                assert!(text.starts_with(pattern.head()));
                if let Some(tail) = pattern.tail().filter(|_| syntax == Syntax::Resource) {
                    assert!(text.match_indices(':').skip(4).any(|(at, _)| text[at + 1..].starts_with(tail)));
                }
            }
        }
    }
}

/// A document, an action and a resource, with line breaks between (the document's own are spaces to it): whatever
/// they are, the decision and its explanation agree, and what decided is there.
///
/// # Panics
/// If the property does not hold.
pub fn decision(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let mut lines = text.splitn(3, '\n');
    let (Some(action), Some(resource), Some(document)) = (lines.next(), lines.next(), lines.next()) else { return };
    let Some(account) = AccountId::from_number(111_122_223_333) else { return };
    let keys = keys();
    let layers: [&dyn ContextSource; 1] = [&keys];
    let user = Entity { arn: "arn:aws:iam::111122223333:user/bob", unique_id: Some("AIDAAAAABBBBCCCCDDDDE") };
    let request = Request {
        principal: Principal::User { account: account.into(), user },
        action,
        resource,
        resource_account: account.into(),
        context: Context::new(&layers),
    };
    for kind in PolicyKind::ALL {
        let Ok(document) = parse(document, kind) else { continue };
        let policy = [Policy::compile(&document, kind)];
        let mut policies = Policies { identity: &[&policy], ..Policies::default() };
        if kind.has_principal() {
            policies = Policies { resource: Some(&policy[0]), ..Policies::default() };
        }
        let decision = decide(&request, &policies);
        let explanation = explain(&request, &policies);
        assert_eq!(explanation.decision, decision);
        assert_eq!(explanation.decided_by.is_some(), decision.statement.is_some());
        assert!(!explanation.to_string().is_empty() && !decision.message(&request).to_string().is_empty());
        assert!(policy[0].heap_bytes() > 0 && policy[0].len() == document.statements.len());
    }
}

/// A line that may be a decision case: it is answered with one line, and explained as it was decided.
///
/// # Panics
/// If the property does not hold.
#[cfg(feature = "jsonl")]
pub fn case(bytes: &[u8]) {
    let plain = crate::jsonl::evaluate_bytes(bytes, false);
    let explained = crate::jsonl::evaluate_bytes(bytes, true);
    assert_eq!(plain.decision, explained.decision);
    if let Ok(line) = std::str::from_utf8(bytes) {
        indexed(line);
    }
    for answer in [plain, explained] {
        let value: serde_json::Value = serde_json::from_str(&answer.line).unwrap_or_default();
        assert!(!answer.line.contains('\n') && value["id"].is_string() | value["id"].is_null());
        let said = answer.decision.map(|decision| decision.outcome.as_str());
        assert_eq!(value.get("decision").and_then(|said| said.as_str()), said);
        assert_eq!(value.get("error").is_some(), said.is_none());
    }
}

/// A case is decided the same way, by a statement of the same policy, with an index over its identity policies.
///
/// # Panics
/// If the property does not hold.
#[cfg(feature = "jsonl")]
pub fn indexed(line: &str) {
    for indexed in [1, usize::MAX] {
        let Some((without, with)) = crate::jsonl::decide_both_ways(line, indexed) else { return };
        let place = |decision: crate::Decision| decision.statement.map(|at| (at.kind, at.level, at.policy));
        assert_eq!((with.outcome, with.step, with.lacking), (without.outcome, without.step, without.lacking), "{line}");
        assert_eq!(place(with), place(without), "{line}");
    }
}

fn keys() -> [(&'static str, ContextValue<'static>); 4] {
    [
        ("aws:username", ContextValue::One("bob")),
        ("aws:PrincipalTag/team", ContextValue::One("a:*?${")),
        ("aws:TagKeys", ContextValue::Many(&["x", ""])),
        ("aws:SourceIp", ContextValue::One("203.0.113.7")),
    ]
}
