//! Phrases for policies, statements and failures.

use std::fmt::{self, Write};

use bailiwick_policy_lang::{ConditionOperator, Operator, PolicyKind, Qualifier};

use super::layout::{Quoted, row};
use super::{Actual, Expected, Failure, Located, Variables};
use crate::decision::{Decision, Outcome};
use crate::request::{Principal, Request};

pub(super) const NAMES_THE_ACCOUNT: &str =
    "To name the root user is to name its account, whose administrators can then let others in.";

/// Notes about a request that do not depend on policies.
pub(super) fn notes(request: &Request<'_>, decision: &Decision) -> Vec<String> {
    let mut notes = Vec::new();
    let unknown = request.resource_account.id.is_none() && request.principal.account().is_some();
    if unknown && decision.outcome == Outcome::ImplicitDeny && request.resource != "*" {
        notes.push("Nobody knows which account owns the resource, so it counts as another account's.".to_owned());
    }
    notes
}

/// A type of policy as the reader of a decision meets it: those of which there may be several in the plural.
pub(super) fn several(kind: PolicyKind) -> &'static str {
    match kind {
        PolicyKind::Identity => "identity-based policies",
        PolicyKind::Session => "session policies",
        PolicyKind::Scp => "service control policies",
        PolicyKind::Rcp => "resource control policies",
        one => one.describe(),
    }
}

/// The kind of principal, in a word.
pub(super) fn caller(principal: &Principal<'_>) -> &'static str {
    match principal {
        Principal::Root { .. } => "the root user",
        Principal::User { .. } => "a user",
        Principal::RoleSession { .. } => "a role session",
        Principal::FederatedUser { .. } => "a federated user",
        Principal::Service { .. } => "a service",
        Principal::IdentityProvider { .. } => "an identity provider",
        Principal::Anonymous => "an anonymous caller",
    }
}

impl Located<'_> {
    /// Without the type of policy.
    pub(super) fn short(&self) -> String {
        match self.number() {
            Some(number) => format!("policy {number}, {}", self.place()),
            None => self.place(),
        }
    }

    /// Which of its type a policy without name is, from 1, where there may be several.
    fn number(&self) -> Option<u32> {
        let is_one_of_several = several(self.at.kind) != self.at.kind.describe();
        (self.policy.is_none() && is_one_of_several).then_some(self.at.policy + 1)
    }

    fn place(&self) -> String {
        let mut out = String::new();
        if let Some(policy) = self.policy {
            let _ = write!(out, "{}", Quoted(policy));
            if let Some(holder) = self.holder.and_then(|arn| arn.splitn(6, ':').nth(5)) {
                let (what, name) = holder.split_once('/').unwrap_or(("", holder));
                let _ = write!(out, " of {what} {}", Quoted(name));
            }
            out.push_str(", ");
        }
        let _ = write!(out, "statement {}", self.at.statement + 1);
        if let Some(sid) = self.sid {
            let _ = write!(out, " {}", Quoted(sid));
        }
        let _ = write!(out, " ({})", self.span.start);
        out
    }
}

impl fmt::Display for Located<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.at.kind.describe())?;
        if let Some(number) = self.number() {
            write!(f, " {number}")?;
        }
        let comma = if self.policy.is_some() { "" } else { "," };
        write!(f, "{comma} {}", self.place())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Principal { expected, .. } if expected.is_empty() => f.write_str("it names nobody"),
            Self::Principal { negated: false, expected } => write!(f, "the caller is {}", none_of(expected)),
            Self::Principal { negated: true, expected } => write!(f, "the caller is one of {}", list(expected, "and")),
            Self::Action { negated: false, expected, closest } => {
                write!(f, "the action is {}", none_of_patterns(expected, *closest))
            }
            Self::Resource { negated: false, expected, closest } => {
                write!(f, "the resource is {}", none_of_patterns(expected, *closest))
            }
            Self::Action { negated: true, expected, closest } => excepted(f, "action", "NotAction", expected, *closest),
            Self::Resource { negated: true, expected, closest } => {
                excepted(f, "resource", "NotResource", expected, *closest)
            }
            Self::Condition { operator, key, expected, actual, .. } => {
                write!(f, "{operator} {}: wants {}, and the request ", Quoted(key), wanted(*operator, expected))?;
                has(f, *operator, actual)?;
                unknown(f, expected)
            }
        }
    }
}

fn excepted(f: &mut fmt::Formatter<'_>, what: &str, element: &str, all: &[Expected], at: usize) -> fmt::Result {
    write!(f, "the {what} is excepted by its {element}")?;
    match all.get(at) {
        Some(one) => write!(f, " {}", Quoted(&one.written)),
        None => Ok(()),
    }
}

/// More than these are not all shown.
const SHOWN: usize = 4;

