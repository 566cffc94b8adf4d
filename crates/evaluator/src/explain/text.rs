//! An explanation as a person reads it.

use std::fmt;
use std::sync::Arc;

use super::{Actual, Explanation, Failure, Finding, Located, Verdict};
use crate::decision::{Outcome, Step};
use bailiwick_policy_lang::PolicyKind;

impl fmt::Display for Explanation<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.headline(f)?;
        write!(
            f,
            "\n  who:      {}\n  action:   {}\n  resource: {}\n",
            self.principal.name(),
            self.action,
            self.resource
        )?;
        if self.decision.step == Step::Exception {
            return Ok(());
        }
        f.write_str("\nWhat the policies say:\n")?;
        for finding in &self.findings {
            finding.line(f)?;
        }
        if !self.near_misses.is_empty() {
            f.write_str("\nNearest misses:\n")?;
            for (n, miss) in self.near_misses.iter().enumerate() {
                writeln!(f, "  {}. {}: {}", n + 1, miss.statement, miss.failure)?;
            }
        }
        self.advice(f)
    }
}

impl Explanation<'_> {
    fn headline(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let decision = &self.decision;
        match (decision.outcome, &self.decided_by, decision.lacking) {
            (Outcome::Allowed, ..) if decision.step == Step::Exception => {
                f.write_str("Allowed: this action needs no permission.")
            }
            (Outcome::Allowed, None, _) if decision.step == Step::Root => {
                f.write_str("Allowed: root may do everything in its own account, and nothing denies it.")
            }
            (Outcome::Allowed, Some(statement), _) => write!(f, "Allowed by {statement}."),
            (Outcome::Allowed, None, _) => f.write_str("Allowed."),
            (Outcome::ExplicitDeny, Some(statement), _) => write!(f, "Denied by {statement}: an explicit deny wins."),
            (Outcome::ExplicitDeny, None, _) => f.write_str("Denied by an explicit deny."),
            (Outcome::ImplicitDeny, ..) if self.is_hopeless() => f.write_str("Denied: root can't assume roles."),
            (Outcome::ImplicitDeny, _, Some(kind)) => {
                let why = match decision.step {
                    Step::CrossAccount => ", and across accounts both sides must allow",
                    _ => "",
                };
                write!(f, "Denied: no {} allows it{why}.", kind.describe())
            }
            (Outcome::ImplicitDeny, _, None) => f.write_str("Denied: nothing allows it."),
        }
    }

    fn advice(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.suggestions.is_empty() {
            f.write_str("\nSuggestion, if this is to be allowed; add")?;
            for (n, suggestion) in self.suggestions.iter().enumerate() {
                let and = if n == 0 { "" } else { "  and" };
                write!(f, "{and} to the {}:\n    {}\n", suggestion.kind.describe(), suggestion.statement)?;
            }
        }
        if !self.denies.is_empty() {
            f.write_str("\nWarning: no Allow helps as long as these deny:\n")?;
            for deny in &self.denies {
                writeln!(f, "  - {deny}")?;
            }
        }
        Ok(())
    }
}

impl Finding<'_> {
    fn line(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "  {}", self.kind.describe())?;
        if matches!(self.kind, PolicyKind::Scp | PolicyKind::Rcp) {
            write!(f, ", level {}", self.level + 1)?;
        }
        match (self.verdict, &self.statement) {
            (Verdict::Allows, Some(statement)) => writeln!(f, ": allows, by {}", statement.short()),
            (Verdict::Denies, Some(statement)) => writeln!(f, ": denies, by {}", statement.short()),
            _ if self.policies == 0 => writeln!(f, ": silent, there is none"),
            _ if self.policies == 1 => writeln!(f, ": silent"),
            _ => writeln!(f, ": silent, all {}", self.policies),
        }
    }
}

impl Located<'_> {
    /// Without the type of policy.
    fn short(&self) -> impl fmt::Display {
        let policy = self.policy.map(|name| format!("`{name}` ")).unwrap_or_default();
        let sid = self.sid.map(|sid| format!(" `{sid}`")).unwrap_or_default();
        format!("{policy}statement {}{sid} ({})", self.at.statement + 1, self.span.start)
    }
}

impl fmt::Display for Located<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.at.kind.describe(), self.short())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (what, negated, expected) = match self {
            Self::Action { negated, expected } => ("action", *negated, expected),
            Self::Resource { negated, expected } => ("resource", *negated, expected),
            Self::Principal { negated, expected } => ("caller", *negated, expected),
            Self::Condition { operator, key, expected, actual, .. } => {
                return write!(f, "condition {operator} {key}: wants {}, the request has {actual}", List(expected));
            }
        };
        match negated {
            false => write!(f, "the {what} is not {}", List(expected)),
            true => write!(f, "the {what} is one of those excepted: {}", List(expected)),
        }
    }
}

impl fmt::Display for Actual {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absent => f.write_str("no such key"),
            Self::One(value) => write!(f, "`{value}`"),
            Self::Many(values) if values.is_empty() => f.write_str("the key without values"),
            Self::Many(values) => {
                let values: Vec<Arc<str>> = values.iter().map(|value| value.as_str().into()).collect();
                write!(f, "{} (a multi-valued key)", List(&values))
            }
        }
    }
}

/// Values in backticks, the first few.
struct List<'a>(&'a [Arc<str>]);

impl fmt::Display for List<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN: usize = 5;
        let Self(values) = self;
        if values.is_empty() {
            return f.write_str("anything that is listed");
        }
        for (n, value) in values.iter().take(SHOWN).enumerate() {
            let between = if n == 0 { "" } else { ", " };
            write!(f, "{between}`{value}`")?;
        }
        if values.len() > SHOWN {
            write!(f, " or {} more", values.len() - SHOWN)?;
        }
        Ok(())
    }
}
