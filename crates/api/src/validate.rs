//! Validation of requests, with AWS's messages.

use std::fmt;
use std::ops::RangeInclusive;

use crate::Pattern;

mod sentence;

const NOT_NULL: &str = "Member must not be null";
/// The start of the patterns of policy documents.
const DOCUMENT: &str = r"[\u0009\u000A\u000D\u0020-";

/// The maximum length of a value that a message repeats.
const LONGEST_NAMED_VALUE: usize = 512;

/// The maximum number of violations that a message has, as AWS's.
const MOST_SHOWN: usize = 10;

/// The number of violations after which the rest of a request is not checked: a request of a megabyte can have hundreds
/// of thousands.
const ENOUGH: usize = 100;

/// A request that can be checked against the rules of its service model.
pub trait Validate {
    /// Whether violations contain the value, as those of other services do unless the member is a secret. IAM's do not, and have specific
    /// sentences for invalid characters in names, paths and documents.
    const NAMES_VALUES: bool;

    /// Adds the violations to `out`, depth first, in AWS's order of members, which is not the model's. Lists and maps are not
    /// checked further once it [is full](Violations::is_full).
    fn check(&self, at: &At<'_>, out: &mut Violations);

    /// Returns the violations: all of them, or the first hundred and a few of the same message.
    fn validate(&self) -> Violations {
        let mut out = Violations { list: Vec::new(), names_values: Self::NAMES_VALUES };
        self.check(&At::ROOT, &mut out);
        out
    }
}

/// A rule that a member of a request violates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The member as AWS names it: `userName`, `tags.1.member.key`.
    pub member: String,
    /// The value, quoted, where the message names it; `null` for one that is missing.
    pub value: Option<String>,
    /// The rule: `Member must have length less than or equal to 64`.
    pub constraint: String,
    /// Whether AWS reports it in a specific sentence instead of the list of validation errors.
    pub is_sentence: bool,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_sentence {
            return write!(f, "The specified value for {} is invalid. {}", self.member, self.constraint);
        }
        f.write_str("Value ")?;
        if let Some(value) = &self.value {
            write!(f, "{value} ")?;
        }
        write!(f, "at '{}' failed to satisfy constraint: {}", self.member, self.constraint)
    }
}

/// The violations of a request. Its `Display` is the message of AWS's `ValidationError`: the first specific sentence,
/// or the list of the first ten violations.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Violations {
    list: Vec<Violation>,
    names_values: bool,
}

impl Violations {
    /// Returns whether there are none.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Returns whether there are so many that the rest of the request need not be checked.
    pub fn is_full(&self) -> bool {
        self.list.len() >= ENOUGH
    }

    /// Returns the violations in order.
    pub fn iter(&self) -> std::slice::Iter<'_, Violation> {
        self.list.iter()
    }

    /// `value` is shown if messages contain values.
    fn add(&mut self, at: &At<'_>, value: Option<String>, constraint: String) {
        let value = value.filter(|_| self.names_values);
        self.list.push(Violation { member: at.to_string(), value, constraint, is_sentence: false });
    }

    /// A value that does not match the pattern.
    fn add_mismatch(&mut self, at: &At<'_>, value: Option<String>, pattern: &Pattern) {
        match sentence::of(at.member, pattern).filter(|_| !self.names_values) {
            Some(sentence) => self.list.push(Violation {
                member: at.to_string(),
                value: None,
                constraint: sentence.into(),
                is_sentence: true,
            }),
            None => self.add(at, value, pattern_constraint(pattern)),
        }
    }
}

impl fmt::Display for Violations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(sentence) = self.list.iter().find(|violation| violation.is_sentence) {
            return sentence.fmt(f);
        }
        let shown = &self.list[..self.list.len().min(MOST_SHOWN)];
        write!(f, "{} validation error{} detected: ", shown.len(), if shown.len() == 1 { "" } else { "s" })?;
        for (index, violation) in shown.iter().enumerate() {
            if index > 0 {
                f.write_str("; ")?;
            }
            violation.fmt(f)?;
        }
        Ok(())
    }
}

/// The position of a check within a request, formatted only for a violation.
#[derive(Clone, Copy, Debug)]
pub struct At<'a> {
    parent: Option<&'a At<'a>>,
    member: &'static str,
    item: Option<usize>,
}

impl<'a> At<'a> {
    /// The request itself.
    pub const ROOT: At<'static> = At { parent: None, member: "", item: None };

    /// A member of this position.
    pub fn member(&'a self, member: &'static str) -> At<'a> {
        At { parent: Some(self), member, item: None }
    }

    /// An item, counted from 0, of a list at this position.
    pub fn item(&'a self, member: &'static str, index: usize) -> At<'a> {
        At { parent: Some(self), member, item: Some(index) }
    }
}

impl fmt::Display for At<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(parent) = self.parent
            && parent.parent.is_some()
        {
            write!(f, "{parent}.")?;
        }
        f.write_str(self.member)?;
        match self.item {
            Some(index) => write!(f, ".{}.member", index + 1),
            None => Ok(()),
        }
    }
}

/// The rules of a text.
pub(crate) struct Text {
    pub(crate) required: bool,
    pub(crate) min: Option<u32>,
    pub(crate) max: Option<u32>,
    pub(crate) pattern: Option<&'static Pattern>,
    pub(crate) allowed: &'static [&'static str],
    pub(crate) secret: bool,
}

