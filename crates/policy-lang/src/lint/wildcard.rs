//! Wildcards and variables that make a condition wider than it looks, or say the same as no condition at all.

use super::Cx;
use super::code::*;
use crate::arn_pattern::arn_parts;
use crate::document::{Condition, ConditionValue, ValueType};
use crate::json::quoted;
use crate::operator::{ConditionOperator, Qualifier};
use crate::template::{Piece, Template};

pub(super) fn check(cx: &mut Cx<'_>) {
    for (_, condition) in cx.conditions() {
        if !matches!(condition.operator.base, ConditionOperator::StringLike | ConditionOperator::StringNotLike) {
            continue;
        }
        for value in condition.values.iter().filter(|value| value.value_type == ValueType::String) {
            wide(cx, condition, value);
        }
        if let Some(all) = condition.values.iter().find(|value| is_everything(&value.text)) {
            constant(cx, condition, all);
        }
    }
}

/// One run of `*` and nothing else.
fn is_everything(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte == b'*')
}

/// Keys whose values are ids, which need no pattern.
const SENSITIVE: [&str; 8] = [
    "aws:PrincipalAccount",
    "aws:PrincipalOrgID",
    "aws:ResourceAccount",
    "aws:ResourceOrgID",
    "aws:SourceAccount",
    "aws:SourceOrgID",
    "aws:VpceAccount",
    "aws:VpceOrgID",
];
/// The same of networks, whose ids AWS makes up: in a network of one's own, names may have a system.
const NETWORKS: [&str; 2] = ["aws:SourceVpc", "aws:SourceVpce"];

/// The number of literal characters required before a wildcard or variable in a value that identifies callers.
const BEFORE: usize = 6;

/// What a value has that is not plain text.
enum Wide {
    Wildcard,
    Variable,
}

fn wide(cx: &mut Cx<'_>, condition: &Condition, value: &ConditionValue) {
    let key = &*condition.key.value;
    let has_variables = cx.document().version.has_variables();
    let is_named = |names: &[&str]| names.iter().any(|name| name.eq_ignore_ascii_case(key));
    let (found, advice) = if is_named(&SENSITIVE) || cx.is_for_aws() && is_named(&NETWORKS) {
        (first_wide(&value.text, has_variables, 0, usize::MAX), "name the values in full")
    } else if key.eq_ignore_ascii_case("aws:userid") {
        let advice = "put it behind the colon, or as all that stands before the colon";
        (wide_user_id(&value.text, has_variables), advice)
    } else if is_subject(key) {
        (first_wide(&value.text, has_variables, 0, BEFORE), "put six characters or more before it")
    } else {
        return;
    };
    let Some(wide) = found else { return };
    let (code, what) = match wide {
        Wide::Wildcard => (WILDCARD_USAGE_TOO_PERMISSIVE, "wildcard"),
        Wide::Variable => (VARIABLE_USAGE_TOO_PERMISSIVE, "variable"),
    };
    let details = format!(
        "narrow the {what} in {}: under {} it lets in more than it seems, so {advice}",
        quoted(&value.text),
        quoted(key)
    );
    cx.report(code, value.span, details);
}

/// `<issuer host and path>:sub`.
fn is_subject(key: &str) -> bool {
    key.rsplit_once(':').is_some_and(|(issuer, claim)| issuer.contains('.') && claim.eq_ignore_ascii_case("sub"))
}

/// The first wildcard or variable with fewer than `enough` literal characters right before it, after `run` of them.
fn first_wide(text: &str, has_variables: bool, mut run: usize, enough: usize) -> Option<Wide> {
    let pieces = match Template::parse(text) {
        Ok(pieces) if has_variables => pieces,
        _ => vec![Piece::Literal(text)],
    };
    for piece in pieces {
        match piece {
            Piece::Escaped(_) => run += 1,
            Piece::Variable { .. } if run < enough => return Some(Wide::Variable),
            Piece::Variable { .. } => run = 0,
            Piece::Literal(text) => {
                let mut after_wildcard = false;
                for character in text.chars() {
                    let is_wild = matches!(character, '*' | '?');
                    // A run of wildcards counts once.
                    if is_wild && !after_wildcard && run < enough {
                        return Some(Wide::Wildcard);
                    }
                    run = if is_wild { 0 } else { run + 1 };
                    after_wildcard = is_wild;
                }
            }
        }
    }
    None
}

/// Of `unique-id:session`, what stands before the colon, unless it is all wildcard or all variable.
fn wide_user_id(text: &str, has_variables: bool) -> Option<Wide> {
    let parts = arn_parts(text);
    let before = parts[0];
    let lone = is_everything(before)
        || has_variables && matches!(Template::parse(before).as_deref(), Ok([Piece::Variable { .. }]));
    if lone && parts.len() > 1 { None } else { first_wide(before, has_variables, 0, usize::MAX) }
}

/// A value that every text matches: the condition asks whether the key exists, or nothing.
fn constant(cx: &mut Cx<'_>, condition: &Condition, value: &ConditionValue) {
    let operator = condition.operator;
    let negated = operator.base.is_negated();
    let key = quoted(&condition.key);
    let (code, details) = match (negated, operator.qualifier) {
        (true, Qualifier::ForAnyValue) if !operator.if_exists => (
            REDUNDANT_STATEMENT_DUE_TO_WILDCARD_IN_CONDITION,
            format!(
                "remove the statement or the condition on {key}: `{operator}` never holds with {}",
                quoted(&value.text)
            ),
        ),
        (true, _) => (
            EQUIVALENT_TO_NULL_TRUE,
            format!(
                "write {key} under `Null` with `true`: `{operator}` with {} holds only without the key",
                quoted(&value.text)
            ),
        ),
        (false, Qualifier::ForAllValues) => (
            REDUNDANT_KEY_DUE_TO_WILDCARD_IN_CONDITION,
            format!("remove the condition on {key}: `{operator}` always holds with {}", quoted(&value.text)),
        ),
        (false, _) if operator.if_exists => (
            REDUNDANT_KEY_DUE_TO_WILDCARD_IN_CONDITION,
            format!("remove the condition on {key}: `{operator}` always holds with {}", quoted(&value.text)),
        ),
        (false, _) => (
            EQUIVALENT_TO_NULL_FALSE,
            format!(
                "write {key} under `Null` with `false`: `{operator}` with {} holds whenever the key is there",
                quoted(&value.text)
            ),
        ),
    };
    cx.report(code, condition.span, details);
}