fn none_of(expected: &[Expected]) -> String {
    match expected {
        [one] => format!("not {}", shown(one)),
        several => format!("none of {}", list(several, "and")),
    }
}

fn none_of_patterns(expected: &[Expected], closest: usize) -> String {
    let mut out = match (expected, expected.get(closest)) {
        (several, Some(closest)) if several.len() > SHOWN => {
            format!("none of the {} listed; {} comes closest", several.len(), shown(closest))
        }
        (several, Some(closest)) if several.len() > 1 => {
            let all: Vec<String> = several.iter().map(|one| Quoted(&one.written).to_string()).collect();
            let here = match &closest.variables {
                Variables::Filled(text) => format!(" (here {})", Quoted(text)),
                _ => String::new(),
            };
            format!("none of {}; {}{here} comes closest", row(&all, "and"), Quoted(&closest.written))
        }
        (several, _) => none_of(several),
    };
    if let Some(key) = expected.get(closest).and_then(no_value) {
        let _ = write!(out, ": there is no value for {}", Quoted(key));
    }
    out
}

fn no_value(expected: &Expected) -> Option<&str> {
    match &expected.variables {
        Variables::Unknown(key) => Some(key),
        Variables::None | Variables::Filled(_) => None,
    }
}

fn unknown(f: &mut fmt::Formatter<'_>, expected: &[Expected]) -> fmt::Result {
    match expected.iter().find_map(no_value) {
        Some(key) => write!(f, "; there is no value for {}", Quoted(key)),
        None => Ok(()),
    }
}

fn shown(expected: &Expected) -> String {
    match &expected.variables {
        Variables::Filled(text) => format!("{}, which here is {}", Quoted(&expected.written), Quoted(text)),
        _ => Quoted(&expected.written).to_string(),
    }
}

fn list(expected: &[Expected], last: &str) -> String {
    let mut all: Vec<String> = expected.iter().take(SHOWN).map(|one| Quoted(one.text()).to_string()).collect();
    if expected.len() > SHOWN {
        all.push(format!("{} more", expected.len() - SHOWN));
    }
    row(&all, last)
}

/// The meaning of an operator, in words.
fn wanted(operator: Operator, expected: &[Expected]) -> String {
    use ConditionOperator as Op;
    let values = match expected {
        [one] => shown(one),
        several => list(several, "or"),
    };
    let what = match operator.base {
        Op::Null => return null(expected).to_owned(),
        Op::StringNotEquals | Op::StringNotEqualsIgnoreCase | Op::StringNotLike | Op::NumericNotEquals => {
            format!("anything but {values}")
        }
        Op::DateNotEquals | Op::ArnNotEquals | Op::ArnNotLike => format!("anything but {values}"),
        Op::NumericLessThan => format!("less than {values}"),
        Op::NumericLessThanEquals => format!("at most {values}"),
        Op::NumericGreaterThan => format!("more than {values}"),
        Op::NumericGreaterThanEquals => format!("at least {values}"),
        Op::DateLessThan => format!("a time before {values}"),
        Op::DateLessThanEquals => format!("a time not after {values}"),
        Op::DateGreaterThan => format!("a time after {values}"),
        Op::DateGreaterThanEquals => format!("a time not before {values}"),
        Op::IpAddress => format!("an address in {values}"),
        Op::NotIpAddress => format!("an address outside {values}"),
        _ => values,
    };
    match operator.qualifier {
        Qualifier::None => what,
        Qualifier::ForAnyValue => format!("a value to be {what}"),
        Qualifier::ForAllValues => format!("every value to be {what}"),
    }
}

fn null(expected: &[Expected]) -> &'static str {
    match expected.iter().any(|one| one.written.eq_ignore_ascii_case("true")) {
        true => "the key to be missing",
        false => "the key to be there",
    }
}

fn has(f: &mut fmt::Formatter<'_>, operator: Operator, actual: &Actual) -> fmt::Result {
    match actual {
        Actual::Absent => f.write_str("does not have it"),
        Actual::One(value) => write!(f, "has {}", Quoted(value)),
        Actual::Many(values) if values.is_empty() => f.write_str("has it without a value"),
        Actual::Many(values) => {
            let mut all: Vec<String> = values.iter().take(SHOWN).map(|value| Quoted(value).to_string()).collect();
            if values.len() > SHOWN {
                all.push(format!("{} more", values.len() - SHOWN));
            }
            write!(f, "has {}", row(&all, "and"))?;
            match operator.qualifier {
                Qualifier::None => {
                    f.write_str("; a key that may have several values needs ForAnyValue or ForAllValues")
                }
                Qualifier::ForAnyValue | Qualifier::ForAllValues => Ok(()),
            }
        }
    }
}