impl Text {
    pub(crate) fn check(&self, value: Option<&str>, at: &At<'_>, out: &mut Violations) {
        let Some(value) = value else {
            present(!self.required, at, out);
            return;
        };
        let named = || (!self.secret && value.len() <= LONGEST_NAMED_VALUE).then(|| format!("'{value}'"));
        if !self.is_allowed(value) {
            out.add(at, named(), self.allowed_constraint());
        }
        if let Some(pattern) = self.pattern
            && !pattern.matches(value)
        {
            out.add_mismatch(at, named(), pattern);
        }
        if let Some(constraint) = self.length_constraint(value) {
            out.add(at, named(), constraint);
        }
    }

    /// Checks the items of a list of texts. AWS reports such a list once, with all rules of its items.
    pub(crate) fn check_items(&self, values: &[String], at: &At<'_>, out: &mut Violations) {
        if values.iter().all(|value| self.is_satisfied_by(value)) {
            return;
        }
        let whole = format!("'[{}]'", values.join(", "));
        let named = !self.secret && whole.len() <= LONGEST_NAMED_VALUE;
        out.add(at, named.then_some(whole), format!("Member must satisfy constraint: [{}]", self.constraints()));
    }

    /// Checks the keys or the values of a map, which AWS reports once and calls `Map keys` and `Map value`.
    pub(crate) fn check_entries<'a>(
        &self,
        mut texts: impl Iterator<Item = &'a String>,
        which: &str,
        at: &At<'_>,
        out: &mut Violations,
    ) {
        if !texts.all(|text| self.is_satisfied_by(text)) {
            out.add(at, None, format!("{which} must satisfy constraint: [{}]", self.constraints()));
        }
    }

    fn is_satisfied_by(&self, value: &str) -> bool {
        self.is_allowed(value)
            && self.pattern.is_none_or(|p| p.matches(value))
            && self.length_constraint(value).is_none()
    }

    /// Formats all rules, for a list or map that is reported once.
    fn constraints(&self) -> String {
        let mut asked = Vec::new();
        asked.extend(self.max.map(at_most));
        asked.extend(self.min.map(at_least));
        asked.extend(self.pattern.map(pattern_constraint));
        // AWS's recorded answers have this ending for `tagKeys` and `serviceNamespaces`, and not for lists of
        // documents (`policyInputList`) or without a pattern (`clientIDList`).
        asked.extend(self.pattern.filter(|pattern| !pattern.source().starts_with(DOCUMENT)).map(|_| NOT_NULL.into()));
        if !self.allowed.is_empty() {
            asked.push(self.allowed_constraint());
        }
        asked.join(", ")
    }

    fn is_allowed(&self, value: &str) -> bool {
        self.allowed.is_empty() || self.allowed.contains(&value)
    }

    fn allowed_constraint(&self) -> String {
        format!("Member must satisfy enum value set: [{}]", self.allowed.join(", "))
    }

    fn length_constraint(&self, value: &str) -> Option<String> {
        let (min, max) = (self.min.unwrap_or(0), self.max.unwrap_or(u32::MAX));
        // A character has one to four bytes, so counting is rarely needed.
        if value.len() <= max as usize && value.len() / 4 >= min as usize {
            return None;
        }
        let length = value.chars().count();
        if length > max as usize {
            Some(at_most(max))
        } else if length < min as usize {
            Some(at_least(min))
        } else {
            None
        }
    }
}

fn pattern_constraint(pattern: &Pattern) -> String {
    format!("Member must satisfy regular expression pattern: {}", pattern.source())
}

fn at_most(max: u32) -> String {
    format!("Member must have length less than or equal to {max}")
}

fn at_least(min: u32) -> String {
    format!("Member must have length greater than or equal to {min}")
}

/// A text without presence is absent if it is empty.
pub(crate) fn filled(value: &str) -> Option<&str> {
    (!value.is_empty()).then_some(value)
}

pub(crate) fn present(there: bool, at: &At<'_>, out: &mut Violations) {
    if !there {
        out.add(at, Some("null".into()), NOT_NULL.into());
    }
}

pub(crate) fn items(
    length: usize,
    required: bool,
    min: Option<u32>,
    max: Option<u32>,
    at: &At<'_>,
    out: &mut Violations,
) {
    if length == 0 {
        return present(!required, at, out);
    }
    match (min, max) {
        (Some(min), _) if length < min as usize => out.add(at, None, at_least(min)),
        (_, Some(max)) if length > max as usize => out.add(at, None, at_most(max)),
        _ => {}
    }
}

pub(crate) fn number(
    value: Option<i32>,
    required: bool,
    min: Option<i64>,
    max: Option<i64>,
    at: &At<'_>,
    out: &mut Violations,
) {
    let Some(value) = value else { return present(!required, at, out) };
    let named = Some(format!("'{value}'"));
    match (min, max) {
        (Some(min), _) if i64::from(value) < min => {
            out.add(at, named, format!("Member must have value greater than or equal to {min}"));
        }
        (_, Some(max)) if i64::from(value) > max => {
            out.add(at, named, format!("Member must have value less than or equal to {max}"));
        }
        _ => {}
    }
}

/// The first and the last second that a time may have, of the years 1 and 9999.
const SECONDS: RangeInclusive<i64> = -62_135_596_800..=253_402_300_799;

pub(crate) fn time(value: &prost_types::Timestamp, at: &At<'_>, out: &mut Violations) {
    if !SECONDS.contains(&value.seconds) || !(0..1_000_000_000).contains(&value.nanos) {
        let constraint = "Member must be a time of the years 1 to 9999, with 0 to 999999999 nanoseconds";
        out.add(at, None, constraint.into());
    }
}

#[cfg(test)]
mod tests;
