//! The grammar of condition values: numbers, dates, booleans, base64, IP addresses and ranges.
//!
//! The validator, the evaluator and the services that accept context values all read values here, so a text that one
//! of them accepts has the same meaning for the others. Strings and ARNs have no grammar of their own.
//!
//! The rules follow the AWS documentation of condition operators. Where it is silent, a spelling with a single
//! possible meaning is accepted (`.5`, `1e3`) and an ambiguous one is refused (`1,000`, `2024-6-1`, `010.0.0.1`).
//! Nothing is trimmed.

mod base64;
mod date;
mod ip;
mod number;

use std::fmt;

pub use base64::Base64;
pub use date::Instant;
pub use ip::{IpRange, parse_address};
pub use number::Number;

use crate::operator::Family;

/// Parses `true` or `false`, in any case.
///
/// ```
/// # use bailiwick_policy_lang::value::parse_bool;
/// assert_eq!(parse_bool("True"), Some(true));
/// assert_eq!(parse_bool("1"), None);
/// ```
#[must_use]
pub fn parse_bool(text: &str) -> Option<bool> {
    match text {
        _ if text.eq_ignore_ascii_case("true") => Some(true),
        _ if text.eq_ignore_ascii_case("false") => Some(false),
        _ => None,
    }
}

/// Returns whether the operators of `family` can compare `text` when a policy lists it.
///
/// Every text is valid for the String and ARN operators.
#[must_use]
pub fn is_policy_value(family: Family, text: &str) -> bool {
    match family {
        Family::Ip => IpRange::parse(text).is_some(),
        _ => is_context_value(family, text),
    }
}

/// Returns whether AWS stores a policy that lists `text` for an operator of `family`: no date with a long fraction.
///
/// Stored policies that list one are decided by it all the same.
pub(crate) fn is_stored_value(family: Family, text: &str) -> bool {
    is_policy_value(family, text) && !(family == Family::Date && has_long_fraction(text))
}

/// Whether a date has a fraction that AWS refuses in policies: more than nine digits, not counting zeros at its beginning.
fn has_long_fraction(text: &str) -> bool {
    let fraction = text.split_once('.').map_or("", |(_, rest)| rest).trim_start_matches('0');
    fraction.bytes().take_while(u8::is_ascii_digit).count() > 9
}

/// Returns whether the operators of `family` can compare `text` when a request gives it as the value of a context key.
///
/// This differs from [`is_policy_value`] for IP addresses only: a request has an address, never a range.
#[must_use]
pub fn is_context_value(family: Family, text: &str) -> bool {
    match family {
        Family::String | Family::Arn => true,
        Family::Numeric => Number::parse(text).is_some(),
        Family::Date => Instant::parse(text).is_some(),
        Family::Bool | Family::Null => parse_bool(text).is_some(),
        Family::Binary => Base64::parse(text).is_some(),
        Family::Ip => parse_address(text).is_some(),
    }
}

/// A text is not a value of the expected form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ValueError {
    expected: &'static str,
}

impl ValueError {
    /// What was expected, as a phrase for messages: `a number`.
    #[must_use]
    pub fn expected(&self) -> &'static str {
        self.expected
    }
}

impl fmt::Display for ValueError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "expected {}", self.expected)
    }
}

impl std::error::Error for ValueError {}
