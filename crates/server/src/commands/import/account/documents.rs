//! Policy documents: whether the server will take one, whether two are the same, and whether one denies.

use bailiwick_model::limits;
use bailiwick_policy_lang::{PolicyKind, SaveRules, Version, non_whitespace_len, parse, parse_strict, to_json};

/// A trust policy that no principal meets, for a role that is not complete yet.
pub(super) const TRUSTS_NONE: &str = concat!(
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":{"AWS":"*"},"#,
    r#""Action":"sts:AssumeRole"}]}"#
);

/// Where a document belongs, which says what the server requires of it.
#[derive(Clone, Copy)]
pub(super) enum Place {
    Inline,
    Managed,
    Trust,
}

/// Returns why the server will refuse a document.
pub(super) fn refused(text: &str, place: Place, partition: &str) -> Option<String> {
    let (kind, min_version, most) = match place {
        Place::Inline => (PolicyKind::Identity, Version::V2008, usize::MAX),
        Place::Managed => (PolicyKind::Identity, Version::V2012, limits::MANAGED_POLICY_SIZE),
        Place::Trust => (PolicyKind::Trust, Version::V2008, usize::MAX),
    };
    let rules = SaveRules { partition: Some(partition), min_version, ..SaveRules::default() };
    match parse_strict(text, kind, &rules) {
        Err(error) => Some(error.to_string()),
        Ok(_) if non_whitespace_len(text) > most => {
            Some(format!("it has {} characters, at most {most} are permitted", non_whitespace_len(text)))
        }
        Ok(_) => None,
    }
}

/// Whether two documents are the same apart from white space and the order of members.
pub(super) fn same(one: &str, other: &str, place: Place) -> bool {
    let kind = if matches!(place, Place::Trust) { PolicyKind::Trust } else { PolicyKind::Identity };
    let canonical = |text| parse(text, kind).map(|document| to_json(&document)).ok();
    one == other || canonical(one).is_some_and(|one| canonical(other) == Some(one))
}

/// Whether a document has a statement that denies.
pub(super) fn denies(text: &str) -> bool {
    use bailiwick_policy_lang::document::Effect;

    parse(text, PolicyKind::Identity)
        .is_ok_and(|document| document.statements.iter().any(|statement| statement.effect == Effect::Deny))
}

/// The principals of the kind `AWS` in a trust policy.
pub(super) fn principals(text: &str) -> Vec<String> {
    use bailiwick_policy_lang::PrincipalKind::Aws;
    let parsed = parse(text, PolicyKind::Trust);
    let names = |document: bailiwick_policy_lang::Document| {
        document.principals().filter(|(kind, _)| *kind == Aws).map(|(_, name)| name.to_string()).collect()
    };
    parsed.map(names).unwrap_or_default()
}
