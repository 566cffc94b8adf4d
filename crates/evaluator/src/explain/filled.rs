//! Texts of policies with their variables replaced, for explanations.

use std::sync::Arc;

use bailiwick_policy_lang::{Piece, Template};

use super::{Expected, Variables, copying};
use crate::budget::is_spent;
use crate::condition::Condition;
use crate::context::{Context, ContextKey, ContextValue};
use crate::pattern::Pattern;

/// A pattern of `Resource`.
pub(super) fn pattern(pattern: &Pattern, context: &Context<'_>, steps: &mut u64) -> Expected {
    let mut has_variables = false;
    pattern.each_key(&mut |_| has_variables = true);
    expected(pattern.source.clone(), has_variables, context, steps)
}

/// The values of a condition.
pub(super) fn values(condition: &Condition, context: &Context<'_>, steps: &mut u64) -> Vec<Expected> {
    let mut has_variables = false;
    condition.each_variable(&mut |_| has_variables = true);
    condition.written_values().into_iter().map(|text| expected(text, has_variables, context, steps)).collect()
}

fn expected(written: Arc<str>, has_variables: bool, context: &Context<'_>, steps: &mut u64) -> Expected {
    *steps += 1;
    let variables = if has_variables { fill(&written, context, steps) } else { Variables::None };
    Expected { written, variables }
}

fn fill(text: &str, context: &Context<'_>, steps: &mut u64) -> Variables {
    let (mut out, mut is_filled) = (String::with_capacity(text.len()), false);
    for piece in Template::new(text) {
        match piece {
            _ if is_spent(*steps) => return Variables::None,
            // The parser refuses broken variables, and they have no key to visit.
            Err(_) => return Variables::None,
            Ok(Piece::Literal(literal)) => out.push_str(literal),
            Ok(Piece::Escaped(c)) => out.extend(["${", c.encode_utf8(&mut [0; 4]), "}"]),
            Ok(Piece::Variable { key, default }) => {
                let value = match context.look_up(&ContextKey::new(key), steps) {
                    None => default.map(ToOwned::to_owned),
                    Some(ContextValue::Many(_)) => None,
                    Some(value) => value.rendered().map(|text| text.as_str().to_owned()),
                };
                let Some(value) = value else { return Variables::Unknown(key.to_owned()) };
                *steps += copying(value.len());
                out.push_str(&value);
                is_filled = true;
            }
        }
    }
    if is_filled { Variables::Filled(out) } else { Variables::None }
}
